package scimtenant_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

var _ = Describe("The number of a tenant's replicas", func() {
	replicas := func(ctx context.Context, tenant *scimv1alpha1.ScimTenant) func() (int32, error) {
		return func() (int32, error) {
			d := &appsv1.Deployment{}
			err := env.Client.Get(ctx, key(tenant), d)
			if err != nil {
				return 0, err
			}
			return *d.Spec.Replicas, nil
		}
	}
	// scale does what kubectl scale does.
	scale := func(ctx context.Context, tenant *scimv1alpha1.ScimTenant, to string) {
		GinkgoHelper()
		Expect(env.Client.SubResource("scale").Patch(ctx, tenant, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"replicas":`+to+`}}`)),
			&client.SubResourcePatchOptions{SubResourceBody: &autoscalingv1.Scale{}})).To(Succeed())
	}

	It("is that of the scale subresource", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		scale(ctx, tenant, "3")
		Eventually(replicas(ctx, tenant)).Should(Equal(int32(3)))
		becomeReady(ctx, tenant)
		Eventually(func(g Gomega) {
			now := &autoscalingv1.Scale{}
			g.Expect(env.Client.SubResource("scale").Get(ctx, tenant, now)).To(Succeed())
			g.Expect(now.Spec.Replicas).To(Equal(int32(3)))
			g.Expect(now.Status).To(Equal(autoscalingv1.ScaleStatus{Replicas: 3, Selector: "app.kubernetes.io/instance=acme,app.kubernetes.io/name=kubescim-server"}))
		}).Should(Succeed())
	})

	It("is chosen by an autoscaler within its bounds, for as long as the spec asks for one", func(ctx context.Context) {
		tenant := newTenant(ctx, func(t *scimv1alpha1.ScimTenant) {
			t.Spec.Server.Autoscaling = scimv1alpha1.ServerAutoscaling{MinReplicas: 3, MaxReplicas: 5}
		})
		becomeReady(ctx, tenant)
		Expect(replicas(ctx, tenant)()).To(Equal(int32(3)))
		autoscaler := &autoscalingv2.HorizontalPodAutoscaler{}
		Expect(env.Client.Get(ctx, key(tenant), autoscaler)).To(Succeed())
		Expect(metav1.IsControlledBy(autoscaler, tenant)).To(BeTrue())
		Eventually(current(ctx, tenant)).Should(controllertest.Have(scimv1alpha1.ConditionAutoscaled, metav1.ConditionUnknown, scimv1alpha1.ReasonProgressing))

		By("the autoscaler not knowing what the pods use")
		states := func(status corev1.ConditionStatus, reason string) {
			GinkgoHelper()
			autoscaler.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{Type: autoscalingv2.ScalingActive, Status: status, Reason: reason}}
			Expect(env.Client.Status().Update(ctx, autoscaler)).To(Succeed())
		}
		states(corev1.ConditionFalse, "FailedGetResourceMetric")
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.Have(scimv1alpha1.ConditionAutoscaled, metav1.ConditionFalse, scimv1alpha1.ReasonScalingInactive),
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded)))

		By("the autoscaler choosing a number")
		states(corev1.ConditionTrue, "ValidMetricFound")
		Eventually(current(ctx, tenant)).Should(controllertest.Have(scimv1alpha1.ConditionAutoscaled, metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded))
		scale(ctx, tenant, "4")
		Eventually(replicas(ctx, tenant)).Should(Equal(int32(4)))
		scale(ctx, tenant, "9")
		Eventually(replicas(ctx, tenant)).Should(Equal(int32(5)))

		By("asking for none")
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) {
			t.Spec.Server.Autoscaling, t.Spec.Server.Replicas = scimv1alpha1.ServerAutoscaling{}, 2
		})
		Eventually(func() error { return env.Client.Get(ctx, key(tenant), &autoscalingv2.HorizontalPodAutoscaler{}) }).Should(BeNotFound())
		Eventually(current(ctx, tenant)).Should(HaveField("Status.Conditions", Not(ContainElement(HaveField("Type", scimv1alpha1.ConditionAutoscaled)))))
		Eventually(replicas(ctx, tenant)).Should(Equal(int32(2)))
	})
})
