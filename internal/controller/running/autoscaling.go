package running

import (
	"context"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/operand"
)

// applyAutoscaler applies the HorizontalPodAutoscaler of a server that asks for one,
// and deletes that of a server that does not. It changes the owner's spec by the scale
// subresource, and so the operator writes the number of replicas whoever has chosen it.
func (k *Keeper) applyAutoscaler(ctx context.Context, s *Server) error {
	if !s.Spec.Autoscaling.Enabled() {
		return k.Applier.Delete(ctx, s.Owner, &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{
			Namespace: s.Namespace(), Name: s.Name,
		}})
	}
	obj, err := k.Applier.Apply(ctx, s.Owner, operand.Autoscaler(s.Server))
	problem, failure := apply.ProblemOf(err)
	s.AddProblem(problem)
	s.autoscaler, _ = obj.(*autoscalingv2.HorizontalPodAutoscaler)
	return failure
}

// Autoscaled reports whether the autoscaler knows how many replicas there should be; nil
// where there is none. The server serves all the same while it does not.
func (s *Server) Autoscaled() *metav1.Condition {
	const conditionType = scimv1alpha1.ConditionAutoscaled
	if !s.Spec.Autoscaling.Enabled() {
		return nil
	}
	found := conditions.Unknown(conditionType, scimv1alpha1.ReasonProgressing, "the HorizontalPodAutoscaler has not looked at the server yet")
	if s.autoscaler == nil {
		return &found
	}
	for _, c := range s.autoscaler.Status.Conditions {
		if c.Type != autoscalingv2.AbleToScale && c.Type != autoscalingv2.ScalingActive {
			continue
		}
		if c.Status == corev1.ConditionFalse {
			found = conditions.False(conditionType, scimv1alpha1.ReasonScalingInactive, fmt.Sprintf(
				"HorizontalPodAutoscaler %s leaves the number of server replicas as it is (%s): see that the cluster measures its pods, for example by metrics-server: kubectl describe hpa -n %s %s",
				s.autoscaler.Name, c.Reason, s.autoscaler.Namespace, s.autoscaler.Name))
			return &found
		}
		if c.Type == autoscalingv2.ScalingActive && c.Status == corev1.ConditionTrue {
			found = conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, fmt.Sprintf(
				"from %d to %d server replicas, by the CPU that they use", s.Spec.Autoscaling.LeastReplicas(), s.Spec.Autoscaling.MaxReplicas))
		}
	}
	return &found
}
