package operand

import (
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

func TestAutoscaler(t *testing.T) {
	for name, tc := range map[string]struct {
		scaling          scimv1alpha1.ServerAutoscaling
		least, most, cpu int32
	}{
		"by default": {scimv1alpha1.ServerAutoscaling{MaxReplicas: 5}, 2, 5, 80},
		"in full":    {scimv1alpha1.ServerAutoscaling{MinReplicas: 1, MaxReplicas: 20, TargetCPUUtilizationPercentage: 150}, 1, 20, 150},
	} {
		t.Run(name, func(t *testing.T) {
			a := as[autoscalingv2.HorizontalPodAutoscaler](t, Autoscaler(DedicatedServer(tenant(func(t *scimv1alpha1.ScimTenant) { t.Spec.Server.Autoscaling = tc.scaling }))))
			checkMeta(t, a)
			if a.Spec.ScaleTargetRef != (autoscalingv2.CrossVersionObjectReference{APIVersion: "scim.kubescim.dev/v1alpha1", Kind: "ScimTenant", Name: "acme"}) {
				t.Errorf("it scales %+v", a.Spec.ScaleTargetRef)
			}
			if *a.Spec.MinReplicas != tc.least || a.Spec.MaxReplicas != tc.most || *a.Spec.Metrics[0].Resource.Target.AverageUtilization != tc.cpu {
				t.Errorf("it is %+v", a.Spec)
			}
		})
	}
}
