package scimtenant_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apitypes "k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

var (
	env         *controllertest.Environment
	stopManager func() error
)

func TestScimTenant(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	SetDefaultConsistentlyDuration(time.Second)
	RunSpecs(t, "ScimTenant controller")
}

var _ = BeforeSuite(func() {
	logger := GinkgoLogr
	log.SetLogger(logger)
	ctrl.SetLogger(logger)
	var err error
	env, err = controllertest.Start()
	Expect(err).NotTo(HaveOccurred())
	stopManager, err = env.StartManager(controllertest.Operator)
	Expect(err).NotTo(HaveOccurred())
})

var _ = AfterSuite(func() {
	if stopManager != nil {
		Expect(stopManager()).To(Succeed())
	}
	if env != nil {
		Expect(env.Stop()).To(Succeed())
	}
})

// newTenant creates a tenant in a namespace of its own.
func newTenant(ctx context.Context, change ...func(*scimv1alpha1.ScimTenant)) *scimv1alpha1.ScimTenant {
	GinkgoHelper()
	namespace, err := env.NewNamespace(ctx)
	Expect(err).NotTo(HaveOccurred())
	tenant := &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme"},
		Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderEntra},
	}
	for _, c := range change {
		c(tenant)
	}
	Expect(env.Client.Create(ctx, tenant)).To(Succeed())
	return tenant
}

func withHost(host, class string) func(*scimv1alpha1.ScimTenant) {
	return func(t *scimv1alpha1.ScimTenant) {
		t.Spec.Endpoint.Host = host
		t.Spec.Endpoint.TLS = scimv1alpha1.EndpointTLS{Termination: scimv1alpha1.TLSTerminationElsewhere}
		if class != "" {
			t.Spec.Endpoint.Ingress = scimv1alpha1.EndpointIngress{ClassName: class}
		}
	}
}

func withDeletionPolicy(policy scimv1alpha1.DeletionPolicy) func(*scimv1alpha1.ScimTenant) {
	return func(t *scimv1alpha1.ScimTenant) { t.Spec.DeletionPolicy = policy }
}

// in lets a tenant be created beside another one, in the same namespace.
func in(other *scimv1alpha1.ScimTenant, name string) func(*scimv1alpha1.ScimTenant) {
	return func(t *scimv1alpha1.ScimTenant) { t.Namespace, t.Name = other.Namespace, name }
}

// current returns a function that reads the tenant as it is now.
func current(ctx context.Context, tenant *scimv1alpha1.ScimTenant) func() (*scimv1alpha1.ScimTenant, error) {
	return func() (*scimv1alpha1.ScimTenant, error) {
		now := &scimv1alpha1.ScimTenant{}
		return now, env.Client.Get(ctx, client.ObjectKeyFromObject(tenant), now)
	}
}

// change updates an object, again and again until nobody interferes.
func change[T any, P interface {
	*T
	client.Object
}](ctx context.Context, object P, mutate func(P)) {
	GinkgoHelper()
	Eventually(func() error {
		now := P(new(T))
		if err := env.Client.Get(ctx, client.ObjectKeyFromObject(object), now); err != nil {
			return err
		}
		mutate(now)
		return env.Client.Update(ctx, now)
	}).Should(Succeed())
}

// becomeReady waits for the operands and plays a successful roll-out.
func becomeReady(ctx context.Context, tenant *scimv1alpha1.ScimTenant) {
	GinkgoHelper()
	Eventually(func() error { return env.RollOut(ctx, tenant.Namespace, tenant.Name) }).Should(Succeed())
	Eventually(current(ctx, tenant)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
}

func key(tenant *scimv1alpha1.ScimTenant) client.ObjectKey {
	return client.ObjectKey{Namespace: tenant.Namespace, Name: operand.Name(tenant.Name)}
}

// ingressOf returns a function that reads the tenant's Ingress.
func ingressOf(ctx context.Context, tenant *scimv1alpha1.ScimTenant) func() (*networkingv1.Ingress, error) {
	return func() (*networkingv1.Ingress, error) {
		ingress := &networkingv1.Ingress{}
		return ingress, env.Client.Get(ctx, key(tenant), ingress)
	}
}

// findIngress returns a function that looks for the tenant's Ingress.
func findIngress(ctx context.Context, tenant *scimv1alpha1.ScimTenant) func() error {
	return func() error {
		_, err := ingressOf(ctx, tenant)()
		return err
	}
}

// BeNotFound succeeds if an error says that there is no such object.
func BeNotFound() types.GomegaMatcher { return Satisfy(apierrors.IsNotFound) }

// operands returns empty objects of all kinds that a tenant without a host has.
func operands() []client.Object {
	return []client.Object{
		&corev1.ServiceAccount{}, &rbacv1.Role{}, &rbacv1.RoleBinding{},
		&corev1.Service{}, &policyv1.PodDisruptionBudget{}, &appsv1.Deployment{},
	}
}

// versions returns the resourceVersions of the tenant and of its operands.
func versions(ctx context.Context, tenant *scimv1alpha1.ScimTenant) (map[apitypes.UID]string, error) {
	found := map[apitypes.UID]string{}
	now, err := current(ctx, tenant)()
	if err != nil {
		return nil, err
	}
	found[now.UID] = now.ResourceVersion
	for _, obj := range operands() {
		if err := env.Client.Get(ctx, key(tenant), obj); err != nil {
			return nil, err
		}
		found[obj.GetUID()] = obj.GetResourceVersion()
	}
	return found, nil
}

// newIngressClass creates an IngressClass for as long as the test runs.
func newIngressClass(ctx context.Context, name string, isDefault bool) {
	GinkgoHelper()
	class := &networkingv1.IngressClass{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       networkingv1.IngressClassSpec{Controller: "example.com/ingress"},
	}
	if isDefault {
		class.Annotations = map[string]string{networkingv1.AnnotationIsDefaultIngressClass: "true"}
	}
	Expect(env.Client.Create(ctx, class)).To(Succeed())
	DeferCleanup(func(ctx context.Context) {
		Expect(client.IgnoreNotFound(env.Client.Delete(ctx, class))).To(Succeed())
	})
}
