package replica_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/prometheus/client_golang/prometheus"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/readindex/driver"
	"github.com/kubescim/kubescim/internal/replica"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// one is the only tenant of a process.
type one struct{ *server.Tenant }

func (o one) Open(string) replica.Tenant { return o }

func (one) Close(string) func() { return func() {} }

func (one) Begin() {}

func (o one) Configure(configuration replica.Configuration) {
	if configuration.Problem == "" {
		o.Tenant.Configure(configuration.Settings)
	}
}

var _ = Describe("A replica, with a server's permissions", func() {
	var (
		namespace string
		tenant    *scimv1alpha1.ScimTenant
		served    *server.Tenant
		url       string
		start     func()
		stop      func()
		// The watch of keys brings nothing from holdKeys until releaseKeys.
		holdKeys, releaseKeys func()
	)

	BeforeEach(func(ctx SpecContext) {
		created := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "replica-"}}
		Expect(admin.Create(ctx, created)).To(Succeed())
		namespace = created.Name
		tenant = &scimv1alpha1.ScimTenant{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme"},
			Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderOkta},
		}
		Expect(admin.Create(ctx, tenant)).To(Succeed())

		log := slog.New(slog.NewJSONHandler(GinkgoWriter, nil))
		served = server.NewTenant(memory.New(), limit.Defaults(), ratelimit.New(), log,
			accesslog.NewMetrics(prometheus.NewRegistry(), "acme"))
		httpServer := httptest.NewServer(served)
		DeferCleanup(httpServer.Close)
		url = httpServer.URL

		held := make(chan struct{})
		releaseKeys = sync.OnceFunc(func() { close(held) })
		DeferCleanup(func() { releaseKeys() })
		var holding atomic.Bool
		holdKeys = func() { holding.Store(true) }
		live := late(asServer(ctx, tenant), "ScimApiKeyList", &holding, held)
		start = func() {
			members, err := driver.New(driver.Options{
				Client: live, Tenant: "acme", Listen: "127.0.0.1:0", Log: nothingAcknowledged{}, Marks: readindex.NewMarks(), Logger: log, Metrics: prometheus.NewRegistry(),
				Pod: driver.Pod{Namespace: namespace, Name: "acme-scim-0", UID: "a0b1c2d3-0000-4000-8000-000000000000", IP: "127.0.0.1"},
			})
			Expect(err).NotTo(HaveOccurred())
			member := &replica.Replica{
				Client: live, Tenants: one{served}, Namespace: namespace, Name: "acme", Members: members, Log: log,
			}
			running, cancel := context.WithCancel(context.Background())
			ended := make(chan struct{})
			go func() {
				defer GinkgoRecover()
				defer close(ended)
				var both sync.WaitGroup
				both.Go(func() { member.Run(running) })
				Expect(members.Run(running)).To(Succeed())
				both.Wait()
			}()
			stop = func() {
				cancel()
				Eventually(ended).Should(BeClosed())
			}
		}
		start()
		DeferCleanup(func() { stop() })
		// An API server that has just started takes its time for the first list of a kind.
		Eventually(served.Ready, "10s").Should(BeTrue(), "without any key")
	})

	status := func(token string) func(g Gomega) int {
		return func(g Gomega) int {
			request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url+"/scim/v2/Users", nil)
			g.Expect(err).NotTo(HaveOccurred())
			request.Header.Set("Authorization", "Bearer "+token)
			answer, err := http.DefaultClient.Do(request)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(answer.Body.Close()).To(Succeed())
			return answer.StatusCode
		}
	}
	lease := func(ctx context.Context) func(g Gomega) map[string]string {
		return func(g Gomega) map[string]string {
			found := &coordinationv1.Lease{}
			g.Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "acme-scim-0"}, found)).To(Succeed())
			g.Expect(new(contract.ReplicaObserver).Live([]coordinationv1.Lease{*found}, time.Now())).To(HaveLen(1))
			return found.Annotations
		}
	}
	revision := func(ctx context.Context) func(g Gomega) string {
		return func(g Gomega) string { return lease(ctx)(g)[contract.AnnotationCredentialsRevision] }
	}
	// keyOf makes a key of a tenant.
	keyOf := func(ctx context.Context, tenant, name string) *scimv1alpha1.ScimApiKey {
		GinkgoHelper()
		key := &scimv1alpha1.ScimApiKey{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
			Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: tenant}},
		}
		Expect(admin.Create(ctx, key)).To(Succeed())
		return key
	}
	// issue makes a token of a key with its credential, which may be changed before.
	issue := func(ctx context.Context, key string, change ...func(*scimv1alpha1.ScimCredentialSpec)) (string, *scimv1alpha1.ScimCredential) {
		GinkgoHelper()
		token, verifier, err := apikey.Mint()
		Expect(err).NotTo(HaveOccurred())
		credential := contract.CredentialOf(verifier, namespace, key, time.Now())
		for _, change := range change {
			change(&credential.Spec)
		}
		Expect(admin.Create(ctx, credential)).To(Succeed())
		return token, credential
	}
	soon := func(at time.Duration) metav1.Time { return metav1.NewTime(time.Now().Add(at)) }

	It("is ready without a key, accepts tokens as their credentials come, refuses them as they go, and says so in its Lease", func(ctx SpecContext) {
		Eventually(revision(ctx)).Should(MatchRegexp("^[0-9]+$"))
		key := keyOf(ctx, "acme", "okta")
		first, firstCredential := issue(ctx, key.Name)
		Eventually(status(first), "1s", "20ms").Should(Equal(http.StatusOK))
		Eventually(revision(ctx)).Should(Equal(firstCredential.ResourceVersion))

		second, secondCredential := issue(ctx, key.Name)
		Eventually(status(second), "1s", "20ms").Should(Equal(http.StatusOK))
		Expect(status(first)(NewWithT(GinkgoTB()))).To(Equal(http.StatusOK), "a key has several tokens")
		Eventually(revision(ctx)).Should(Equal(secondCredential.ResourceVersion))

		Expect(admin.Delete(ctx, firstCredential)).To(Succeed())
		Eventually(status(first), "1s", "20ms").Should(Equal(http.StatusUnauthorized))
		Expect(status(second)(NewWithT(GinkgoTB()))).To(Equal(http.StatusOK))
		Eventually(revision(ctx)).ShouldNot(Equal(secondCredential.ResourceVersion), "a deletion is a revision too")
		Expect(lease(ctx)(NewWithT(GinkgoTB()))).NotTo(HaveKey(contract.AnnotationVerifiersVersion))
	})

	DescribeTable("refuses a token within a second, without the operator, when",
		func(ctx SpecContext, revoke func(context.Context, *scimv1alpha1.ScimApiKey, *scimv1alpha1.ScimCredential) error) {
			key := keyOf(ctx, "acme", "okta")
			keyOf(ctx, "acme", "entra")
			token, credential := issue(ctx, key.Name)
			Eventually(status(token)).Should(Equal(http.StatusOK))
			Expect(revoke(ctx, key, credential)).To(Succeed())
			Eventually(status(token), "1s", "20ms").Should(Equal(http.StatusUnauthorized))
			later, _ := issue(ctx, "entra", func(c *scimv1alpha1.ScimCredentialSpec) { c.IssueTime = soon(time.Minute) })
			Eventually(status(later)).Should(Equal(http.StatusOK))
			Expect(status(token)(NewWithT(GinkgoTB()))).To(Equal(http.StatusUnauthorized))
		},
		Entry("its key is deleted", func(ctx context.Context, key *scimv1alpha1.ScimApiKey, _ *scimv1alpha1.ScimCredential) error {
			return admin.Delete(ctx, key)
		}),
		Entry("its key is being deleted", func(ctx context.Context, key *scimv1alpha1.ScimApiKey, _ *scimv1alpha1.ScimCredential) error {
			key.Finalizers = []string{"test.example.com/held"}
			return errors.Join(admin.Update(ctx, key), admin.Delete(ctx, key))
		}),
		Entry("its key expires", func(ctx context.Context, key *scimv1alpha1.ScimApiKey, _ *scimv1alpha1.ScimCredential) error {
			key.Spec.ExpirationTime = soon(0)
			return admin.Update(ctx, key)
		}),
		Entry("its key is suspended", func(ctx context.Context, key *scimv1alpha1.ScimApiKey, _ *scimv1alpha1.ScimCredential) error {
			key.Spec.State = scimv1alpha1.APIKeySuspended
			return admin.Update(ctx, key)
		}),
		Entry("its key is for another network", func(ctx context.Context, key *scimv1alpha1.ScimApiKey, _ *scimv1alpha1.ScimCredential) error {
			key.Spec.AllowedCIDRs = []scimv1alpha1.CIDR{"203.0.113.0/24"}
			return admin.Update(ctx, key)
		}),
		Entry("it is deleted itself", func(ctx context.Context, _ *scimv1alpha1.ScimApiKey, credential *scimv1alpha1.ScimCredential) error {
			return admin.Delete(ctx, credential)
		}),
		Entry("it expires itself", func(ctx context.Context, _ *scimv1alpha1.ScimApiKey, credential *scimv1alpha1.ScimCredential) error {
			credential.Spec.ExpirationTime = credential.Spec.IssueTime
			return admin.Update(ctx, credential)
		}),
		Entry("its tenant takes none of its age any more", func(ctx context.Context, _ *scimv1alpha1.ScimApiKey, _ *scimv1alpha1.ScimCredential) error {
			tenant.Spec.CredentialsNotBefore = soon(30 * time.Second)
			return admin.Update(ctx, tenant)
		}),
	)

	It("goes by the time at each request", func(ctx SpecContext) {
		keyOf(ctx, "acme", "okta")
		early, _ := issue(ctx, "okta", func(c *scimv1alpha1.ScimCredentialSpec) { c.NotBefore = soon(3 * time.Second) })
		short, _ := issue(ctx, "okta", func(c *scimv1alpha1.ScimCredentialSpec) { c.ExpirationTime = soon(3 * time.Second) })
		Eventually(status(short), "1s", "20ms").Should(Equal(http.StatusOK))
		Expect(status(early)(NewWithT(GinkgoTB()))).To(Equal(http.StatusUnauthorized))
		Eventually(status(short), "4s", "20ms").Should(Equal(http.StatusUnauthorized))
		Eventually(status(early), "1s", "20ms").Should(Equal(http.StatusOK))
	})

	It("accepts no token of a key that is not the tenant's, or that is not there yet", func(ctx SpecContext) {
		keyOf(ctx, "globex", "okta")
		foreign, _ := issue(ctx, "okta")
		keyless, last := issue(ctx, "entra")
		Eventually(revision(ctx)).Should(Equal(last.ResourceVersion))
		Expect(status(foreign)(NewWithT(GinkgoTB()))).To(Equal(http.StatusUnauthorized))
		Expect(status(keyless)(NewWithT(GinkgoTB()))).To(Equal(http.StatusUnauthorized))
		keyOf(ctx, "acme", "entra")
		Eventually(status(keyless), "1s", "20ms").Should(Equal(http.StatusOK))
	})

	It("acknowledges no credential before it accepts its token, however late the watch of keys is", func(ctx SpecContext) {
		Eventually(revision(ctx)).ShouldNot(BeEmpty())
		holdKeys()
		key := keyOf(ctx, "acme", "okta")
		token, credential := issue(ctx, key.Name)
		Eventually(revision(ctx), "1s", "5ms").Should(Equal(credential.ResourceVersion))
		Expect(status(token)(NewWithT(GinkgoTB()))).To(Equal(http.StatusOK))
		Expect(admin.Delete(ctx, key)).To(Succeed())
		keyOf(ctx, "acme", "okta")
		again, last := issue(ctx, key.Name)
		Eventually(revision(ctx), "1s", "5ms").Should(Equal(last.ResourceVersion))
		releaseKeys()
		Consistently(status(again), "500ms", "5ms").Should(Equal(http.StatusOK), "what comes late is known to be old")
	})

	It("writes nothing when the status of a key changes", func(ctx SpecContext) {
		key := keyOf(ctx, "acme", "okta")
		token, credential := issue(ctx, key.Name)
		Eventually(revision(ctx)).Should(Equal(credential.ResourceVersion))
		for range 5 {
			key.Status.ObservedGeneration++
			Expect(admin.Status().Update(ctx, key)).To(Succeed())
		}
		Expect(admin.Delete(ctx, key)).To(Succeed())
		Eventually(status(token)).Should(Equal(http.StatusUnauthorized), "so that all of it has come")
		Consistently(revision(ctx), "500ms").Should(Equal(credential.ResourceVersion))
	})

	It("goes on as before when its tenant is gone", func(ctx SpecContext) {
		keyOf(ctx, "acme", "okta")
		token, _ := issue(ctx, "okta")
		Eventually(status(token)).Should(Equal(http.StatusOK))
		Expect(admin.Delete(ctx, tenant)).To(Succeed())
		later, _ := issue(ctx, "okta")
		Eventually(status(later)).Should(Equal(http.StatusOK))
		Expect(status(token)(NewWithT(GinkgoTB()))).To(Equal(http.StatusOK))
	})

	It("is kept by nothing that cannot be read from what can be", func(ctx SpecContext) {
		keyOf(ctx, "acme", "okta")
		token, credential := issue(ctx, "okta")
		Eventually(status(token)).Should(Equal(http.StatusOK))
		// Such a time is one to the API server, and Go cannot read it.
		const odd = "2026-05-01t12:00:00z"
		for kind, name := range map[string]string{"ScimCredential": "aaaaaaaaaaaaaaaa", "ScimApiKey": "entra"} {
			broken := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
				"apiKeyRef": map[string]any{"name": "okta"}, "sha256": credential.Spec.SHA256, "issueTime": odd,
				"tenantRef": map[string]any{"name": "acme"}, "expirationTime": odd,
			}}}
			broken.SetGroupVersionKind(scimv1alpha1.GroupVersion.WithKind(kind))
			broken.SetNamespace(namespace)
			broken.SetName(name)
			dropRules(ctx, strings.ToLower(kind)+"s")
			Eventually(func() error { return admin.Create(ctx, broken.DeepCopy()) }, "10s").Should(Succeed())
		}
		locked, last := issue(ctx, "entra")
		Eventually(revision(ctx), "10s").Should(Equal(last.ResourceVersion), "the watches begin anew with another CRD")
		Expect(status(locked)(NewWithT(GinkgoTB()))).To(Equal(http.StatusUnauthorized))
		Expect(status(token)(NewWithT(GinkgoTB()))).To(Equal(http.StatusOK))

		By("starting anew")
		stop()
		start()
		later, _ := issue(ctx, "okta")
		Eventually(status(later), "10s").Should(Equal(http.StatusOK))
		Expect(status(token)(NewWithT(GinkgoTB()))).To(Equal(http.StatusOK))
	})

	It("follows the ScimTenant", func(ctx SpecContext) {
		keyOf(ctx, "acme", "okta")
		token, _ := issue(ctx, "okta")
		Eventually(status(token)).Should(Equal(http.StatusOK))
		tenant.Spec.State = scimv1alpha1.TenantStatePaused
		Expect(admin.Update(ctx, tenant)).To(Succeed())
		Eventually(status(token), "1s", "20ms").Should(Equal(http.StatusServiceUnavailable))
		tenant.Spec.State, tenant.Spec.Endpoint.Path = scimv1alpha1.TenantStateActive, "/api/scim/v2"
		Expect(admin.Update(ctx, tenant)).To(Succeed())
		Eventually(status(token), "1s", "20ms").Should(Equal(http.StatusNotFound))
	})

	It("gives its Lease up when it ends", func(ctx SpecContext) {
		Eventually(lease(ctx)).ShouldNot(BeEmpty())
		stop()
		found := &coordinationv1.Lease{}
		Expect(client.IgnoreNotFound(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "acme-scim-0"}, found))).To(Succeed())
		Expect(found.Name).To(BeEmpty())
	})

	It("cannot read any Secret, not even as a server", func(ctx SpecContext) {
		Expect(admin.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme"}})).To(Succeed())
		live := asServer(ctx, tenant)
		for _, name := range []string{"acme", "acme-scim-verifiers"} {
			err := live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &corev1.Secret{})
			Expect(err).To(MatchError(ContainSubstring("forbidden")))
			_, err = live.Watch(ctx, &corev1.SecretList{}, client.InNamespace(namespace), client.MatchingFields{metav1.ObjectNameField: name})
			Expect(err).To(MatchError(ContainSubstring("forbidden")))
		}
		err := live.List(ctx, &corev1.SecretList{}, client.InNamespace(namespace))
		Expect(err).To(MatchError(ContainSubstring("forbidden")))
	})

	It("accepts the token of a key that is suspended no more, with what the key is for, within a second", func(ctx SpecContext) {
		key := keyOf(ctx, "acme", "okta")
		token, _ := issue(ctx, key.Name)
		for _, step := range []struct {
			state     scimv1alpha1.APIKeyState
			resources []scimv1alpha1.APIKeyResource
			status    int
		}{
			{scimv1alpha1.APIKeySuspended, nil, http.StatusUnauthorized}, {scimv1alpha1.APIKeyActive, nil, http.StatusOK},
			{"", []scimv1alpha1.APIKeyResource{scimv1alpha1.APIKeyGroups}, http.StatusForbidden}, {"", nil, http.StatusOK},
		} {
			key.Spec.State, key.Spec.Resources = step.state, step.resources
			Expect(admin.Update(ctx, key)).To(Succeed())
			Eventually(status(token), "1s", "20ms").Should(Equal(step.status), "%+v", step)
		}
	})

	It("cannot make or change a key or a credential, not even as a server", func(ctx SpecContext) {
		key := keyOf(ctx, "acme", "okta")
		_, credential := issue(ctx, "okta")
		live := asServer(ctx, tenant)
		for _, object := range []client.Object{key, credential} {
			Expect(live.Update(ctx, object)).To(MatchError(ContainSubstring("forbidden")))
			Expect(live.Delete(ctx, object)).To(MatchError(ContainSubstring("forbidden")))
			object.SetResourceVersion("")
			Expect(live.Create(ctx, object)).To(MatchError(ContainSubstring("forbidden")))
		}
	})
})
