package replica_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/prometheus/client_golang/prometheus"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/readindex/driver"
	"github.com/kubescim/kubescim/internal/replica"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/store/memory"
)

func TestReplica(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Replica")
}

var (
	environment *envtest.Environment
	scheme      = runtime.NewScheme()
	admin       client.Client
)

var _ = BeforeSuite(func() {
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(scimv1alpha1.AddToScheme(scheme)).To(Succeed())
	environment = &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	config, err := environment.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(environment.Stop)
	admin, err = client.New(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
})

// asServer returns a client with the permissions that the operator gives to the
// tenant's server, and no others.
func asServer(ctx context.Context, tenant *scimv1alpha1.ScimTenant) client.WithWatch {
	GinkgoHelper()
	owner := client.FieldOwner("test")
	Expect(admin.Apply(ctx, operand.ServiceAccount(tenant), owner)).To(Succeed())
	Expect(admin.Apply(ctx, operand.Role(tenant), owner)).To(Succeed())
	Expect(admin.Apply(ctx, operand.RoleBinding(tenant), owner)).To(Succeed())
	user, err := environment.AddUser(envtest.User{
		Name:   "system:serviceaccount:" + tenant.Namespace + ":" + operand.Name(tenant.Name),
		Groups: []string{"system:serviceaccounts", "system:authenticated"},
	}, nil)
	Expect(err).NotTo(HaveOccurred())
	live, err := client.NewWithWatch(user.Config(), client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	return live
}

// nothingAcknowledged is the store of a replica that has acknowledged nothing to clients.
type nothingAcknowledged struct{}

func (nothingAcknowledged) Revisions() readindex.Revisions { return readindex.Revisions{} }

func (nothingAcknowledged) Raise(readindex.Revisions) {}

func (nothingAcknowledged) Restart() {}

func (nothingAcknowledged) Latest(context.Context) (readindex.Revisions, error) {
	return readindex.Revisions{}, nil
}

var _ = Describe("A replica, with a server's permissions", func() {
	var (
		namespace string
		tenant    *scimv1alpha1.ScimTenant
		served    *server.Tenant
		url       string
		stop      func()
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
		served = server.NewTenant(memory.New(), limit.Defaults(), log,
			accesslog.NewMetrics(prometheus.NewRegistry(), "acme"))
		httpServer := httptest.NewServer(served)
		DeferCleanup(httpServer.Close)
		url = httpServer.URL

		live := asServer(ctx, tenant)
		members, err := driver.New(driver.Options{
			Client: live, Tenant: "acme", Listen: "127.0.0.1:0", Log: nothingAcknowledged{}, Logger: log, Metrics: prometheus.NewRegistry(),
			Pod: driver.Pod{Namespace: namespace, Name: "acme-scim-0", UID: "a0b1c2d3-0000-4000-8000-000000000000", IP: "127.0.0.1"},
		})
		Expect(err).NotTo(HaveOccurred())
		member := &replica.Replica{
			Client: live, Tenant: served, Namespace: namespace, Name: "acme", Accepted: members.Accept, Log: log,
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
		DeferCleanup(func() { stop() })
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
	secret := func(keys ...apikey.Verifier) *corev1.Secret {
		GinkgoHelper()
		object := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: contract.VerifiersName("acme")},
			Data:       map[string][]byte{"broken": []byte("broken")},
		}
		for _, key := range keys {
			text, err := key.MarshalText()
			Expect(err).NotTo(HaveOccurred())
			object.Data[key.KeyID] = text
		}
		return object
	}

	It("is ready without a key, accepts keys as they come, refuses them as they go, and says so in its Lease", func(ctx SpecContext) {
		Eventually(served.Ready).Should(BeTrue())
		Eventually(lease(ctx)).Should(HaveKeyWithValue(contract.AnnotationVerifiersVersion, contract.NoVerifiers))

		token, verifier, err := apikey.Mint()
		Expect(err).NotTo(HaveOccurred())
		Expect(status(token)(NewWithT(GinkgoTB()))).To(Equal(http.StatusUnauthorized))
		verifiers := secret(verifier)
		Expect(admin.Create(ctx, verifiers)).To(Succeed())
		Eventually(status(token), "1s", "20ms").Should(Equal(http.StatusOK))
		Eventually(lease(ctx)).Should(HaveKeyWithValue(contract.AnnotationVerifiersVersion, verifiers.ResourceVersion))

		second, secondVerifier, err := apikey.Mint()
		Expect(err).NotTo(HaveOccurred())
		verifiers.Data = secret(secondVerifier).Data
		Expect(admin.Update(ctx, verifiers)).To(Succeed())
		Eventually(status(second), "1s", "20ms").Should(Equal(http.StatusOK))
		Expect(status(token)(NewWithT(GinkgoTB()))).To(Equal(http.StatusUnauthorized))
		Eventually(lease(ctx)).Should(HaveKeyWithValue(contract.AnnotationVerifiersVersion, verifiers.ResourceVersion))

		Expect(admin.Delete(ctx, verifiers)).To(Succeed())
		Eventually(status(second), "1s", "20ms").Should(Equal(http.StatusUnauthorized))
	})

	It("follows the ScimTenant", func(ctx SpecContext) {
		token, verifier, err := apikey.Mint()
		Expect(err).NotTo(HaveOccurred())
		Expect(admin.Create(ctx, secret(verifier))).To(Succeed())
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

	It("cannot read any other Secret, not even as a server", func(ctx SpecContext) {
		Expect(admin.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme"}})).To(Succeed())
		live := asServer(ctx, tenant)
		err := live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "acme"}, &corev1.Secret{})
		Expect(err).To(MatchError(ContainSubstring("forbidden")))
		err = live.List(ctx, &corev1.SecretList{}, client.InNamespace(namespace))
		Expect(err).To(MatchError(ContainSubstring("forbidden")))
	})

	It("reads the tenant's policies as the design says", func() {
		tenant.Spec.Users.OnDelete = scimv1alpha1.UserDeletionDelete
		tenant.Spec.Groups.UnknownMembers = scimv1alpha1.UnknownMembersReject
		tenant.Spec.Endpoint.Host = "acme.api.example.com"
		tenant.Spec.Users.RequiredAttributes = []scimv1alpha1.UserAttribute{"emails"}
		settings, err := replica.SettingsOf(tenant)
		Expect(err).NotTo(HaveOccurred())
		Expect(settings.Policy.KeepDeletedUsers).To(BeFalse())
		Expect(settings.Policy.RejectUnknownMembers).To(BeTrue())
		Expect(settings.PublicURL).To(Equal("https://acme.api.example.com/scim/v2"))
		Expect(settings.RequiredAttributes).To(ConsistOf("emails"))
		Expect(settings.Policy.Seats).To(BeZero())
		Expect(settings.Policy.ObjectLimit).To(Equal(250_000))
		Expect(settings.Policy.StorageLimit).To(BeEquivalentTo(256 << 20))
		Expect(settings.WriteBytes).To(BeEquivalentTo(64<<20), "of each of two pods")
		Expect(settings.Policy.Retention).To(BeNil())
		Expect(strings.ToLower(settings.Profile.Name)).To(Equal("okta"))
	})

	It("reads the tenant's limits as the design says", func() {
		tenant.Spec.Users.Seats, tenant.Spec.ObjectLimit = 50, 1000
		tenant.Spec.StorageLimit, tenant.Spec.Server.Replicas = ptr.To(resource.MustParse("64Mi")), 4
		for days, retention := range map[int32]time.Duration{0: 0, 30: 720 * time.Hour} {
			tenant.Spec.Users.RetentionDays = &days
			settings, err := replica.SettingsOf(tenant)
			Expect(err).NotTo(HaveOccurred())
			Expect(settings.Policy.Seats).To(Equal(50))
			Expect(settings.Policy.ObjectLimit).To(Equal(1000))
			Expect(settings.Policy.StorageLimit).To(BeEquivalentTo(64 << 20))
			Expect(settings.WriteBytes).To(BeEquivalentTo(8 << 20))
			Expect(settings.Policy.Retention).To(HaveValue(Equal(retention)))
		}
	})
})
