package hosting_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// writeAndRead changes a user of a tenant until it is to stop, reads each change by id and by userName,
// and counts the rounds; the first answer that is not as it should be ends it.
func (s *shared) writeAndRead(tenant, token string, rounds *atomic.Int64, stop <-chan struct{}) error {
	GinkgoHelper()
	made := s.send(http.MethodPost, tenant, "/Users", token, user("steady"))
	id, _ := made.Doc["id"].(string)
	byName := "/Users?filter=" + url.QueryEscape(`userName eq "steady"`)
	for ; ; rounds.Add(1) {
		title := fmt.Sprint("round ", rounds.Load())
		for _, step := range []struct{ method, path, body string }{
			{http.MethodPatch, "/Users/" + id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":"` + title + `"}]}`},
			{http.MethodGet, "/Users/" + id, ""},
			{http.MethodGet, byName, ""},
		} {
			answered := s.send(step.method, tenant, step.path, token, step.body)
			found := answered.Doc
			if list, is := found["Resources"].([]any); is && len(list) == 1 {
				found, _ = list[0].(map[string]any)
			}
			if answered.Status != http.StatusOK || found["title"] != title {
				return fmt.Errorf("%s, %s %s: %d %v", title, step.method, step.path, answered.Status, answered.Doc)
			}
		}
		select {
		case <-stop:
			return nil
		default:
		}
	}
}

var _ = Describe("The tenants of a process", func() {
	It("notice nothing of one that comes and goes, nor does one whose schemas change fail", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		tokens := map[string]string{}
		for _, name := range []string{"calm", "changing"} {
			tokens[name] = apply(ctx, namespace, name, unlimited)
		}
		guest := apply(ctx, namespace, "guest", unlimited)
		s := start(namespace, slog.New(slog.DiscardHandler))
		Eventually(s.Router().Ready).Should(BeTrue())
		Expect(s.send(http.MethodPost, "guest", "/Users", guest, user("babs")).Status).To(Equal(http.StatusCreated))
		tenantOf := func(name string) *scimv1alpha1.ScimTenant {
			GinkgoHelper()
			tenant := &scimv1alpha1.ScimTenant{}
			Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, tenant)).To(Succeed())
			return tenant
		}

		stop, finished := make(chan struct{}), sync.WaitGroup{}
		defer finished.Wait()
		end := sync.OnceFunc(func() { close(stop) })
		defer end()
		rounds := map[string]*atomic.Int64{}
		faults := make(chan error, len(tokens))
		for name, token := range tokens {
			done := &atomic.Int64{}
			rounds[name] = done
			finished.Go(func() {
				defer GinkgoRecover()
				if fault := s.writeAndRead(name, token, done, stop); fault != nil {
					faults <- fmt.Errorf("%s: %w", name, fault)
				}
			})
		}
		// A round that began before a change may have seen nothing of it, the one after that has.
		everybodyGoesOn := func() {
			GinkgoHelper()
			for name, done := range rounds {
				before := done.Load()
				Eventually(done.Load).Should(BeNumerically(">=", before+2), name)
				Expect(faults).NotTo(Receive())
			}
		}
		for round := range 5 {
			serve(ctx, tenantOf("guest"), "")
			Eventually(func() int { return s.send(http.MethodGet, "guest", "/Users", guest, "").Status }).Should(Equal(http.StatusUnauthorized))
			everybodyGoesOn()
			changing := tenantOf("changing")
			changing.Spec.SchemaExtensions = nil
			if round%2 == 0 {
				changing.Spec.SchemaExtensions = []scimv1alpha1.SchemaExtension{{
					ID:         "urn:example:params:badge",
					Attributes: []scimv1alpha1.SchemaAttribute{{AttributeCharacteristics: scimv1alpha1.AttributeCharacteristics{Name: "number", Type: scimv1alpha1.AttributeTypeString}}},
				}}
			}
			Expect(admin.Update(ctx, changing)).To(Succeed())
			serve(ctx, tenantOf("guest"), "shared-scim-server")
			Eventually(func() any { return s.send(http.MethodGet, "guest", "/Users", guest, "").Doc["totalResults"] }).Should(BeEquivalentTo(1))
			everybodyGoesOn()
		}
		end()
		finished.Wait()
		Expect(faults).NotTo(Receive())
	}, SpecTimeout(2*time.Minute))
})
