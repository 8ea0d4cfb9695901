package operand

import (
	"encoding/json"
	"maps"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// WithDefaults returns the spec of a server, with what it leaves out from the defaults of
// all servers: each label and annotation, and the rest in whole.
func WithDefaults(spec, defaults scimv1alpha1.ServerSpec) scimv1alpha1.ServerSpec {
	if spec.Resources == nil {
		spec.Resources = defaults.Resources
	}
	spec.Scheduling.NodeSelector = merged(defaults.Scheduling.NodeSelector, spec.Scheduling.NodeSelector)
	if len(spec.Scheduling.Tolerations) == 0 {
		spec.Scheduling.Tolerations = defaults.Scheduling.Tolerations
	}
	if spec.Scheduling.PriorityClassName == "" {
		spec.Scheduling.PriorityClassName = defaults.Scheduling.PriorityClassName
	}
	spec.Pod.Labels = merged(defaults.Pod.Labels, spec.Pod.Labels)
	spec.Pod.Annotations = merged(defaults.Pod.Annotations, spec.Pod.Annotations)
	if isZero(spec.Pod.Affinity) {
		spec.Pod.Affinity = defaults.Pod.Affinity
	}
	return spec
}

// merged is under and, over it, over; nil if both are empty.
func merged[V any](under, over map[string]V) map[string]V {
	if len(under)+len(over) == 0 {
		return nil
	}
	all := maps.Clone(under)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, over)
	return all
}

func isZero(affinity scimv1alpha1.ServerAffinity) bool {
	return affinity.NodeAffinity == nil && isNone(affinity.PodAffinity) && isNone(affinity.PodAntiAffinity)
}

func isNone(affinity scimv1alpha1.ServerPodAffinity) bool {
	return len(affinity.RequiredDuringSchedulingIgnoredDuringExecution)+len(affinity.PreferredDuringSchedulingIgnoredDuringExecution) == 0
}

// affinityOf returns a server's affinity, which is written as that of a pod is; nil if it
// has none.
func affinityOf(affinity scimv1alpha1.ServerAffinity) *corev1ac.AffinityApplyConfiguration {
	if isZero(affinity) {
		return nil
	}
	converted := corev1ac.Affinity()
	if text, err := json.Marshal(affinity); err != nil || json.Unmarshal(text, converted) != nil {
		return nil
	}
	return converted
}

// securityContext keeps the pods to the restricted Pod Security Standard. Where somebody
// assigns the ids of users and groups, as OpenShift does, pods that state any are refused.
func securityContext(assignedIDs bool) *corev1ac.PodSecurityContextApplyConfiguration {
	context := corev1ac.PodSecurityContext().
		WithRunAsNonRoot(true).
		WithSeccompProfile(corev1ac.SeccompProfile().WithType(corev1.SeccompProfileTypeRuntimeDefault))
	if !assignedIDs {
		context.WithRunAsUser(nonRoot).WithRunAsGroup(nonRoot).WithFSGroup(nonRoot)
	}
	return context
}

// withOwn adds to what a server's spec asks for what the operator sets, which nobody else
// may.
func withOwn[V ~string](asked map[string]V, own map[string]string) map[string]string {
	all := map[string]string{}
	for key, value := range asked {
		all[key] = string(value)
	}
	maps.Copy(all, own)
	return all
}
