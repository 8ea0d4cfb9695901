package scimeventsink_test

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
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

func TestScimEventSink(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	RunSpecs(t, "ScimEventSink controller")
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

// current returns a function that reads a sink as it is now.
func current(ctx context.Context, sink *scimv1alpha1.ScimEventSink) func() (*scimv1alpha1.ScimEventSink, error) {
	return func() (*scimv1alpha1.ScimEventSink, error) {
		found := &scimv1alpha1.ScimEventSink{}
		return found, env.Client.Get(ctx, client.ObjectKeyFromObject(sink), found)
	}
}

// serve does as if a server of the tenant had delivered all to the receiver of a sink.
func serve(ctx context.Context, sink *scimv1alpha1.ScimEventSink) {
	GinkgoHelper()
	found, err := current(ctx, sink)()
	Expect(err).NotTo(HaveOccurred())
	served := found.DeepCopy()
	served.Status.Cursor.Users = 7
	conditions.Set(served, conditions.Summary{Outcome: conditions.Ready, Reason: scimv1alpha1.ReasonDelivering})
	Expect(env.Client.Status().Patch(ctx, served, client.MergeFrom(found))).To(Succeed())
}

var _ = Describe("ScimEventSink", func() {
	It("says that nobody serves it, until a server does", func(ctx SpecContext) {
		namespace, err := env.NewNamespace(ctx)
		Expect(err).NotTo(HaveOccurred())
		sink := &scimv1alpha1.ScimEventSink{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "app"},
			Spec: scimv1alpha1.ScimEventSinkSpec{
				TenantRef: scimv1alpha1.TenantReference{Name: "acme"}, URL: "https://app.example.com/events",
			},
		}
		Expect(env.Client.Create(ctx, sink)).To(Succeed())
		Eventually(current(ctx, sink)).Should(controllertest.BeStalled(scimv1alpha1.ReasonTenantNotFound))
		tenant := &scimv1alpha1.ScimTenant{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme"},
			Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderOkta},
		}
		Expect(env.Client.Create(ctx, tenant)).To(Succeed())
		Eventually(current(ctx, sink)).Should(controllertest.BeReconciling(scimv1alpha1.ReasonNotServed))

		By("being served")
		serve(ctx, sink)
		served, err := current(ctx, sink)()
		Expect(err).NotTo(HaveOccurred())
		Consistently(current(ctx, sink)).WithTimeout(time.Second).Should(HaveField("ResourceVersion", served.ResourceVersion), "the server has the last word")

		By("losing its tenant")
		Expect(env.Client.Delete(ctx, tenant)).To(Succeed())
		Eventually(current(ctx, sink)).Should(And(controllertest.BeStalled(scimv1alpha1.ReasonTenantNotFound), HaveField("Status.Cursor.Users", BeEquivalentTo(7))))
		serve(ctx, sink) // A server that does not know yet.
		Eventually(current(ctx, sink)).Should(controllertest.BeStalled(scimv1alpha1.ReasonTenantNotFound))
	})
})
