package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ScimApiKeySpec says what one bearer credential of a tenant should be.
// +kubebuilder:validation:XValidation:rule="self.tenantRef == oldSelf.tenantRef",message="`tenantRef` must not change: a token belongs to one tenant. Create another ScimApiKey for the other tenant"
// +kubebuilder:validation:XValidation:rule="has(self.secretName) == has(oldSelf.secretName) && (!has(self.secretName) || self.secretName == oldSelf.secretName)",message="`secretName` must not change: the token is written once. Create another ScimApiKey with the other name"
type ScimApiKeySpec struct {
	// tenantRef is the ScimTenant, in the same namespace, that the token is
	// for. It may be created after the key.
	// +required
	TenantRef TenantReference `json:"tenantRef,omitzero"`

	// description is a note for people, for example where the token is used.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	Description string `json:"description,omitempty"`

	// secretName is the Secret, in the same namespace, into which the token is
	// written once, with the base URL beside it. The key's own name when
	// omitted. The Secret may be deleted after the token has been copied: the
	// token goes on working and is not made again.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of a Secret: lower-case letters, digits, '-' and '.', for example 'acme-okta'"
	// +kubebuilder:validation:XValidation:rule="!self.endsWith('-scim-verifiers')",message="must not end with '-scim-verifiers': Secrets of such names have the hashes of tenants' tokens. Choose another name, for example 'acme-okta'"
	SecretName string `json:"secretName,omitempty"`

	// expirationTime is when the token stops working. Never when omitted.
	// +optional
	ExpirationTime metav1.Time `json:"expirationTime,omitzero"`
}

// ScimApiKeyStatus says what one bearer credential is. Nothing in it is secret.
type ScimApiKeyStatus struct {
	// conditions are Ready and what it is made of: TenantFound and Delivered;
	// Reconciling or Stalled while one of them holds.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status is about;
	// -1 until there is any status, so that nobody takes the resource for ready.
	// +optional
	// +kubebuilder:validation:Minimum=-1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// keyID is the part of the token that tells keys apart; it is no secret and
	// stands in logs and in the meta of users and groups.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	KeyID string `json:"keyID,omitempty"`

	// secretName is the Secret into which the token was written.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName,omitempty"`

	// deliveredTime is when the token was written into the Secret.
	// +optional
	DeliveredTime metav1.Time `json:"deliveredTime,omitzero"`
}

// ScimApiKey is one bearer token of one tenant. The operator makes the token,
// tells it once, in a Secret, and keeps only a hash. Deleting the ScimApiKey
// revokes the token.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=skey,categories=scim
// +kubebuilder:printcolumn:name="Tenant",type=string,JSONPath=`.spec.tenantRef.name`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Key ID",type=string,JSONPath=`.status.keyID`
// +kubebuilder:printcolumn:name="Secret",type=string,JSONPath=`.status.secretName`
// +kubebuilder:printcolumn:name="Expires",type=string,JSONPath=`.spec.expirationTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:selectablefield:JSONPath=`.spec.tenantRef.name`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="`metadata.name` must be at most 63 characters, since labels are named after it"
// +kubebuilder:validation:XValidation:rule="oldSelf.hasValue() || has(self.spec.secretName) || !self.metadata.name.endsWith('-scim-verifiers')",optionalOldSelf=true,message="`metadata.name` must not end with '-scim-verifiers', since Secrets of such names have the hashes of tenants' tokens, and the key's Secret is named like the key. Choose another name, or set `spec.secretName`, for example to 'acme-okta'"
type ScimApiKey struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says what the credential should be.
	// +required
	Spec ScimApiKeySpec `json:"spec,omitzero"`

	// status says what the credential is.
	// +optional
	// +kubebuilder:default:={"observedGeneration":-1}
	Status ScimApiKeyStatus `json:"status,omitzero"`
}

// HandoverSecretName returns the name of the Secret that gets the token.
func (k *ScimApiKey) HandoverSecretName() string {
	return orDefault(k.Spec.SecretName, k.Name)
}

// GetConditions returns the conditions of the key.
func (k *ScimApiKey) GetConditions() []metav1.Condition { return k.Status.Conditions }

// SetConditions replaces the conditions of the key.
func (k *ScimApiKey) SetConditions(conditions []metav1.Condition) { k.Status.Conditions = conditions }

// ScimApiKeyList is a list of ScimApiKeys.
//
// +kubebuilder:object:root=true
type ScimApiKeyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []ScimApiKey `json:"items"`
}
