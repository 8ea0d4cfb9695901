package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// ScimUserSpec is a SCIM User: the core schema (RFC 7643 section 4.1), the
// enterprise extension (section 4.3) and what Kubescim keeps about it. Field
// names are the RFC's. password is never here, and groups is derived from the
// ScimGroups.
// +structType=atomic
// +kubebuilder:validation:XValidation:rule="self.tenantRef == oldSelf.tenantRef",message="`tenantRef` must not change: a user belongs to one tenant"
type ScimUserSpec struct {
	// tenantRef is the tenant that the user belongs to.
	// +required
	TenantRef TenantReference `json:"tenantRef,omitzero"`

	// userName is what the user signs in with; unique in the tenant whatever
	// its case.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	UserName string `json:"userName,omitempty"`

	// externalId is the identity provider's own id of the user.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	ExternalID string `json:"externalId,omitempty"`

	// active says whether the user may use the application.
	// +optional
	// +kubebuilder:default=true
	Active *bool `json:"active,omitempty"`

	// displayName is the name to show for the user.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	DisplayName *string `json:"displayName,omitempty"`

	// name has the parts of the user's name.
	// +optional
	Name *UserName `json:"name,omitempty"`

	// nickName is what the user is called casually.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	NickName *string `json:"nickName,omitempty"`

	// profileUrl is a page about the user.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	ProfileURL *string `json:"profileUrl,omitempty"`

	// title is the user's job title.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Title *string `json:"title,omitempty"`

	// userType is the relation to the organisation, for example Employee.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	UserType *string `json:"userType,omitempty"`

	// preferredLanguage is a list of languages as in HTTP's Accept-Language.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	PreferredLanguage *string `json:"preferredLanguage,omitempty"`

	// locale is a language tag such as en-US.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Locale *string `json:"locale,omitempty"`

	// timezone is a name of the IANA database such as Europe/Paris.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Timezone *string `json:"timezone,omitempty"`

	// emails are the user's e-mail addresses.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Emails []MultiValue `json:"emails,omitempty"`

	// phoneNumbers are the user's phone numbers.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	PhoneNumbers []MultiValue `json:"phoneNumbers,omitempty"`

	// ims are the user's instant messaging addresses.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	IMs []MultiValue `json:"ims,omitempty"`

	// photos are links to pictures of the user.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Photos []MultiValue `json:"photos,omitempty"`

	// addresses are the user's postal addresses.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Addresses []Address `json:"addresses,omitempty"`

	// entitlements are things that the user is entitled to.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Entitlements []MultiValue `json:"entitlements,omitempty"`

	// roles are the user's roles as the identity provider sees them.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=100
	Roles []MultiValue `json:"roles,omitempty"`

	// x509Certificates are the user's certificates, DER in base64.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	X509Certificates []Certificate `json:"x509Certificates,omitempty"`

	// enterprise is the extension
	// urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.
	// +optional
	Enterprise *EnterpriseUser `json:"enterprise,omitempty"`

	// extensions are the attributes of the tenant's own schema extensions.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Extensions []ExtensionData `json:"extensions,omitempty"`

	// lookup has what field selectors find the user by, whatever the case: the server makes it of the
	// attributes. A user who was deleted and is kept has none.
	// +optional
	Lookup UserLookup `json:"lookup,omitzero"`

	// meta says when the user was written and by whom.
	// +required
	Meta ResourceMeta `json:"meta,omitzero"`
}

// UserLookup has what field selectors find a user by. The values are folded as those are that SCIM
// compares without regard to case: of ASCII, in lower case. One that would be longer than 1024
// characters is left out.
//
// +structType=atomic
// +kubebuilder:validation:MinProperties=1
type UserLookup struct {
	// userName is the user's userName.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	UserName string `json:"userName,omitempty"`

	// email is the user's primary e-mail address, or the first one of a user who has no primary one.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Email string `json:"email,omitempty"`
}

// ExtensionData has the attributes of one of the tenant's schema extensions.
//
// +structType=atomic
type ExtensionData struct {
	// schema is the URN of the extension.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	Schema string `json:"schema,omitempty"`

	// attributes are as the extension in the ScimTenant's schemaExtensions
	// defines them.
	// +required
	// +kubebuilder:pruning:PreserveUnknownFields
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	Attributes runtime.RawExtension `json:"attributes,omitzero"`
}

// UserName has the parts of a user's name.
//
// +structType=atomic
type UserName struct {
	// formatted is the full name as it is shown.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Formatted *string `json:"formatted,omitempty"`

	// familyName is the last name.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	FamilyName *string `json:"familyName,omitempty"`

	// givenName is the first name.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	GivenName *string `json:"givenName,omitempty"`

	// middleName is the middle name.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	MiddleName *string `json:"middleName,omitempty"`

	// honorificPrefix is what stands before the name, for example Dr.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	HonorificPrefix *string `json:"honorificPrefix,omitempty"`

	// honorificSuffix is what stands after the name, for example III.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	HonorificSuffix *string `json:"honorificSuffix,omitempty"`
}

// MultiValue is one value of a multi-valued attribute (RFC 7643 section 2.4).
//
// +structType=atomic
type MultiValue struct {
	// value is the value itself, for example the e-mail address.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Value *string `json:"value,omitempty"`

	// display is the value as it is shown.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Display *string `json:"display,omitempty"`

	// type is what the value is for, for example work.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Type *string `json:"type,omitempty"`

	// primary is true on the preferred value; on one at most.
	// +optional
	Primary *bool `json:"primary,omitempty"`
}

// Certificate is one X.509 certificate of a user.
//
// +structType=atomic
type Certificate struct {
	// value is the certificate, DER in base64.
	// +optional
	// +kubebuilder:validation:MaxLength=16384
	Value *string `json:"value,omitempty"`

	// display is the certificate's name as it is shown.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Display *string `json:"display,omitempty"`

	// type is what the certificate is for.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Type *string `json:"type,omitempty"`

	// primary is true on the preferred certificate; on one at most.
	// +optional
	Primary *bool `json:"primary,omitempty"`
}

// Address is one postal address of a user.
//
// +structType=atomic
type Address struct {
	// formatted is the whole address as it is shown.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Formatted *string `json:"formatted,omitempty"`

	// streetAddress is the street and house, in one or more lines.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	StreetAddress *string `json:"streetAddress,omitempty"`

	// locality is the city.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Locality *string `json:"locality,omitempty"`

	// region is the state or region.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Region *string `json:"region,omitempty"`

	// postalCode is the postal code.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	PostalCode *string `json:"postalCode,omitempty"`

	// country is the country, as a two-letter code of ISO 3166-1 where the
	// identity provider keeps to the RFC.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Country *string `json:"country,omitempty"`

	// type is what the address is for, for example work.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	Type *string `json:"type,omitempty"`

	// primary is true on the preferred address; on one at most.
	// +optional
	Primary *bool `json:"primary,omitempty"`
}

// EnterpriseUser is the enterprise extension (RFC 7643 section 4.3).
//
// +structType=atomic
type EnterpriseUser struct {
	// employeeNumber is the number or code that the organisation gave the user.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	EmployeeNumber *string `json:"employeeNumber,omitempty"`

	// costCenter is the name of a cost centre.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	CostCenter *string `json:"costCenter,omitempty"`

	// organization is the name of an organisation.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Organization *string `json:"organization,omitempty"`

	// division is the name of a division.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Division *string `json:"division,omitempty"`

	// department is the name of a department.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Department *string `json:"department,omitempty"`

	// manager is the user's manager.
	// +optional
	Manager *Manager `json:"manager,omitempty"`
}

// Manager refers to a user's manager.
//
// +structType=atomic
type Manager struct {
	// value is the SCIM id of the manager; identity providers also send ids of
	// their own here.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Value *string `json:"value,omitempty"`

	// ref is the URI of the manager's user, when the identity provider sent one.
	// +optional
	// +kubebuilder:validation:MaxLength=4096
	Ref *string `json:"ref,omitempty"`

	// displayName is the manager's name.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	DisplayName *string `json:"displayName,omitempty"`
}

// ScimUser is one user of a tenant, as its identity provider wrote it. Its name
// is its SCIM id. The SCIM server writes it; read it, and write nothing.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=suser
// +kubebuilder:printcolumn:name="UserName",type=string,JSONPath=`.spec.userName`
// +kubebuilder:printcolumn:name="Active",type=boolean,JSONPath=`.spec.active`
// +kubebuilder:printcolumn:name="Deleted",type=date,JSONPath=`.spec.meta.deletedTime`
// +kubebuilder:printcolumn:name="Tenant",type=string,JSONPath=`.spec.tenantRef.name`
// +kubebuilder:printcolumn:name="Modified",type=date,JSONPath=`.spec.meta.lastModifiedTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Display Name",type=string,priority=1,JSONPath=`.spec.displayName`
// +kubebuilder:printcolumn:name="External ID",type=string,priority=1,JSONPath=`.spec.externalId`
// +kubebuilder:printcolumn:name="Key",type=string,priority=1,JSONPath=`.spec.meta.keyID`
// +kubebuilder:selectablefield:JSONPath=`.spec.tenantRef.name`
// +kubebuilder:selectablefield:JSONPath=`.spec.userName`
// +kubebuilder:selectablefield:JSONPath=`.spec.externalId`
// +kubebuilder:selectablefield:JSONPath=`.spec.active`
// +kubebuilder:selectablefield:JSONPath=`.spec.lookup.userName`
// +kubebuilder:selectablefield:JSONPath=`.spec.lookup.email`
type ScimUser struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata; its name is the SCIM id.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is the user.
	// +required
	Spec ScimUserSpec `json:"spec,omitzero"`
}

// MainEmail returns the e-mail address that is primary, or else the first; empty when there is none.
func (u *ScimUser) MainEmail() string {
	first := ""
	for _, email := range u.Spec.Emails {
		if email.Value == nil || *email.Value == "" {
			continue
		}
		if email.Primary != nil && *email.Primary {
			return *email.Value
		}
		if first == "" {
			first = *email.Value
		}
	}
	return first
}

// ScimUserList is a list of ScimUsers.
//
// +kubebuilder:object:root=true
type ScimUserList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`

	Items []ScimUser `json:"items"`
}
