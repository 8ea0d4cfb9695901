package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Federation says which tokens of another issuer stand for the key (RFC 7523 section 2.2).
// It is a union: of any issuer, of Entra ID, or of the cluster itself.
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="[has(self.issuer), has(self.entra), has(self.serviceAccount)].filter(member, member).size() == 1",message="must have one of `issuer`, `entra` and `serviceAccount`: keep the one that makes the tokens, and create a ScimApiKey for each other"
// +kubebuilder:validation:XValidation:rule="!has(self.issuer) || (has(self.audiences) && has(self.claims))",message="`issuer` needs `audiences` and `claims`, which say for whom and about whom its tokens are: it makes tokens for others too"
// +kubebuilder:validation:XValidation:rule="has(self.issuer) || (!has(self.audiences) && !has(self.claims) && !has(self.caBundle))",message="`audiences`, `claims` and `caBundle` are for an `issuer`: put the audiences into `entra` or `serviceAccount`, and take out the others"
// +kubebuilder:validation:XValidation:rule="has(self.issuer) == has(oldSelf.issuer) && has(self.entra) == has(oldSelf.entra) && has(self.serviceAccount) == has(oldSelf.serviceAccount)",message="who makes the tokens must not change: create another ScimApiKey for the other issuer"
type Federation struct {
	// issuer is who makes the tokens: exactly what their claim `iss` says, for example
	// https://idp.example.com/realms/acme. Its keys are found by OpenID Connect Discovery.
	// The operator's configuration says of which hosts there may be issuers.
	// +optional
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() == 'https' && url(self).getHost() != '' && !self.contains('?') && !self.contains('#') && !self.contains('@')",message="must be the URL of the issuer, which begins with 'https://' and has no user, query or fragment, for example 'https://idp.example.com/realms/acme'"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="`issuer` must not change. Create another ScimApiKey for the other issuer"
	Issuer string `json:"issuer,omitempty"`

	// audiences are what the claim `aud` of a token of the issuer may be: one of its values
	// must be exactly one of these.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Audiences []Audience `json:"audiences,omitempty"`

	// claims are what a token of the issuer must say, name by name: the value must be
	// exactly this text. An issuer makes tokens for many, and `sub` says for whom.
	// +optional
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="'sub' in self",message="must have `sub`, which says whose tokens are accepted: the issuer makes tokens for others too"
	// +kubebuilder:validation:XValidation:rule="['iss', 'aud', 'exp', 'nbf', 'iat'].all(name, !(name in self))",message="must not have `iss`, `aud`, `exp`, `nbf` or `iat`, which are checked anyway: `issuer` and `audiences` say what the first two must be"
	Claims map[string]ClaimValue `json:"claims,omitempty"`

	// caBundle are the certificates of the authorities, in PEM, by which the TLS of the
	// issuer is checked instead of by those that are public.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16384
	// +kubebuilder:validation:XValidation:rule="self.contains('-----BEGIN CERTIFICATE-----') && !self.contains('PRIVATE KEY')",message="must be certificates in PEM, each between '-----BEGIN CERTIFICATE-----' and '-----END CERTIFICATE-----', and no private key"
	CABundle string `json:"caBundle,omitempty"`

	// entra accepts the tokens of Microsoft Entra ID for one service principal: workload
	// identity federation.
	// +optional
	Entra EntraFederation `json:"entra,omitzero"`

	// serviceAccount accepts tokens that the cluster has made for one ServiceAccount. Such
	// a key may read, unless `access` says ReadWrite.
	// +optional
	ServiceAccount ServiceAccountFederation `json:"serviceAccount,omitzero"`
}

// EntraFederation says which tokens of Microsoft Entra ID stand for the key.
// +kubebuilder:validation:XValidation:rule="self.tenantID == oldSelf.tenantID && self.objectID == oldSelf.objectID",message="`tenantID` and `objectID` must not change. Create another ScimApiKey for the other service principal"
type EntraFederation struct {
	// tenantID is the id of the Entra tenant (directory), which makes the tokens.
	// +required
	// +kubebuilder:validation:MinLength=36
	// +kubebuilder:validation:MaxLength=36
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')",message="must be the directory (tenant) id of Entra in lower case, for example '11111111-2222-3333-4444-555555555555'"
	TenantID string `json:"tenantID,omitempty"`

	// objectID is the object id of the service principal (enterprise application) that the
	// tokens are about: their claim `sub`.
	// +required
	// +kubebuilder:validation:MinLength=36
	// +kubebuilder:validation:MaxLength=36
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')",message="must be the object id of the enterprise application in Entra in lower case, for example '11111111-2222-3333-4444-555555555555'"
	ObjectID string `json:"objectID,omitempty"`

	// audiences are what the claim `aud` of a token may be, exactly. Entra writes it in
	// several ways, for example api://<application id>/.default: list all that may come.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Audiences []Audience `json:"audiences,omitempty"`
}

// ServiceAccountFederation says which tokens of the cluster stand for the key.
// +kubebuilder:validation:XValidation:rule="self.name == oldSelf.name && has(self.__namespace__) == has(oldSelf.__namespace__) && (!has(self.__namespace__) || self.__namespace__ == oldSelf.__namespace__)",message="`name` and `namespace` must not change. Create another ScimApiKey for the other ServiceAccount"
type ServiceAccountFederation struct {
	// name is that of the ServiceAccount.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of a ServiceAccount: lower-case letters, digits, '-' and '.', for example 'acme-app'"
	Name string `json:"name,omitempty"`

	// namespace is that of the ServiceAccount. The key's own when omitted.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Label().validate(self).hasValue()",message="must be the name of a namespace: lower-case letters, digits and '-', for example 'acme-app'"
	Namespace string `json:"namespace,omitempty"`

	// audiences are what the claim `aud` of a token may be, exactly. The base URL of the
	// ScimTenant when omitted.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Audiences []Audience `json:"audiences,omitempty"`
}

// Audience is what the claim `aud` of a token may be.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=512
type Audience string

// ClaimValue is what a claim of a token must be.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=512
type ClaimValue string

// FederationStatus says how a federated key is used.
type FederationStatus struct {
	// clientID is what a request for an access token may have as client_id.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	ClientID string `json:"clientID,omitempty"`

	// tokenURL is where tokens of the issuer are exchanged for access tokens: the token
	// endpoint of the ScimTenant.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=2048
	TokenURL string `json:"tokenURL,omitempty"`

	// audiences are what the claim `aud` of a token may be: those of the spec, or what
	// they are when omitted.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Audiences []Audience `json:"audiences,omitempty"`

	// lastUsedTime is the hour in which the key was used last, as it is now, if it ever
	// was. It is behind by some minutes.
	// +optional
	LastUsedTime metav1.Time `json:"lastUsedTime,omitzero"`
}

// IsFederated reports whether tokens of another issuer stand for the key.
func (k *ScimApiKey) IsFederated() bool {
	federated := k.Spec.Federated
	return federated.Issuer != "" || federated.Entra.TenantID != "" || federated.ServiceAccount.Name != ""
}

// Access returns what the key may do: to read and write when omitted, but to read alone for
// a ServiceAccount.
func (k *ScimApiKey) Access() APIKeyAccess {
	if k.Spec.Federated.ServiceAccount.Name != "" {
		return orDefault(k.Spec.Access, APIKeyReadOnly)
	}
	return orDefault(k.Spec.Access, APIKeyReadWrite)
}
