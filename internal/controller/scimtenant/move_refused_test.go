package scimtenant_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

var _ = Describe("A tenant that cannot be moved", func() {
	It("is told why it cannot be moved, and served where it is", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		newOwnPod(tenant)
		change(ctx, tenant, withServerRef("shared"))
		served := controllertest.Have(scimv1alpha1.ConditionServerAvailable, metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded)
		because := func(reason string) types.GomegaMatcher {
			return And(controllertest.Have(scimv1alpha1.ConditionMoved, metav1.ConditionFalse, reason), served, haveList(""))
		}
		Eventually(current(ctx, tenant)).Should(And(because(scimv1alpha1.ReasonServerNotFound), controllertest.BeStalled(scimv1alpha1.ReasonServerNotFound)))
		Expect(env.Client.Create(ctx, &scimv1alpha1.ScimServer{ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "shared"}})).To(Succeed())
		Eventually(current(ctx, tenant)).Should(And(because(scimv1alpha1.ReasonServerNotReady), controllertest.BeReady(scimv1alpha1.ReasonSucceeded)))
		old := env.StartSharedPod(tenant.Namespace, "shared", "shared-0")
		DeferCleanup(old.Stop)
		old.Set(false, true)
		Eventually(func() error { return env.RollOutServer(ctx, tenant.Namespace, "shared") }).Should(Succeed())
		Eventually(current(ctx, tenant), moves).Should(And(because(scimv1alpha1.ReasonServerOutdated),
			WithTransform(movedMessage, ContainSubstring("shared-0"))))
		Eventually(warningsOf(ctx, tenant)).Should(ConsistOf(scimv1alpha1.ReasonServerNotFound))

		By("not leaving the only URL that it has")
		Expect(env.Client.Create(ctx, &scimv1alpha1.ScimServer{ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "other"}})).To(Succeed())
		born := newTenant(ctx, in(tenant, "globex"), withServerRef("shared"))
		Eventually(current(ctx, born)).Should(haveList("shared Memory"))
		for _, target := range []string{"other", ""} {
			change(ctx, born, withServerRef(target))
			Eventually(current(ctx, born)).Should(And(controllertest.BeStalled(scimv1alpha1.ReasonURLWouldChange), haveList("shared Memory")))
		}
		Consistently(func() error { return env.Client.Get(ctx, key(born), &appsv1.Deployment{}) }).Should(BeNotFound())
		change(ctx, born, withServerRef("shared"))
		Eventually(current(ctx, born)).Should(WithTransform(func(t *scimv1alpha1.ScimTenant) bool {
			return meta.IsStatusConditionFalse(t.Status.Conditions, scimv1alpha1.ConditionMoved)
		}, BeFalse()))
	})

	It("keeps its own server while it cannot be moved, in the shape that this has", func(ctx context.Context) {
		tenant := newTenant(ctx, func(t *scimv1alpha1.ScimTenant) { t.Spec.Server.Replicas = 3 })
		becomeReady(ctx, tenant)
		newOwnPod(tenant)
		deployment := &appsv1.Deployment{}
		Expect(env.Client.Get(ctx, key(tenant), deployment)).To(Succeed())
		change(ctx, tenant, withServerRef("missing"))
		Eventually(current(ctx, tenant)).Should(controllertest.BeStalled(scimv1alpha1.ReasonServerNotFound))
		for _, object := range []client.Object{&rbacv1.RoleBinding{}, &rbacv1.Role{}, &policyv1.PodDisruptionBudget{}, &corev1.ServiceAccount{}} {
			object.SetNamespace(tenant.Namespace)
			object.SetName(operand.Name(tenant.Name))
			Expect(env.Client.Delete(ctx, object)).To(Succeed())
			Eventually(func() error { return env.Client.Get(ctx, key(tenant), object) }).Should(Succeed())
		}
		untouched := &appsv1.Deployment{}
		Expect(env.Client.Get(ctx, key(tenant), untouched)).To(Succeed())
		Expect(untouched.Generation).To(Equal(deployment.Generation))

		By("having another Deployment when that is gone, of which only the shape is lost")
		Expect(env.Client.Delete(ctx, untouched)).To(Succeed())
		Eventually(func() error { return env.RollOut(ctx, tenant.Namespace, tenant.Name) }).Should(Succeed())
		Eventually(current(ctx, tenant)).Should(And(haveList(""), HaveField("Status.ServerReplicas", "2/2"),
			controllertest.Have(scimv1alpha1.ConditionServerAvailable, metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded)))
	})
})

// warningsOf returns a function that reads the reasons of the warnings about a tenant.
func warningsOf(ctx context.Context, tenant *scimv1alpha1.ScimTenant) func() ([]string, error) {
	return func() (reasons []string, err error) {
		found := &eventsv1.EventList{}
		err = env.Client.List(ctx, found, client.InNamespace(tenant.Namespace))
		for _, event := range found.Items {
			if event.Type == corev1.EventTypeWarning && event.Regarding.Name == tenant.Name {
				reasons = append(reasons, event.Reason)
			}
		}
		return reasons, err
	}
}
