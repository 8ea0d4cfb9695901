package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// UserDeletion says what a SCIM DELETE of a user does.
// +kubebuilder:validation:Enum=Deactivate;Delete
type UserDeletion string

// User deletions.
const (
	// UserDeletionDeactivate keeps the ScimUser, inactive and marked as
	// deleted; SCIM answers 404 for it.
	UserDeletionDeactivate UserDeletion = "Deactivate"
	// UserDeletionDelete deletes the ScimUser.
	UserDeletionDelete UserDeletion = "Delete"
)

// UserRecreation says what a SCIM POST does when its userName is that of a
// user which was deleted and kept.
// +kubebuilder:validation:Enum=Reactivate;Conflict
type UserRecreation string

// User recreations.
const (
	// UserRecreationReactivate brings the kept user back, with its id.
	UserRecreationReactivate UserRecreation = "Reactivate"
	// UserRecreationConflict answers 409 uniqueness.
	UserRecreationConflict UserRecreation = "Conflict"
)

// UnknownMembers says what happens to group members whose id the tenant does not know.
// +kubebuilder:validation:Enum=Ignore;Reject
type UnknownMembers string

// Ways to treat unknown members.
const (
	// UnknownMembersIgnore leaves them out and does the rest of the request.
	UnknownMembersIgnore UnknownMembers = "Ignore"
	// UnknownMembersReject answers 400 invalidValue and changes nothing.
	UnknownMembersReject UnknownMembers = "Reject"
)

// UnknownRoles says what happens to roles and entitlements of users that no ScimRole of the tenant is for.
// +kubebuilder:validation:Enum=Accept;Reject
type UnknownRoles string

// Ways to treat unknown roles.
const (
	// UnknownRolesAccept keeps them as they are.
	UnknownRolesAccept UnknownRoles = "Accept"
	// UnknownRolesReject answers 400 invalidValue and changes nothing.
	UnknownRolesReject UnknownRoles = "Reject"
)

// UserPolicy holds a tenant's rules for users.
type UserPolicy struct {
	// requiredAttributes are attributes without which a user is refused, beside
	// userName: a request that leaves one unassigned gets 400 invalidValue,
	// except one that leaves an existing user inactive.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	RequiredAttributes []UserAttribute `json:"requiredAttributes,omitempty"`

	// onDelete says what a SCIM DELETE of a user does: Deactivate keeps the
	// ScimUser, inactive and marked as deleted, and SCIM answers 404 for it;
	// Delete deletes it. Deactivate when omitted.
	// +optional
	OnDelete UserDeletion `json:"onDelete,omitempty"`

	// onRecreate says what happens when a user is created whose userName is
	// that of a deleted user which was kept: Reactivate brings the old one back
	// with its id, Conflict answers 409. Reactivate when omitted.
	// +optional
	OnRecreate UserRecreation `json:"onRecreate,omitempty"`

	// retentionDays is how many days a user who was deleted and is kept stays,
	// counted from the deletion, before the ScimUser is removed for good; with 0,
	// it is removed soon after. Kept for ever when omitted.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3650
	RetentionDays *int32 `json:"retentionDays,omitempty"`

	// seats is how many active users the tenant may have, for example by its
	// licence. While all seats are taken, a request that would make one more user
	// active is answered 403, whether it creates, changes or brings back a user;
	// all else goes on. No limit when omitted.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	Seats int32 `json:"seats,omitempty"`

	// unknownRoles says what happens when a user is given a role or an entitlement that no ScimRole of
	// the tenant is for: Accept keeps it, Reject answers 400 and changes nothing. What a user has already
	// stays, and nothing keeps a user from being deactivated. Accept when omitted.
	// +optional
	UnknownRoles UnknownRoles `json:"unknownRoles,omitempty"`

	// deactivationGuard stops requests that would deactivate or delete very many users, or take them out of
	// groups, as after a mistake at the identity provider: they are answered 503, until somebody sets
	// allowUntil or the window has passed. It delays what is meant, too. Nothing is stopped when omitted.
	// +optional
	DeactivationGuard DeactivationGuard `json:"deactivationGuard,omitzero"`

	// labels are what the server puts on each ScimUser as labels, made of the user's attributes, in
	// the same write: letters without their marks, digits, '.', '_', and '-' for all else, in lower
	// case unless the attribute has regard to case, and at most 63 characters. A user without the attribute has no such label, and one
	// who is deleted has none. Users who are there already get theirs within minutes; the condition UsersSelectable
	// says how far that is.
	// +optional
	// +listType=map
	// +listMapKey=key
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Labels []UserLabel `json:"labels,omitempty"`
}

// DeactivationGuard says how many users may be deactivated, deleted or taken out of groups before somebody
// allows it.
type DeactivationGuard struct {
	// maxPercent is how many of the tenant's active users may be deactivated or deleted within the window, and
	// taken out of groups by one request, in per cent.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxPercent int32 `json:"maxPercent,omitempty"`

	// minUsers is how many users may be so in any case, whatever their share. 10 when omitted.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	MinUsers int32 `json:"minUsers,omitempty"`

	// windowSeconds is the time in which users count together who are deactivated or deleted. 3600, an hour, when
	// omitted.
	// +optional
	// +kubebuilder:validation:Minimum=60
	// +kubebuilder:validation:Maximum=86400
	WindowSeconds int32 `json:"windowSeconds,omitempty"`

	// allowUntil opens the guard until then, for at most 24 hours: what would be stopped is done. It counts no
	// more afterwards.
	// +optional
	AllowUntil metav1.Time `json:"allowUntil,omitzero"`
}

// UserLabel is a label of the ScimUsers of a tenant.
type UserLabel struct {
	// key is that of the label, for example team or example.com/team. It cannot be in a domain that
	// Kubernetes, Kubescim, Argo CD, Flux, Helm or Velero go by.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	// +kubebuilder:validation:XValidation:rule="!format.qualifiedName().validate(self).hasValue()",message="must be the name of a label, for example 'team' or 'example.com/team'"
	// +kubebuilder:validation:XValidation:rule="!self.matches('^([^/]*[.])?(kubernetes[.]io|k8s[.]io|kubescim[.]dev|argoproj[.]io|fluxcd[.]io|helm[.]sh|velero[.]io)/')",message="must not be in a domain that others go by: choose one without a domain, or in a domain of your own"
	Key string `json:"key,omitempty"`

	// attribute is the name of the attribute of which the label's value is made, as a filter names it: an attribute of
	// the core schema such as userType or name.familyName, or, with the URN of its schema, one of the enterprise extension
	// such as urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department, or of the tenant's own
	// schemaExtensions. It has one value, which is a string or a boolean.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=332
	// +kubebuilder:validation:XValidation:rule="self.startsWith('urn:') || self in ['userName', 'externalId', 'active', 'displayName', 'nickName', 'title', 'userType', 'preferredLanguage', 'locale', 'timezone', 'name.formatted', 'name.familyName', 'name.givenName', 'name.middleName', 'name.honorificPrefix', 'name.honorificSuffix']",message="must be an attribute with one value, such as 'userType', 'title' or 'name.familyName'; one of an extension has the URN before it, as in 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department'"
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('urn:ietf:params:scim:schemas:extension:enterprise:') || self in ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value']",message="must be one of the enterprise extension's attributes: employeeNumber, costCenter, organization, division, department or manager.value"
	Attribute string `json:"attribute,omitempty"`
}

// UserAttribute is the name of an attribute of a SCIM user that a tenant may
// require (RFC 7643 section 4.1).
// +kubebuilder:validation:Enum=externalId;displayName;name.givenName;name.familyName;name.formatted;emails;phoneNumbers;title;userType;preferredLanguage;locale;timezone
type UserAttribute string

// GroupPolicy holds a tenant's rules for groups.
type GroupPolicy struct {
	// unknownMembers says what happens to members whose id this tenant does not
	// know: Ignore leaves them out, Reject answers 400. When omitted, what the
	// identity provider copes with: Reject for Generic, Ignore for all others.
	// +optional
	UnknownMembers UnknownMembers `json:"unknownMembers,omitempty"`
}
