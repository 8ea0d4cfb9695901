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
