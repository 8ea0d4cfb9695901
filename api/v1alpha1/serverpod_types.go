package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ServerPod has what the pods of a server are to have beside what the operator gives
// them.
type ServerPod struct {
	// labels are put on the pods. The operator's configuration says which are
	// allowed; by default none, since NetworkPolicies and others go by them.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(key, !format.qualifiedName().validate(key).hasValue())",message="must have names of labels as keys, for example 'example.com/team'"
	Labels map[string]PodLabelValue `json:"labels,omitempty"`

	// annotations are put on the pods. The operator's configuration says which are
	// allowed; by default none, since what acts on pods goes by them.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(key, !format.qualifiedName().validate(key.lowerAscii()).hasValue())",message="must have names of annotations as keys, for example 'example.com/contact'"
	Annotations map[string]PodAnnotationValue `json:"annotations,omitempty"`

	// affinity says near which nodes and pods the server's pods run, and far from
	// which, in addition to `scheduling`.
	// +optional
	Affinity ServerAffinity `json:"affinity,omitzero"`
}

// PodLabelValue is the value of a pod's label.
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$`
type PodLabelValue string

// PodAnnotationValue is the value of a pod's annotation.
// +kubebuilder:validation:MaxLength=4096
type PodAnnotationValue string

// ServerAffinity is the affinity of a server's pods, in the words of Kubernetes. What is
// said about pods is about those of the same namespace: where pods keep those of other
// namespaces away, none of them could be scheduled on the same node any more.
type ServerAffinity struct {
	// nodeAffinity says on which nodes the pods must run, and on which they had
	// better.
	// +optional
	NodeAffinity *corev1.NodeAffinity `json:"nodeAffinity,omitempty"`

	// podAffinity says beside which pods of the same namespace the pods run.
	// +optional
	PodAffinity ServerPodAffinity `json:"podAffinity,omitzero"`

	// podAntiAffinity says beside which pods of the same namespace the pods do not
	// run.
	// +optional
	PodAntiAffinity ServerPodAffinity `json:"podAntiAffinity,omitzero"`
}

// ServerPodAffinity is about the pods of the same namespace.
type ServerPodAffinity struct {
	// requiredDuringSchedulingIgnoredDuringExecution is what must be so for a pod
	// to be scheduled.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	RequiredDuringSchedulingIgnoredDuringExecution []ServerPodAffinityTerm `json:"requiredDuringSchedulingIgnoredDuringExecution,omitempty"`

	// preferredDuringSchedulingIgnoredDuringExecution is what had better be so.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	PreferredDuringSchedulingIgnoredDuringExecution []WeightedServerPodAffinityTerm `json:"preferredDuringSchedulingIgnoredDuringExecution,omitempty"`
}

// WeightedServerPodAffinityTerm is a preference, and how much it counts.
type WeightedServerPodAffinityTerm struct {
	// weight is how much the preference counts among others, from 1 to 100.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Weight int32 `json:"weight,omitempty"`

	// podAffinityTerm is what is preferred.
	// +required
	PodAffinityTerm ServerPodAffinityTerm `json:"podAffinityTerm,omitzero"`
}

// ServerPodAffinityTerm chooses pods of the same namespace, and says what beside them
// means.
type ServerPodAffinityTerm struct {
	// labelSelector chooses the pods, by their labels.
	// +required
	LabelSelector *metav1.LabelSelector `json:"labelSelector,omitempty"`

	// topologyKey is the label of nodes that has the same value where pods are
	// beside each other, for example kubernetes.io/hostname.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	TopologyKey string `json:"topologyKey,omitempty"`
}
