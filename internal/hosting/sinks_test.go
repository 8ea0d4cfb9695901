package hosting_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/eventsink/sender"
	"github.com/kubescim/kubescim/internal/replica"
	"github.com/kubescim/kubescim/internal/signingkey"
)

// heard are the paths that a receiver has heard of, by the issuer of the events.
type heard struct {
	mu    sync.Mutex
	paths map[string][]string
}

func (h *heard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var said struct {
		Issuer  string `json:"iss"`
		Subject struct {
			URI string `json:"uri"`
		} `json:"sub_id"`
	}
	if token, err := jwt.ParseSigned(string(body), []jose.SignatureAlgorithm{jose.EdDSA}); err == nil {
		_ = token.UnsafeClaimsWithoutVerification(&said)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.paths[said.Issuer] = append(h.paths[said.Issuer], said.Subject.URI)
	w.WriteHeader(http.StatusAccepted)
}

func (h *heard) of(issuer string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.paths[issuer]...)
}

var _ = Describe("Event sinks of a server of many tenants", func() {
	It("hear of the users of their own tenant, as the API server has them", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		token, other := apply(ctx, namespace, "acme"), apply(ctx, namespace, "globex")
		tenant := &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme"}}
		Expect(admin.Patch(ctx, tenant, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"tombstoneDays":0}}`)))).To(Succeed())
		s := start(namespace, slog.New(slog.DiscardHandler))
		now := time.Now()
		key, err := signingkey.New(now, now.Add(-time.Minute))
		Expect(err).NotTo(HaveOccurred())
		s.SignWith(signingkey.Set{key})
		Eventually(s.Router().Ready).Should(BeTrue())
		receiver := &heard{paths: map[string][]string{}}
		served := httptest.NewTLSServer(receiver)
		DeferCleanup(served.Close)
		running, stop := context.WithCancel(context.Background())
		var all sync.WaitGroup
		DeferCleanup(func() {
			stop()
			all.Wait()
		})
		follower := &replica.EventSinks{Client: admin, Namespace: namespace, Era: s.members.Era, Accept: s.SendTo, Log: slog.New(slog.DiscardHandler)}
		all.Go(func() { follower.Run(running) })
		all.Go(func() {
			s.RunSinks(running, sender.Options{
				Client: admin, Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Log: slog.New(slog.DiscardHandler),
				Allows: func(url string) bool { return url == served.URL },
			})
		})
		id := s.send(http.MethodPost, "acme", "/Users", token, user("babs")).Doc["id"].(string)
		s.send(http.MethodPost, "globex", "/Users", other, user("babs"))
		Expect(s.send(http.MethodGet, "acme", "/ServiceProviderConfig", token, "").Doc).NotTo(HaveKey("securityEvents"))

		sink := &scimv1alpha1.ScimEventSink{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "app"},
			Spec: scimv1alpha1.ScimEventSinkSpec{
				TenantRef: scimv1alpha1.TenantReference{Name: "acme"}, URL: served.URL,
				CABundle: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: served.Certificate().Raw})),
			},
		}
		var excess *scimv1alpha1.ScimEventSink
		of := sink.Spec
		of.URL = "https://app.example.com"
		Expect(admin.Create(ctx, sink)).To(Succeed())
		for n := range 8 {
			if n == 7 {
				of.Content = scimv1alpha1.EventContentFull
			}
			excess = &scimv1alpha1.ScimEventSink{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprint("next-", n)}, Spec: of}
			Expect(admin.Create(ctx, excess)).To(Succeed())
		}
		issuer := "http://shared-scim-server." + namespace + ".svc/acme/scim/v2"
		Eventually(func() []string { return receiver.of(issuer) }).Should(ConsistOf("/Users/" + id))
		Eventually(func() any {
			return s.send(http.MethodGet, "acme", "/ServiceProviderConfig", token, "").Doc["securityEvents"]
		}).
			Should(HaveKeyWithValue("eventUris", ContainElement("urn:ietf:params:scim:event:prov:delete")))
		Eventually(func(g Gomega) {
			g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(sink), sink)).To(Succeed())
			g.Expect(meta.IsStatusConditionTrue(sink.Status.Conditions, scimv1alpha1.ConditionReady)).To(BeTrue())
			g.Expect(sink.Status.Cursor.Users).To(BeNumerically(">", 0))
			g.Expect(sink.Status.Pending).To(HaveValue(BeEquivalentTo(0)))
			g.Expect(admin.Get(ctx, client.ObjectKeyFromObject(excess), excess)).To(Succeed())
			g.Expect(meta.FindStatusCondition(excess.Status.Conditions, scimv1alpha1.ConditionReady)).To(
				HaveValue(HaveField("Message", HavePrefix("a tenant has no more than 8 event sinks"))))
		}).Should(Succeed())
		Expect(s.send(http.MethodGet, "acme", "/ServiceProviderConfig", token, "").Doc["securityEvents"]).To(
			HaveKeyWithValue("eventUris", Not(ContainElement("urn:ietf:params:scim:event:prov:put:full"))), "the sink that would get it is not served")

		By("sending all again")
		Expect(admin.Status().Patch(ctx, sink, client.RawPatch("application/merge-patch+json", []byte(`{"status":{"cursor":null}}`)))).To(Succeed())
		Eventually(func() []string { return receiver.of(issuer) }).Should(ConsistOf("/Users/"+id, "/Users/"+id))
		Expect(receiver.of("http://shared-scim-server."+namespace+".svc/globex/scim/v2")).To(BeEmpty(), "of the other tenant, nobody hears")

		By("deleting a group for good, of which the tenant wants no marker")
		group := "/Groups/" + s.send(http.MethodPost, "acme", "/Groups", token,
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Leavers"}`).Doc["id"].(string)
		aboutGroup := func() []string { return receiver.of(issuer)[2:] }
		Eventually(aboutGroup).Should(ConsistOf(group))
		s.send(http.MethodDelete, "acme", group, token, "")
		Eventually(aboutGroup).Should(ConsistOf(group, group))

		By("ending with the sinks")
		Expect(admin.DeleteAllOf(ctx, sink, client.InNamespace(namespace))).To(Succeed())
		Eventually(func() any {
			return s.send(http.MethodGet, "acme", "/ServiceProviderConfig", token, "").Doc["securityEvents"]
		}).Should(BeNil())
	})
})
