package config

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// RefusedOfServer returns what the spec of a server asks for and is not allowed, in words
// for its author; field is where that spec is.
func (a Allow) RefusedOfServer(field string, server scimv1alpha1.ServerSpec) []string {
	var refused []string
	scheduling := server.Scheduling
	if class := scheduling.PriorityClassName; class != "" && !a.PriorityClass(class) {
		refused = append(refused, fmt.Sprintf("%s.scheduling.priorityClassName %q is not allowed (allow.priorityClasses)", field, class))
	}
	for i, toleration := range scheduling.Tolerations {
		if !a.Toleration(toleration) {
			refused = append(refused, fmt.Sprintf("%s.scheduling.tolerations[%d], of %s, is not allowed (allow.tolerations)", field, i, taintsOf(toleration)))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(server.Pod.Labels)) {
		switch {
		case isReserved(key):
			refused = append(refused, fmt.Sprintf("label %q in %s.pod.labels is one that the operator sets itself", key, field))
		case !a.PodLabel(key):
			refused = append(refused, fmt.Sprintf("label %q in %s.pod.labels is not allowed (allow.podLabels)", key, field))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(server.Pod.Annotations)) {
		if !a.PodAnnotation(key) {
			refused = append(refused, fmt.Sprintf("annotation %q in %s.pod.annotations is not allowed (allow.podAnnotations)", key, field))
		}
	}
	return refused
}

// taintsOf names the taints that a toleration is about.
func taintsOf(t corev1.Toleration) string {
	if t.Key == "" {
		return "every taint"
	}
	return fmt.Sprintf("taint %q", t.Key)
}
