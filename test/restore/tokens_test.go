package restore

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/replica"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("The tokens of a namespace that is put into another cluster without any Secret", Serial, func() {
	It("let in there at once, until the tenant's credentialsNotBefore refuses them", func(ctx SpecContext) {
		token, verifier, err := apikey.Mint()
		Expect(err).NotTo(HaveOccurred())
		of := client.ObjectKey{Namespace: "acme", Name: "acme"}
		first := startCluster(contract.ReplicaLeaseDuration)
		first.create(ctx, []client.Object{
			&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: of.Namespace}},
			NewTenant(of.Namespace, of.Name, scimv1alpha1.IdentityProviderGeneric),
			NewKey(of.Namespace, "okta", of.Name, Offline),
			contract.CredentialOf(verifier, of.Namespace, "okta", time.Now().Add(-time.Hour)),
		})
		Eventually(first.answers(of, token)).Should(Equal(http.StatusOK))

		another := startCluster(contract.ReplicaLeaseDuration)
		another.create(ctx, first.backup(ctx, of.Namespace))
		answers := another.answers(of, token)
		Eventually(answers).Should(Equal(http.StatusOK))

		object := &scimv1alpha1.ScimTenant{}
		Expect(another.admin.Get(ctx, of, object)).To(Succeed())
		object.Spec.CredentialsNotBefore = metav1.NewTime(time.Now().UTC().Truncate(time.Second))
		Expect(another.admin.Update(ctx, object)).To(Succeed())
		Eventually(answers).Should(Equal(http.StatusUnauthorized))
	})
})

// create creates objects, one after another.
func (c *cluster) create(ctx context.Context, objects []client.Object) {
	GinkgoHelper()
	for _, object := range objects {
		Expect(c.admin.Create(ctx, object)).To(Succeed())
	}
}

// backup returns a namespace, and what a tool that leaves Secrets out takes of it for the
// tokens: without what the API server and the operator have written into the objects.
func (c *cluster) backup(ctx context.Context, namespace string) []client.Object {
	GinkgoHelper()
	objects := []client.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}}
	plain := func(object client.Object) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: object.GetName()}
	}
	tenants, keys, credentials := &scimv1alpha1.ScimTenantList{}, &scimv1alpha1.ScimApiKeyList{}, &scimv1alpha1.ScimCredentialList{}
	for _, list := range []client.ObjectList{tenants, keys, credentials} {
		Expect(c.admin.List(ctx, list, client.InNamespace(namespace))).To(Succeed())
	}
	for _, tenant := range tenants.Items {
		objects = append(objects, &scimv1alpha1.ScimTenant{ObjectMeta: plain(&tenant), Spec: tenant.Spec})
	}
	for _, key := range keys.Items {
		objects = append(objects, &scimv1alpha1.ScimApiKey{ObjectMeta: plain(&key), Spec: key.Spec})
	}
	for _, credential := range credentials.Items {
		objects = append(objects, &scimv1alpha1.ScimCredential{ObjectMeta: plain(&credential), Spec: credential.Spec})
	}
	return objects
}

// one is the only tenant of a pod, whose cache follows its resource types.
type one struct {
	*server.Tenant
	cache *cache.Cache
}

func (o one) Open(string) replica.Tenant { return o }

func (one) Close(string) func() { return func() {} }

func (one) Begin() {}

func (o one) Configure(configuration replica.Configuration) {
	if configuration.Problem == "" {
		o.cache.Follow(configuration.Settings.Registry)
		o.Tenant.Configure(configuration.Settings)
	}
}

// answers starts a pod of a tenant, which follows the tenant's objects until the test ends,
// and returns how it answers requests with a token.
func (c *cluster) answers(of client.ObjectKey, token string) func() int {
	GinkgoHelper()
	live, err := client.NewWithWatch(rest.CopyConfig(c.config), client.Options{Scheme: c.scheme})
	Expect(err).NotTo(HaveOccurred())
	p, served := c.startPod(of, of.Name+"-scim-0")
	follower := &replica.Replica{
		Client: live, Tenants: one{Tenant: served, cache: p.cache}, Namespace: of.Namespace, Name: of.Name,
		Members: p.members, Log: slog.New(slog.NewTextHandler(GinkgoWriter, nil)),
	}
	following, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { follower.Run(following) })
	DeferCleanup(func() {
		stop()
		running.Wait()
	})
	web := httptest.NewServer(served)
	DeferCleanup(web.Close)
	users := NewClient(web.URL+"/scim/v2", token)
	return func() int { return users.Get(Users).Status }
}
