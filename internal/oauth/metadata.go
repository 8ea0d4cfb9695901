package oauth

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/kubescim/kubescim/internal/federation"
)

const (
	// TokenPath is that of the token endpoint, below the base URL of a tenant, so that it
	// is wherever the tenant is.
	TokenPath = "/oauth2/token" //nolint:gosec // A path, not a credential.
	// KeysPath is that of the keys which the tenant's server signs with, in the same way.
	KeysPath = "/oauth2/keys"
	// ServerMetadataPath begins the path of a tenant's document about the token endpoint.
	// The base path of the tenant follows (RFC 8414 section 3.1): it is not below its base
	// URL.
	ServerMetadataPath = "/.well-known/oauth-authorization-server"
	// ResourceMetadataPath begins in the same way the path of its document about what the
	// access tokens are for (RFC 9728 section 3.1).
	ResourceMetadataPath = "/.well-known/oauth-protected-resource"
)

// serverMetadata is RFC 8414 section 2.
type serverMetadata struct {
	Issuer        string `json:"issuer"`
	TokenEndpoint string `json:"token_endpoint"`
	// KeysURL is for who reads security event tokens. Nobody but the tenant's own servers has to read an
	// access token.
	KeysURL string `json:"jwks_uri"`
	// ResponseTypes is empty, for want of an authorization endpoint, and there, since it
	// is required and clients refuse a document without.
	ResponseTypes         []string `json:"response_types_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
	AuthenticationMethods []string `json:"token_endpoint_auth_methods_supported"`
	// AssertionAlgorithms are those that an assertion may be signed with.
	AssertionAlgorithms []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	Scopes              []string `json:"scopes_supported"`
}

// resourceMetadata is RFC 9728 section 2.
type resourceMetadata struct {
	Resource      string   `json:"resource"`
	Servers       []string `json:"authorization_servers"`
	BearerMethods []string `json:"bearer_methods_supported"`
	Scopes        []string `json:"scopes_supported"`
}

// ServerMetadata returns the document about the token endpoint of the tenant with the base
// URL (RFC 8414 section 3.2).
func ServerMetadata(baseURL string) []byte {
	return encoded(serverMetadata{
		Issuer: baseURL, TokenEndpoint: TokenURL(baseURL), KeysURL: baseURL + KeysPath,
		ResponseTypes:         []string{},
		GrantTypes:            []string{grantType},
		AuthenticationMethods: []string{"client_secret_basic", "client_secret_post", "private_key_jwt"},
		AssertionAlgorithms:   federation.Algorithms(),
		Scopes:                []string{Scope},
	})
}

// ResourceMetadata returns the document about the SCIM API of the tenant with the base URL
// (RFC 9728 section 3.2).
func ResourceMetadata(baseURL string) []byte {
	return encoded(resourceMetadata{
		Resource: baseURL, Servers: []string{baseURL}, BearerMethods: []string{"header"}, Scopes: []string{Scope},
	})
}

// ResourceMetadataURL returns the URL of the document about the SCIM API with the base URL,
// which ends in the path.
func ResourceMetadataURL(baseURL, path string) string {
	return strings.TrimSuffix(baseURL, path) + ResourceMetadataPath + path
}

// TokenResponse returns the answer that gives an access token to its client (RFC 6749
// section 5.1).
func TokenResponse(token string, lasts time.Duration) []byte {
	return encoded(struct {
		Token     string `json:"access_token"`
		Type      string `json:"token_type"`
		ExpiresIn int64  `json:"expires_in"`
		Scope     string `json:"scope"`
	}{token, "Bearer", int64(lasts.Seconds()), Scope})
}

// TokenURL returns the URL of the token endpoint of the tenant with the base URL; empty while
// the tenant has none.
func TokenURL(baseURL string) string {
	if baseURL == "" {
		return ""
	}
	return baseURL + TokenPath
}

// encoded returns a document of strings and numbers, which can always be marshalled.
func encoded(document any) []byte {
	body, _ := json.Marshal(document)
	return body
}
