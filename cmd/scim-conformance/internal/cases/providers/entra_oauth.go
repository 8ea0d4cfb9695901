package providers

import (
	"net/http"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// entraCredentials are what Entra ID does when an administrator tests a connection: it gets a
// token, by a client secret or by the assertion of a workload identity, and looks for a user
// who is not there.
func entraCredentials() []suite.Case {
	return []suite.Case{
		{Name: "Validate_Credentials with a client secret", Source: "Entra ID, Test connection", Needs: suite.Needs(suite.OAuthClient, suite.FilterFeature), Run: func(t *suite.T) {
			client := t.Suite.Client
			for _, secret := range []string{client.Secret, t.Random()} {
				form := suite.Form("grant_type", "client_credentials", "client_id", client.ID, "client_secret", secret)
				if secret == client.Secret {
					findsNobody(t, t.AskForToken(form).AccessToken())
				} else {
					t.AskForToken(form).TokenRefused(http.StatusUnauthorized, "invalid_client")
				}
			}
		}},
		{Name: "Validate_Credentials with a token that is wrong", Source: "Entra ID, Test connection", Run: func(t *suite.T) {
			t.On(suite.Target{URL: t.Target.URL, Token: t.Random()}).Get("/Users").Refused(http.StatusUnauthorized)
		}},
		{Name: "Federated_Identity with an assertion", Source: "Entra ID, workload identity federation", Needs: suite.Needs(suite.FederatedClient, suite.FilterFeature), Run: func(t *suite.T) {
			federated := t.Suite.Federated
			findsNobody(t, t.AskForToken(suite.AssertionForm(federated.Assertion, "client_id", federated.ID)).AccessToken())
		}},
	}
}

// findsNobody looks with a token for a user who is not there.
func findsNobody(t *suite.T, token string) {
	t.On(suite.Target{URL: t.Target.URL, Token: token}).Filter("/Users", `userName eq "`+t.Random()+`"`).Lists()
}
