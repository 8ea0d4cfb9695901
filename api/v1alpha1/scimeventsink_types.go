package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// EventFormat is in which form a receiver gets events.
// +kubebuilder:validation:Enum=SecurityEventToken;CloudEvent
type EventFormat string

// Forms of events.
const (
	// EventFormatSET: a security event token (RFC 8417), pushed as RFC 8935 has it.
	EventFormatSET EventFormat = "SecurityEventToken"
	// EventFormatCloudEvent: a CloudEvent 1.0 in structured mode, whose signature is in a header.
	EventFormatCloudEvent EventFormat = "CloudEvent"
)

// EventContent is how much an event says of a user or group.
// +kubebuilder:validation:Enum=Notice;Full
type EventContent string

// How much events say.
const (
	// EventContentNotice: which user or group it is, and the names of its attributes.
	EventContentNotice EventContent = "Notice"
	// EventContentFull: all of it, as a client of SCIM reads it, without the groups of a user.
	EventContentFull EventContent = "Full"
)

// AdditionalEvent is an event that a receiver gets beside those of SCIM.
// +kubebuilder:validation:Enum=SessionRevoked
type AdditionalEvent string

// AdditionalEventSessionRevoked is that of CAEP, about each user who is inactive or deleted.
const AdditionalEventSessionRevoked AdditionalEvent = "SessionRevoked"

// ScimEventSinkSpec says who hears of changes of the users and groups of a tenant, and how.
type ScimEventSinkSpec struct {
	// tenantRef is the ScimTenant, in the same namespace, whose users and groups the events are about.
	// +required
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="`tenantRef` must not change, since the cursor of the sink counts the changes of this tenant. Create another ScimEventSink for the other tenant"
	TenantRef TenantReference `json:"tenantRef,omitzero"`

	// url is where events are sent to with POST, for example https://app.example.com/events. The
	// operator's configuration says which hosts there may be (allow.eventSinks).
	// +required
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() == 'https' && url(self).getHost() != '' && !self.contains('#') && !self.contains('@')",message="must be a URL that begins with 'https://' and has no user or fragment, for example 'https://app.example.com/events'"
	URL string `json:"url,omitempty"`

	// audience is what events name as whom they are for, in the claim `aud`. The url when omitted.
	// +optional
	Audience Audience `json:"audience,omitempty"`

	// format is in which form events are sent. SecurityEventToken when omitted.
	// +optional
	Format EventFormat `json:"format,omitempty"`

	// content is how much events say. Notice when omitted: which user or group has changed, and
	// nothing of what is in it. Full has personal data in it; a group of more than 1,000 members is
	// announced with Notice all the same.
	// +optional
	Content EventContent `json:"content,omitempty"`

	// additionalEvents are events that the receiver gets beside those of SCIM.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=1
	AdditionalEvents []AdditionalEvent `json:"additionalEvents,omitempty"`

	// caBundle are the certificates of the authorities, in PEM, by which the TLS of the
	// receiver is checked instead of by those that are public.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16384
	// +kubebuilder:validation:XValidation:rule="self.contains('-----BEGIN CERTIFICATE-----') && !self.contains('PRIVATE KEY')",message="must be certificates in PEM, each between '-----BEGIN CERTIFICATE-----' and '-----END CERTIFICATE-----', and no private key"
	CABundle string `json:"caBundle,omitempty"`
}

// EventCursor is how far a receiver has heard of the changes of each kind of object, as their
// resourceVersions count them. What is left out begins at the beginning.
// +kubebuilder:validation:MinProperties=1
type EventCursor struct {
	// users is the resourceVersion of the last ScimUser that was delivered.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Users int64 `json:"users,omitempty"`

	// groups is the resourceVersion of the last ScimGroup that was delivered.
	// +optional
	// +kubebuilder:validation:Minimum=1
	Groups int64 `json:"groups,omitempty"`

	// groupMembers is the resourceVersion of the last ScimGroupMembers whose group was delivered.
	// +optional
	// +kubebuilder:validation:Minimum=1
	GroupMembers int64 `json:"groupMembers,omitempty"`
}

// ScimEventSinkStatus says how far the receiver is. The SCIM server of the tenant writes it, and the operator where no
// server does.
type ScimEventSinkStatus struct {
	// conditions are Ready, and Reconciling or Stalled while one of them holds; and DeletionsComplete, once something was
	// delivered.
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

	// cursor is how far the receiver has heard. Who takes it away, or sets it back, has the events
	// since sent again.
	// +optional
	Cursor EventCursor `json:"cursor,omitzero"`

	// pending is how many users and groups the receiver had still to hear of when the status was written.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Pending *int32 `json:"pending,omitempty"`

	// lastDeliveryTime is when the receiver last accepted an event.
	// +optional
	LastDeliveryTime metav1.Time `json:"lastDeliveryTime,omitzero"`
}

// ScimEventSink is where somebody hears of each change of the users and groups of a tenant, by HTTP
// push, at least once and in order. What is owed is found in what the tenant's SCIM server has in memory, so
// that there is no queue.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ssink,categories=scim
// +kubebuilder:printcolumn:name="Tenant",type=string,JSONPath=`.spec.tenantRef.name`
// +kubebuilder:printcolumn:name="URL",type=string,JSONPath=`.spec.url`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Pending",type=integer,JSONPath=`.status.pending`
// +kubebuilder:printcolumn:name="Delivered",type=date,JSONPath=`.status.lastDeliveryTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:selectablefield:JSONPath=`.spec.tenantRef.name`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63",message="`metadata.name` must have at most 63 characters, for example 'app'"
type ScimEventSink struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec says who hears of changes, and how.
	// +required
	Spec ScimEventSinkSpec `json:"spec,omitzero"`

	// status says how far the receiver is.
	// +optional
	// +kubebuilder:default:={"observedGeneration":-1}
	Status ScimEventSinkStatus `json:"status,omitzero"`
}

// ScimEventSinkList is a list of ScimEventSinks.
//
// +kubebuilder:object:root=true
type ScimEventSinkList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []ScimEventSink `json:"items"`
}

// GetConditions returns the conditions of the sink.
func (s *ScimEventSink) GetConditions() []metav1.Condition { return s.Status.Conditions }

// SetConditions replaces the conditions of the sink.
func (s *ScimEventSink) SetConditions(conditions []metav1.Condition) {
	s.Status.Conditions = conditions
}

// Audience returns whom events are for: the URL when the spec does not say.
func (s *ScimEventSink) Audience() string {
	return string(orDefault(s.Spec.Audience, Audience(s.Spec.URL)))
}

// Format returns in which form events are sent: as tokens when the spec does not say.
func (s *ScimEventSink) Format() EventFormat { return orDefault(s.Spec.Format, EventFormatSET) }

// Content returns how much events say: Notice when the spec does not say.
func (s *ScimEventSink) Content() EventContent { return orDefault(s.Spec.Content, EventContentNotice) }

// RevokesSessions reports whether the receiver gets the event SessionRevoked of CAEP, too.
func (s *ScimEventSink) RevokesSessions() bool {
	for _, event := range s.Spec.AdditionalEvents {
		if event == AdditionalEventSessionRevoked {
			return true
		}
	}
	return false
}
