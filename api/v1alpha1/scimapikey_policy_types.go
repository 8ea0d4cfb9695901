package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// AnnotationDeliveryAcknowledged on a ScimApiKey says that the token has been copied: the
	// hand-over Secret of a key whose delivery mode is Once is deleted. Its value is the key id
	// of that token; any other value stands for the one that the status says is in the Secret.
	// It is taken away when it has been acted upon, or is about no token in the Secret.
	AnnotationDeliveryAcknowledged = "scim.kubescim.dev/delivery-acknowledged"

	// AnnotationRotateAt on a ScimApiKey asks for another token. Its value is a time
	// (RFC 3339) that is not in the future; it is done once the newest token was made
	// before that.
	AnnotationRotateAt = "scim.kubescim.dev/rotate-at"
)

// What an omitted field of a ScimApiKey stands for.
const (
	// DefaultDeliveryTTL is for how long a hand-over Secret stays that is there once.
	DefaultDeliveryTTL = 24 * time.Hour
	// DefaultOverlap is for how long the tokens before go on working after a rotation.
	DefaultOverlap = 24 * time.Hour
)

// APIKeyState switches a key off and on.
// +kubebuilder:validation:Enum=Active;Suspended
type APIKeyState string

// States of keys.
const (
	// APIKeyActive: the key works.
	APIKeyActive APIKeyState = "Active"
	// APIKeySuspended: every request with the key is refused like one with a wrong token.
	APIKeySuspended APIKeyState = "Suspended"
)

// APIKeyAccess says what a key may do.
// +kubebuilder:validation:Enum=ReadWrite;ReadOnly
type APIKeyAccess string

// Accesses of keys.
const (
	// APIKeyReadWrite: the key may read and change.
	APIKeyReadWrite APIKeyAccess = "ReadWrite"
	// APIKeyReadOnly: the key may read; what would change anything is refused.
	APIKeyReadOnly APIKeyAccess = "ReadOnly"
)

// APIKeyResource is a type of resources, by the name of its endpoint.
// +kubebuilder:validation:Enum=Users;Groups
type APIKeyResource string

// Types of resources.
const (
	// APIKeyUsers are the users of a tenant.
	APIKeyUsers APIKeyResource = "Users"
	// APIKeyGroups are the groups of a tenant.
	APIKeyGroups APIKeyResource = "Groups"
)

// DeliveryMode says for how long a token stays in its Secret.
// +kubebuilder:validation:Enum=Secret;Once
type DeliveryMode string

// Delivery modes.
const (
	// DeliverySecret: until somebody deletes the Secret, or the key.
	DeliverySecret DeliveryMode = "Secret"
	// DeliveryOnce: until it is acknowledged, or its time is over.
	DeliveryOnce DeliveryMode = "Once"
)

// Delivery says for how long the token of a key stays in its Secret.
// +kubebuilder:validation:XValidation:rule="!has(self.ttlSeconds) || (has(self.mode) && self.mode == 'Once')",message="`ttlSeconds` is for the `mode` 'Once': set that, or take out `ttlSeconds`"
type Delivery struct {
	// mode is Secret, which leaves the token in its Secret, or Once, which deletes the
	// Secret as soon as the key has the annotation
	// scim.kubescim.dev/delivery-acknowledged, or after ttlSeconds. The token goes on
	// working. Secret when omitted.
	// +optional
	Mode DeliveryMode `json:"mode,omitempty"`

	// ttlSeconds is for how long the Secret stays when nobody acknowledges it. 86400, a
	// day, when omitted.
	// +optional
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=2592000
	TTLSeconds int32 `json:"ttlSeconds,omitempty"`
}

// Rotation says when the operator makes another token for a key.
// +kubebuilder:validation:XValidation:rule="!has(self.everyDays) || !has(self.overlapHours) || self.overlapHours <= self.everyDays * 24",message="`overlapHours` must not be longer than `everyDays`, since the token before would still work when the next one after it is made: make it shorter, or rotate less often"
type Rotation struct {
	// everyDays is how old the newest token gets, in days, before another one is made.
	// Only on demand, by the annotation scim.kubescim.dev/rotate-at, when omitted.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=365
	EveryDays int32 `json:"everyDays,omitempty"`

	// overlapHours is for how long, in hours, the tokens before go on working after
	// another one has been handed over: as long as it takes to bring it to the identity
	// provider. 24 when omitted.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=2160
	OverlapHours *int32 `json:"overlapHours,omitempty"`
}

// DeliveryState is what has become of the hand-over Secret of a key.
// +kubebuilder:validation:Enum=Pending;Available;Acknowledged;Expired
type DeliveryState string

// Delivery states.
const (
	// DeliveryPending: the token has not been written yet.
	DeliveryPending DeliveryState = "Pending"
	// DeliveryAvailable: the token is in its Secret.
	DeliveryAvailable DeliveryState = "Available"
	// DeliveryAcknowledged: the Secret was deleted since its token had been copied.
	DeliveryAcknowledged DeliveryState = "Acknowledged"
	// DeliveryExpired: the Secret was deleted since its time was over.
	DeliveryExpired DeliveryState = "Expired"
)

// DeliveryStatus says what has become of the hand-over Secret of a key.
type DeliveryStatus struct {
	// state is what has become of the Secret.
	// +required
	State DeliveryState `json:"state,omitempty"`

	// transitionTime is since when that is so.
	// +optional
	TransitionTime metav1.Time `json:"transitionTime,omitzero"`

	// keyID is the key id of the token that this is about.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	KeyID string `json:"keyID,omitempty"`
}

// State returns the wanted state; Active when omitted.
func (k *ScimApiKey) State() APIKeyState { return orDefault(k.Spec.State, APIKeyActive) }

// DeliveredOnce reports whether the hand-over Secret is deleted once it has been read, or
// its time is over.
func (k *ScimApiKey) DeliveredOnce() bool { return k.Spec.Delivery.Mode == DeliveryOnce }

// DeliveryTTL returns for how long the hand-over Secret stays that is there once.
func (k *ScimApiKey) DeliveryTTL() time.Duration {
	if k.Spec.Delivery.TTLSeconds == 0 {
		return DefaultDeliveryTTL
	}
	return time.Duration(k.Spec.Delivery.TTLSeconds) * time.Second
}

// Overlap returns for how long the tokens before go on working after a rotation.
func (k *ScimApiKey) Overlap() time.Duration {
	if k.Spec.Rotation.OverlapHours == nil {
		return DefaultOverlap
	}
	return time.Duration(*k.Spec.Rotation.OverlapHours) * time.Hour
}
