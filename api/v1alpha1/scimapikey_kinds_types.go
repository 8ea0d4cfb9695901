package v1alpha1

// APIKeyType says what a key is.
// +kubebuilder:validation:Enum=BearerToken;OAuthClient;Federated
type APIKeyType string

// Types of keys.
const (
	// APIKeyBearerToken: a bearer token, which lasts.
	APIKeyBearerToken APIKeyType = "BearerToken"
	// APIKeyOAuthClient: an OAuth client, which gets access tokens for its secret.
	APIKeyOAuthClient APIKeyType = "OAuthClient"
	// APIKeyFederated: one without any secret, for which tokens of another issuer stand.
	APIKeyFederated APIKeyType = "Federated"
)

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
