package scimrole_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

func TestScimRole(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	RunSpecs(t, "ScimRole controller")
}

var env *controllertest.Environment

var _ = BeforeSuite(func() {
	ctrl.SetLogger(GinkgoLogr)
	var err error
	env, err = controllertest.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() error { return env.Stop() })
	stop, err := env.StartManager(controllertest.Operator)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(stop)
})

// create creates a role of the tenant acme.
func create(ctx context.Context, namespace, name, value string) *scimv1alpha1.ScimRole {
	GinkgoHelper()
	role := &scimv1alpha1.ScimRole{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       scimv1alpha1.ScimRoleSpec{TenantRef: scimv1alpha1.TenantReference{Name: "acme"}, Value: value},
	}
	Expect(env.Client.Create(ctx, role)).To(Succeed())
	return role
}

// current returns a function that reads a role as it is now.
func current(ctx context.Context, role *scimv1alpha1.ScimRole) func() (*scimv1alpha1.ScimRole, error) {
	return func() (*scimv1alpha1.ScimRole, error) {
		found := &scimv1alpha1.ScimRole{}
		return found, env.Client.Get(ctx, client.ObjectKeyFromObject(role), found)
	}
}

var _ = Describe("ScimRole", func() {
	It("says whether it is served: not without a tenant, nor when an older one has its value", func(ctx SpecContext) {
		namespace, err := env.NewNamespace(ctx)
		Expect(err).NotTo(HaveOccurred())
		first := create(ctx, namespace, "a", "admin")
		Eventually(current(ctx, first)).Should(controllertest.BeStalled(scimv1alpha1.ReasonTenantNotFound))
		tenant := &scimv1alpha1.ScimTenant{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme"},
			Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderOkta},
		}
		Expect(env.Client.Create(ctx, tenant)).To(Succeed())
		Eventually(current(ctx, first)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))

		second := create(ctx, namespace, "b", "ADMIN")
		Eventually(current(ctx, second)).Should(controllertest.BeStalled(scimv1alpha1.ReasonValueTaken))
		Expect(env.Client.Delete(ctx, first)).To(Succeed())
		Eventually(current(ctx, second)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))

		By("changing what people see")
		Eventually(func() error {
			found, err := current(ctx, second)()
			Expect(err).NotTo(HaveOccurred())
			found.Spec.Display = "Administrator"
			return env.Client.Update(ctx, found)
		}).Should(Succeed())
		Eventually(current(ctx, second)).Should(And(controllertest.BeReady(scimv1alpha1.ReasonSucceeded), HaveField("Status.ObservedGeneration", BeEquivalentTo(2))))
	})
})
