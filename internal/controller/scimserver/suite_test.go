package scimserver_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

var (
	env         *controllertest.Environment
	stopManager func() error
)

func TestScimServer(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	SetDefaultConsistentlyDuration(time.Second)
	RunSpecs(t, "ScimServer controller")
}

var _ = BeforeSuite(func() {
	log.SetLogger(GinkgoLogr)
	ctrl.SetLogger(GinkgoLogr)
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

func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	namespace, err := env.NewNamespace(ctx)
	Expect(err).NotTo(HaveOccurred())
	return namespace
}

// newServer creates a ScimServer that is called shared.
func newServer(ctx context.Context, namespace string, change ...func(*scimv1alpha1.ScimServer)) *scimv1alpha1.ScimServer {
	GinkgoHelper()
	server := &scimv1alpha1.ScimServer{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "shared"}}
	for _, c := range change {
		c(server)
	}
	Expect(env.Client.Create(ctx, server)).To(Succeed())
	return server
}

// newTenant creates a tenant on the ScimServer shared.
func newTenant(ctx context.Context, namespace, name string, change ...func(*scimv1alpha1.ScimTenant)) *scimv1alpha1.ScimTenant {
	GinkgoHelper()
	tenant := &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: scimv1alpha1.ScimTenantSpec{
			IdentityProvider: scimv1alpha1.IdentityProviderEntra, ServerRef: scimv1alpha1.ServerReference{Name: "shared"},
		},
	}
	for _, c := range change {
		c(tenant)
	}
	Expect(env.Client.Create(ctx, tenant)).To(Succeed())
	return tenant
}

// current returns a function that reads an object as it is now.
func current[T any, P interface {
	*T
	client.Object
}](ctx context.Context, object P) func() (P, error) {
	return func() (P, error) {
		now := P(new(T))
		return now, env.Client.Get(ctx, client.ObjectKeyFromObject(object), now)
	}
}

// rollOut plays a successful roll-out of the ScimServer shared.
func rollOut(ctx context.Context, namespace string) {
	GinkgoHelper()
	Eventually(func() error { return env.RollOutServer(ctx, namespace, "shared") }).Should(Succeed())
}

// host does as if a pod of the ScimServer shared hosted these tenants.
func host(ctx context.Context, namespace, pod string, tenants ...string) {
	GinkgoHelper()
	hosted := map[string]contract.TenantUsage{}
	for _, tenant := range tenants {
		hosted[tenant] = controllertest.Hosted(3)
	}
	Expect(env.HostTenants(ctx, namespace, "shared", pod, hosted)).To(Succeed())
}

// broken is how a pod answers that cannot serve a tenant.
func broken(tenant, why string) map[string]contract.TenantUsage {
	return map[string]contract.TenantUsage{tenant: {State: contract.ServingNothing, Message: why}}
}

// message returns what Ready says of a tenant, and readyMessage what it says of a server.
func message(tenant *scimv1alpha1.ScimTenant) string      { return messageIn(tenant.Status.Conditions) }
func readyMessage(server *scimv1alpha1.ScimServer) string { return messageIn(server.Status.Conditions) }

func messageIn(conditions []metav1.Condition) string {
	if ready := meta.FindStatusCondition(conditions, scimv1alpha1.ConditionReady); ready != nil {
		return ready.Message
	}
	return ""
}
