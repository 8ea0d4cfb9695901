package v1alpha1

import corev1 "k8s.io/api/core/v1"

// ServerSpec shapes the Deployment of a SCIM server.
// +kubebuilder:validation:XValidation:rule="!has(self.autoscaling) || !has(self.resources) || (has(self.resources.requests) && 'cpu' in self.resources.requests) || (has(self.resources.limits) && 'cpu' in self.resources.limits)",message="`resources` must have a request of CPU where there is `autoscaling`, since that goes by the share of it that is used; for example `requests: {cpu: 200m}`"
type ServerSpec struct {
	// replicas is the number of server pods, all of them active. 2 when
	// omitted, so that a node may go away without a failed request. With
	// autoscaling, it is the autoscaler that changes it: leave it out.
	// +optional
	// +kubebuilder:default=2
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=20
	Replicas int32 `json:"replicas,omitempty"`

	// autoscaling lets a HorizontalPodAutoscaler choose the number of server pods.
	// +optional
	Autoscaling ServerAutoscaling `json:"autoscaling,omitzero"`

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

	// tls has the server's pods serve TLS at port 8443, to which port 443 of the Service
	// leads, and has the Ingress lead there, so that no token travels in the clear between
	// the Ingress controller and the pods. Port 8080 stays, for who calls the Service's port 80.
	// +optional
	TLS ServerTLS `json:"tls,omitzero"`

	// imagePullSecrets are Secrets in the namespace of this object, where the server's pods
	// run, with credentials for the registry of the server's image, in addition to those of
	// the operator's configuration.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	ImagePullSecrets []ImagePullSecret `json:"imagePullSecrets,omitempty"`
}

// ServerAutoscaling bounds what a HorizontalPodAutoscaler chooses, and says what it goes
// by. The cluster must measure its pods, for example by metrics-server.
// +kubebuilder:validation:XValidation:rule="self.maxReplicas >= (has(self.minReplicas) ? self.minReplicas : 2)",message="`maxReplicas` must not be below `minReplicas`, which is 2 when omitted"
type ServerAutoscaling struct {
	// minReplicas is the least number of server pods. 2 when omitted.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=20
	MinReplicas int32 `json:"minReplicas,omitempty"`

	// maxReplicas is the greatest number of server pods. Each of them holds all
	// users and groups in memory, and may write this fraction of what storageLimit
	// allows in a time.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=20
	MaxReplicas int32 `json:"maxReplicas,omitempty"`

	// targetCPUUtilizationPercentage is how much CPU the pods use on average when
	// their number is right, in per cent of what they request. 80 when omitted.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	TargetCPUUtilizationPercentage int32 `json:"targetCPUUtilizationPercentage,omitempty"`
}

// ServerTLS says which certificate the pods of a server present.
type ServerTLS struct {
	// secretName is the Secret of type kubernetes.io/tls, in the namespace of this object, that
	// has the certificate and its private key. Whoever calls the pods decides which names the
	// certificate must have; those of the Service are usual. cert-manager can make it. The pods
	// go by a new one within a few minutes, without a restart.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of a Secret: lower-case letters, digits, '-' and '.', for example 'acme-scim-tls'"
	SecretName string `json:"secretName,omitempty"`
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
