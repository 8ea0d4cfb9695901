package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// AnnotationUndelivered is on a ScimCredential whose token the operator has made and not
// yet handed over. While it is there, the token is known to nobody but the operator's
// memory, and the credential may be taken away and another one made.
const AnnotationUndelivered = "scim.kubescim.dev/undelivered"

// AnnotationSupersedes is on a ScimCredential that the operator has made to rotate its key.
// It has the names of the ScimCredentials that this one takes the place of, with commas
// between them: once its token is handed over, those end after the overlap, and are deleted.
const AnnotationSupersedes = "scim.kubescim.dev/supersedes"

// APIKeyReference names a ScimApiKey in the same namespace.
type APIKeyReference struct {
	// name is the name of the ScimApiKey.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`
}

// ScimCredentialSpec is the hash of one token, and when it is good. The rules of times
// refuse what the API server would take and Go could not read, such as "t" for "T", and
// fractions of seconds, which a client in Go drops when it writes the object back.
// +kubebuilder:validation:XValidation:rule="self.apiKeyRef == oldSelf.apiKeyRef && self.sha256 == oldSelf.sha256 && self.issueTime == oldSelf.issueTime",message="a credential does not change: `apiKeyRef`, `sha256` and `issueTime` stay as they are. Make another token with another ScimCredential"
// +kubebuilder:validation:XValidation:rule="has(self.notBefore) == has(oldSelf.notBefore) && (!has(self.notBefore) || self.notBefore == oldSelf.notBefore)",message="`notBefore` must not change. Make another token with another ScimCredential"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.expirationTime) || (has(self.expirationTime) && timestamp(self.expirationTime) <= timestamp(oldSelf.expirationTime))",message="`expirationTime` may be set or brought forward, and neither put off nor taken out: what was to end ends. Make another token with another ScimCredential"
type ScimCredentialSpec struct {
	// apiKeyRef is the ScimApiKey, in the same namespace, whose token this is. The
	// credential is accepted only while that key exists, is not being deleted, and has
	// not expired.
	// +required
	APIKeyRef APIKeyReference `json:"apiKeyRef,omitzero"`

	// sha256 is the SHA-256 hash of the whole token, in lower-case hexadecimal digits.
	// The token has 256 random bits, so that nobody can find it from its hash.
	// +required
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-f]{64}$')",message="must be the SHA-256 hash of the token, 64 characters in lower-case hexadecimal digits. Let `kubectl scim key generate` make both"
	SHA256 string `json:"sha256,omitempty"`

	// issueTime is when the token was made, in whole seconds. A tenant's `spec.credentialsNotBefore`
	// refuses those that were made before it.
	// +required
	// +kubebuilder:validation:XValidation:rule="int(self) > 0 && timestamp(int(self)) == self",message="must be a time in whole seconds, for example '2026-05-01T12:00:00Z'"
	IssueTime metav1.Time `json:"issueTime,omitzero"`

	// notBefore is when the token begins to work, in whole seconds. At once when omitted.
	// +optional
	// +kubebuilder:validation:XValidation:rule="int(self) > 0 && timestamp(int(self)) == self",message="must be a time in whole seconds, for example '2026-05-01T12:00:00Z'"
	NotBefore metav1.Time `json:"notBefore,omitzero"`

	// expirationTime is when the token stops working, in whole seconds, if its ScimApiKey does not expire
	// before. It may be set or brought forward, and never put off.
	// +optional
	// +kubebuilder:validation:XValidation:rule="int(self) > 0 && timestamp(int(self)) == self",message="must be a time in whole seconds, for example '2026-05-01T12:00:00Z'"
	ExpirationTime metav1.Time `json:"expirationTime,omitzero"`
}

// ScimCredential is the hash of one token of one ScimApiKey, as a line of an
// authorized_keys file is one key of a user: its name is the token's key id. The operator
// makes it with the token; or it is applied, for example from Git, for a token that was
// made elsewhere. It is no secret: the tenant's servers watch it, and need no Secret.
// Whoever may create ScimCredentials lets in whom they want.
//
// Nothing owns it, since owners have other uids after a restore: a ScimCredential that
// comes back with its ScimApiKey and ScimTenant is accepted at once.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=scred,categories=scim
// +kubebuilder:printcolumn:name="API key",type=string,JSONPath=`.spec.apiKeyRef.name`
// +kubebuilder:printcolumn:name="Issued",type=date,JSONPath=`.spec.issueTime`
// +kubebuilder:printcolumn:name="Not before",type=string,priority=1,JSONPath=`.spec.notBefore`
// +kubebuilder:printcolumn:name="Expires",type=string,JSONPath=`.spec.expirationTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:selectablefield:JSONPath=`.spec.apiKeyRef.name`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z2-7]{16}$')",message="`metadata.name` must be the key id of the token, the 16 characters after `kscim_`. Let `kubectl scim key generate` make both"
type ScimCredential struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is the hash of one token, and when it is good.
	// +required
	Spec ScimCredentialSpec `json:"spec,omitzero"`
}

// ScimCredentialList is a list of ScimCredentials.
//
// +kubebuilder:object:root=true
type ScimCredentialList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []ScimCredential `json:"items"`
}
