package v1alpha1

// TokenIssuer says who makes the token of a key.
// +kubebuilder:validation:Enum=Operator;Offline
type TokenIssuer string

// Issuers of tokens.
const (
	// TokenIssuerOperator: the operator makes the token, and writes it into a Secret.
	TokenIssuerOperator TokenIssuer = "Operator"
	// TokenIssuerOffline: somebody else makes the token, and applies its ScimCredential.
	TokenIssuerOffline TokenIssuer = "Offline"
)

// BearerToken says how the bearer token of a key comes about.
// +kubebuilder:validation:MinProperties=1
type BearerToken struct {
	// issuer is who makes the token. With Offline, the operator makes none, and the key
	// waits until a ScimCredential of it is applied, which `kubectl scim key generate`
	// makes. Operator when omitted.
	// +optional
	Issuer TokenIssuer `json:"issuer,omitempty"`
}

// OAuthClient says how the secret of an OAuth 2.0 client comes about.
type OAuthClient struct {
	// secretIssuer is who makes the client's secret. With Offline, the operator makes
	// none, and the key waits until a ScimCredential of it is applied, which
	// `kubectl scim key generate` makes. Operator when omitted.
	// +optional
	SecretIssuer TokenIssuer `json:"secretIssuer,omitempty"`
}

// Federation says which tokens of another issuer stand for the key (RFC 7523).
type Federation struct {
	// issuer is who makes the tokens: exactly what their claim `iss` says, for example
	// https://login.microsoftonline.com/<tenant id>/v2.0. Its keys are found by OpenID
	// Connect Discovery.
	// +required
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() == 'https' && url(self).getHost() != '' && !self.contains('?') && !self.contains('#') && !self.contains('@')",message="must be the URL of the issuer, which begins with 'https://' and has no user, query or fragment, for example 'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0'"
	Issuer string `json:"issuer,omitempty"`

	// audiences are what the claim `aud` of a token may be: one of its values must be
	// exactly one of these.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	Audiences []string `json:"audiences,omitempty"`

	// claims are what a token must say, name by name: the value must be exactly this
	// text. An issuer makes tokens for many, and `sub` says for whom.
	// +required
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="'sub' in self",message="must have `sub`, which says whose tokens are accepted: the issuer makes tokens for others too"
	Claims map[string]ClaimValue `json:"claims,omitempty"`
}

// ClaimValue is what a claim of a token must be.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=512
type ClaimValue string
