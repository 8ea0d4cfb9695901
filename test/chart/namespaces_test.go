package chart_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

// account is as whom the operator of the release runs.
const account = "system:serviceaccount:kubescim-system:kubescim"

// release is the operator with the rights that the chart gives it for some watched
// namespaces.
type release struct {
	*WithT
	t   *testing.T
	env *controllertest.Environment
	// bindings are the RoleBindings that the chart makes, by namespace.
	bindings map[string]*unstructured.Unstructured
	caches   cache.Cache
}

// startEnvironment starts an API server, which stops with the test.
func startEnvironment(t *testing.T) *controllertest.Environment {
	t.Helper()
	env, err := controllertest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	return env
}

// install gives an account the rights of the chart, in those namespaces that are
// there, and runs the operator as it.
func install(t *testing.T, there []string, watched string) *release {
	t.Helper()
	ctrl.SetLogger(logr.Discard())
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(90 * time.Second)
	env := startEnvironment(t)
	r := &release{WithT: g, t: t, env: env, bindings: map[string]*unstructured.Unstructured{}}
	for _, namespace := range there {
		r.Expect(env.Client.Create(r.t.Context(), namespaceOf(namespace))).To(Succeed())
	}
	for _, obj := range render(t, "--set", "watchNamespaces={"+watched+"}") {
		switch {
		case obj.GetAPIVersion() != rbacv1.SchemeGroupVersion.String() || obj.GetName() == "kubescim-user-editor": // Not the operator's.
		case obj.GetKind() == "RoleBinding" && obj.GetNamespace() != "kubescim-system":
			r.bindings[obj.GetNamespace()] = obj
		default:
			r.Expect(env.Apply(r.t.Context(), obj)).To(Succeed())
		}
	}
	for _, namespace := range there {
		r.bind(namespace)
	}
	var namespaces []string
	for namespace := range r.bindings {
		namespaces = append(namespaces, namespace)
	}
	stop, err := env.StartManagerWith(
		controllertest.ManagerOptions{User: account, Namespaces: namespaces},
		func(ctx context.Context, mgr ctrl.Manager) error {
			r.caches = mgr.GetCache()
			return controller.Setup(ctx, mgr, controller.Options{
				ServerImage: controllertest.ServerImage, Workers: 4, Namespaces: namespaces,
			})
		})
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func namespaceOf(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

// bind applies the chart's RoleBinding in a namespace.
func (r *release) bind(namespace string) {
	r.Expect(r.env.Apply(r.t.Context(), r.bindings[namespace].DeepCopy())).To(Succeed())
}

// unbind takes the RoleBinding away, and with it all rights in the namespace.
func (r *release) unbind(namespace string) {
	r.Expect(r.env.Client.Delete(r.t.Context(), r.bindings[namespace].DeepCopy())).To(Succeed())
}

func (r *release) newTenant(namespace string, policy scimv1alpha1.DeletionPolicy) *scimv1alpha1.ScimTenant {
	tenant := &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme"},
		Spec: scimv1alpha1.ScimTenantSpec{
			IdentityProvider: scimv1alpha1.IdentityProviderEntra, DeletionPolicy: policy,
		},
	}
	r.Expect(r.env.Client.Create(r.t.Context(), tenant)).To(Succeed())
	return tenant
}

func (r *release) newKey(tenant *scimv1alpha1.ScimTenant) *scimv1alpha1.ScimApiKey {
	key := &scimv1alpha1.ScimApiKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "entra"},
		Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: tenant.Name}},
	}
	r.Expect(r.env.Client.Create(r.t.Context(), key)).To(Succeed())
	return key
}

// deployment returns a function that reads the Deployment of a tenant's server.
func (r *release) deployment(tenant *scimv1alpha1.ScimTenant) func() error {
	return func() error {
		key := client.ObjectKey{Namespace: tenant.Namespace, Name: operand.Name(tenant.Name)}
		return r.env.Client.Get(r.t.Context(), key, &appsv1.Deployment{})
	}
}

// gone returns a function that succeeds once an object is gone.
func (r *release) gone(obj client.Object) func() bool {
	return func() bool {
		return apierrors.IsNotFound(r.env.Client.Get(r.t.Context(), client.ObjectKeyFromObject(obj), obj))
	}
}

// available returns what the metric says about a namespace; nothing if it does not.
func available(namespace string) func() []float64 {
	return func() []float64 {
		families, err := metrics.Registry.Gather()
		if err != nil {
			return nil
		}
		var found []float64
		for _, family := range families {
			if family.GetName() != "kubescim_watched_namespace_available" {
				continue
			}
			for _, metric := range family.GetMetric() {
				if metric.GetLabel()[0].GetValue() == namespace {
					found = append(found, metric.GetGauge().GetValue())
				}
			}
		}
		return found
	}
}

func (r *release) ready() error {
	return controller.CachesFilled(r.caches)(httptest.NewRequest(http.MethodGet, "/readyz", nil).WithContext(r.t.Context()))
}

// A namespace that is deleted loses its RoleBindings before its custom resources.
// No namespace controller runs here: the test deletes what that would delete.
func TestAWatchedNamespaceEnds(t *testing.T) {
	for _, policy := range []scimv1alpha1.DeletionPolicy{
		scimv1alpha1.DeletionPolicyRetain, scimv1alpha1.DeletionPolicyDeactivate, scimv1alpha1.DeletionPolicyDelete,
	} {
		t.Run(string(policy), func(t *testing.T) {
			r := install(t, []string{"acme"}, "acme")
			tenant := r.newTenant("acme", policy)
			key := r.newKey(tenant)
			r.Eventually(r.deployment(tenant)).Should(Succeed())
			r.Eventually(func() ([]string, error) {
				err := r.env.Client.Get(r.t.Context(), client.ObjectKeyFromObject(key), key)
				return []string{key.Status.KeyID}, err
			}).ShouldNot(ContainElement(""))

			r.Expect(r.env.Client.Delete(r.t.Context(), namespaceOf("acme"))).To(Succeed())
			r.unbind("acme")
			r.Expect(r.env.Client.Delete(r.t.Context(), key)).To(Succeed())
			r.Expect(r.env.Client.Delete(r.t.Context(), tenant)).To(Succeed())
			r.Eventually(r.gone(key)).Should(BeTrue())
			r.Eventually(r.gone(tenant)).Should(BeTrue())
		})
	}
}

func TestAMissingNamespaceKeepsNoOtherFromBeingServed(t *testing.T) {
	r := install(t, []string{"acme"}, "acme,later")
	r.Eventually(r.ready).Should(Succeed())
	r.Eventually(r.deployment(r.newTenant("acme", ""))).Should(Succeed())
	r.Eventually(available("acme")).Should(Equal([]float64{1}))
	r.Eventually(available("later")).Should(Equal([]float64{0}))

	r.Expect(r.env.Client.Create(r.t.Context(), namespaceOf("later"))).To(Succeed())
	r.bind("later")
	r.Eventually(r.deployment(r.newTenant("later", ""))).Should(Succeed())
	r.Eventually(available("later")).Should(Equal([]float64{1}))
	r.Expect(r.ready()).To(Succeed())
}
