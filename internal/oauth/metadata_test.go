package oauth

import (
	"testing"
	"time"
)

func TestDocuments(t *testing.T) {
	for name, tc := range map[string]struct{ got, want string }{
		"RFC 8414": {string(ServerMetadata(issuer)), `{"issuer":"https://scim.example.com/scim/v2",` +
			`"token_endpoint":"https://scim.example.com/scim/v2/oauth2/token","jwks_uri":"https://scim.example.com/scim/v2/oauth2/keys","response_types_supported":[],` +
			`"grant_types_supported":["client_credentials"],` +
			`"token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","private_key_jwt"],` +
			`"token_endpoint_auth_signing_alg_values_supported":["RS256","RS384","RS512","PS256","PS384","PS512","ES256","ES384","ES512","EdDSA"],` +
			`"scopes_supported":["scim"]}`},
		"RFC 9728": {string(ResourceMetadata(issuer)), `{"resource":"https://scim.example.com/scim/v2",` +
			`"authorization_servers":["https://scim.example.com/scim/v2"],"bearer_methods_supported":["header"],"scopes_supported":["scim"]}`},
		"RFC 6749": {string(TokenResponse("a.b.c", time.Hour)),
			`{"access_token":"a.b.c","token_type":"Bearer","expires_in":3600,"scope":"scim"}`},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: the document is %s", name, tc.got)
		}
	}
}

func TestErrorsOfTheServer(t *testing.T) {
	for _, err := range []*Error{NotReady(), TooManyRequests()} {
		if err.Code != TemporarilyUnavailable || (err.Status != 503 && err.Status != 429) || err.Error() == "" {
			t.Errorf("%v is answered %d", err, err.Status)
		}
	}
}
