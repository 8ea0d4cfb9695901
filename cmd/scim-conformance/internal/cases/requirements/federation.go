package requirements

import (
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// federationCases are about tokens of another issuer, which are exchanged for access tokens.
func federationCases() []suite.Case {
	needs := suite.Needs(suite.FederatedClient)
	return []suite.Case{
		{Name: "an assertion is exchanged for a token that works", Source: "RFC 7523 §2.2", Needs: needs, Run: func(t *suite.T) {
			works(t, t.AskForToken(suite.AssertionForm(t.Suite.Federated.Assertion, "client_id", t.Suite.Federated.ID)).AccessToken())
		}},
		{Name: "client_id may be left out beside an assertion", Source: "RFC 7521 §4.2", Needs: needs, Run: func(t *suite.T) {
			works(t, t.AskForToken(suite.AssertionForm(t.Suite.Federated.Assertion)).AccessToken())
		}},
		{Name: "a token for an assertion lasts from 60 to 360 minutes", Source: "Entra ID", Needs: needs, Run: func(t *suite.T) {
			t.AskForToken(suite.AssertionForm(t.Suite.Federated.Assertion, "client_id", t.Suite.Federated.ID)).Lasts()
		}},
		{Name: "an assertion beside a secret is invalid_request", Source: "RFC 6749 §2.3, Entra ID", Needs: needs, Run: func(t *suite.T) {
			id, assertion := t.Suite.Federated.ID, t.Suite.Federated.Assertion
			t.AskForToken(suite.AssertionForm(assertion, "client_id", id, "client_secret", t.Random())).TokenRefused(http.StatusBadRequest, "invalid_request")
			t.AskForToken(suite.AssertionForm(assertion), suite.Basic(id, t.Random())...).TokenRefused(http.StatusBadRequest, "invalid_request")
		}},
		{Name: "an assertion without its type is invalid_request", Source: "RFC 7521 §4.2", Needs: needs, Run: func(t *suite.T) {
			t.AskForToken(form("client_id", t.Suite.Federated.ID, "client_assertion", t.Suite.Federated.Assertion)).
				TokenRefused(http.StatusBadRequest, "invalid_request")
		}},
		{Name: "an assertion is no access token", Source: "RFC 7523 §2.2, RFC 6750 §3.1", Needs: needs, Run: func(t *suite.T) {
			t.On(suite.Target{URL: t.Target.URL, Token: t.Suite.Federated.Assertion}).Get("/ServiceProviderConfig").Refused(http.StatusUnauthorized)
		}},
		{Name: "a wrong assertion is invalid_client, whatever is wrong with it", Source: "RFC 7521 §4.2.1, RFC 7523 §3", Needs: needs, Run: func(t *suite.T) {
			var answers []*suite.Answer
			for _, wrong := range wrongAssertions(t) {
				answers = append(answers, t.AskForToken(wrong).TokenRefused(http.StatusUnauthorized, "invalid_client"))
			}
			suite.ExpectSame(answers, "assertion")
		}},
	}
}

// wrongAssertions are requests with assertions that stand for nobody.
func wrongAssertions(t *suite.T) (forms []string) {
	id, good := t.Suite.Federated.ID, t.Suite.Federated.Assertion
	wrong := append([]string{t.Random(), good[:len(good)-8], good + "x"}, t.Suite.Federated.Refused...)
	if parts := strings.Split(good, "."); len(parts) == 3 {
		const unsigned = "eyJhbGciOiJub25lIn0" // {"alg":"none"}
		wrong = append(wrong, parts[0]+"."+parts[1]+".", unsigned+"."+parts[1]+".", unsigned+"."+parts[1]+"."+parts[2], parts[0]+".e30."+parts[2])
	}
	for _, assertion := range wrong {
		forms = append(forms, suite.AssertionForm(assertion, "client_id", id), suite.AssertionForm(assertion))
	}
	return append(forms, suite.AssertionForm(good, "client_id", t.Random()))
}
