package operand

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	autoscalingv2ac "k8s.io/client-go/applyconfigurations/autoscaling/v2"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Autoscaler returns the HorizontalPodAutoscaler of a server that asks for one. What it
// scales is the owner of the server, and not the Deployment: the number of replicas is then
// always that of a spec, whoever has chosen it.
func Autoscaler(s Server) *autoscalingv2ac.HorizontalPodAutoscalerApplyConfiguration {
	scaling := s.Spec.Autoscaling
	return autoscalingv2ac.HorizontalPodAutoscaler(s.Name, s.Namespace()).
		WithLabels(s.Labels()).
		WithOwnerReferences(s.Owner.reference()).
		WithSpec(autoscalingv2ac.HorizontalPodAutoscalerSpec().
			WithScaleTargetRef(autoscalingv2ac.CrossVersionObjectReference().
				WithAPIVersion(scimv1alpha1.GroupVersion.String()).
				WithKind(s.Owner.Kind).
				WithName(s.Owner.Name)).
			WithMinReplicas(scaling.LeastReplicas()).
			WithMaxReplicas(scaling.MaxReplicas).
			WithMetrics(autoscalingv2ac.MetricSpec().
				WithType(autoscalingv2.ResourceMetricSourceType).
				WithResource(autoscalingv2ac.ResourceMetricSource().
					WithName(corev1.ResourceCPU).
					WithTarget(autoscalingv2ac.MetricTarget().
						WithType(autoscalingv2.UtilizationMetricType).
						WithAverageUtilization(scaling.TargetCPU())))))
}
