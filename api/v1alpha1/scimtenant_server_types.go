package v1alpha1

import corev1 "k8s.io/api/core/v1"

// ServerSpec shapes the Deployment of a SCIM server.
type ServerSpec struct {
	// replicas is the number of server pods, all of them active. 2 when
	// omitted, so that a node may go away without a failed request.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=20
	Replicas int32 `json:"replicas,omitempty"`

	// pod has what the pods are to have beside what the operator gives them.
	// +optional
	Pod ServerPod `json:"pod,omitzero"`

	// resources are the requests and limits of the server's container. When
	// omitted, those of the operator's configuration, or else requests of 50m CPU
	// and 64Mi memory, and a limit of 256Mi memory.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// scheduling says on which nodes the server's pods may run.
	// +optional
	Scheduling ServerScheduling `json:"scheduling,omitzero"`

	// imagePullSecrets are Secrets in the tenant's namespace with credentials for
	// the registry of the server's image, in addition to those of the operator's
	// configuration.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	ImagePullSecrets []ImagePullSecret `json:"imagePullSecrets,omitempty"`
}

// ImagePullSecret names a Secret with credentials for a registry.
type ImagePullSecret struct {
	// name is the name of the Secret, of type kubernetes.io/dockerconfigjson.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of a Secret: lower-case letters, digits, '-' and '.', for example 'registry'"
	Name string `json:"name,omitempty"`
}

// ServerScheduling says on which nodes a tenant's server pods may run. They are
// spread over nodes and zones in any case.
type ServerScheduling struct {
	// nodeSelector has the labels that a node must have.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	NodeSelector map[string]NodeLabelValue `json:"nodeSelector,omitempty"`

	// tolerations are the taints that the pods tolerate. The operator's
	// configuration says which are allowed; by default none.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// priorityClassName is the PriorityClass of the pods. The operator's
	// configuration says which are allowed; by default none.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PriorityClassName string `json:"priorityClassName,omitempty"`
}

// NodeLabelValue is the value of a node's label.
// +kubebuilder:validation:MaxLength=63
type NodeLabelValue string
