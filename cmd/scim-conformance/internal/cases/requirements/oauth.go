package requirements

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// grant is the parameter by which a client asks in its own name.
var grant = []string{"grant_type", "client_credentials"}

func form(parameters ...string) string { return suite.Form(append(grant, parameters...)...) }

// getToken gets an access token.
func getToken(t *suite.T) string {
	return t.AskForToken(form(), suite.Basic(t.Suite.Client.ID, t.Suite.Client.Secret)...).AccessToken()
}

// works checks that a token lets the client in.
func works(t *suite.T, token string) {
	t.On(suite.Target{URL: t.Target.URL, Token: token}).Get("/ServiceProviderConfig").OK(http.StatusOK)
}

// oauthCases are about the client credentials grant of OAuth 2.0.
func oauthCases() []suite.Case {
	needs := suite.Needs(suite.OAuthClient)
	return append(tokenRequestCases(needs), []suite.Case{
		{Name: "a token lasts from 60 to 360 minutes", Source: "Entra ID", Needs: needs, Run: func(t *suite.T) {
			t.AskForToken(form(), suite.Basic(t.Suite.Client.ID, t.Suite.Client.Secret)...).Lasts()
		}},
		{Name: "neither tokens nor errors may be kept", Source: "RFC 6749 §5.1, §5.2", Needs: needs, Run: func(t *suite.T) {
			for _, secret := range []string{t.Suite.Client.Secret, t.Random()} {
				a := t.AskForToken(form(), suite.Basic(t.Suite.Client.ID, secret)...)
				a.Expect(strings.Contains(a.Header.Get("Cache-Control"), "no-store"), "the header Cache-Control: no-store")
			}
		}},
		{Name: "a token that was changed is refused like any other that is wrong", Source: "RFC 6750 §3.1", Needs: needs, Run: func(t *suite.T) {
			token := getToken(t)
			works(t, token)
			wrong := []string{token[:len(token)-8], token + "x", t.Random()}
			if parts := strings.Split(token, "."); len(parts) == 3 { // A JWT.
				unsigned := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + "."
				wrong = append(wrong, unsigned, unsigned+parts[2], parts[0]+"."+parts[1]+".", parts[0]+".e30."+parts[2])
			}
			var answers []*suite.Answer
			for _, token := range wrong {
				answers = append(answers, t.On(suite.Target{URL: t.Target.URL, Token: token}).Get("/ServiceProviderConfig").Refused(http.StatusUnauthorized))
			}
			suite.ExpectSame(answers, "token")
		}},
	}...)
}

// tokenRequestCases are about the requests of the token endpoint.
func tokenRequestCases(needs []*suite.Feature) []suite.Case {
	return []suite.Case{
		{Name: "a client that authenticates by Basic gets a token that works", Source: "RFC 6749 §2.3.1, §4.4", Needs: needs, Run: func(t *suite.T) {
			works(t, getToken(t))
		}},
		{Name: "a client that authenticates in the form gets a token that works", Source: "RFC 6749 §2.3.1, §4.4", Needs: needs, Run: func(t *suite.T) {
			works(t, t.AskForToken(form("client_id", t.Suite.Client.ID, "client_secret", t.Suite.Client.Secret)).AccessToken())
		}},
		{Name: "authenticating in two ways at once is invalid_request", Source: "RFC 6749 §2.3, §5.2", Needs: needs, Run: func(t *suite.T) {
			t.AskForToken(form("client_secret", t.Suite.Client.Secret), suite.Basic(t.Suite.Client.ID, t.Suite.Client.Secret)...).
				TokenRefused(http.StatusBadRequest, "invalid_request")
		}},
		{Name: "a secret and an assertion at once are invalid_request", Source: "RFC 6749 §2.3, Entra ID", Needs: needs, Run: func(t *suite.T) {
			t.AskForToken(form("client_id", t.Suite.Client.ID, "client_secret", t.Suite.Client.Secret, "client_assertion", "e30.e30.e30",
				"client_assertion_type", suite.AssertionType)).TokenRefused(http.StatusBadRequest, "invalid_request")
		}},
		{Name: "a wrong client is invalid_client, whatever is wrong with it", Source: "RFC 6749 §5.2", Needs: needs, Run: func(t *suite.T) {
			var answers []*suite.Answer
			for _, wrong := range [][]string{
				suite.Basic(t.Suite.Client.ID, t.Random()), suite.Basic(t.Random(), t.Suite.Client.Secret), suite.Basic(t.Random(), t.Random()),
				suite.Basic(t.Suite.Client.ID, t.Suite.Client.Secret[1:]), suite.Basic(t.Suite.Client.ID, t.Target.Token),
			} {
				a := t.AskForToken(form(), wrong...).TokenRefused(http.StatusUnauthorized, "invalid_client")
				a.Expect(strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Basic"), "the header WWW-Authenticate with Basic, by which the client came")
				answers = append(answers, a)
			}
			suite.ExpectSame(answers, "client")
		}},
		{Name: "another grant_type is unsupported_grant_type, and none is invalid_request", Source: "RFC 6749 §5.2", Needs: needs, Run: func(t *suite.T) {
			client := suite.Basic(t.Suite.Client.ID, t.Suite.Client.Secret)
			t.AskForToken(suite.Form("grant_type", t.Random()), client...).TokenRefused(http.StatusBadRequest, "unsupported_grant_type")
			t.AskForToken(suite.Form("scope", ""), client...).TokenRefused(http.StatusBadRequest, "invalid_request")
		}},
		{Name: "a parameter that is there twice is invalid_request", Source: "RFC 6749 §3.2", Needs: needs, Run: func(t *suite.T) {
			t.AskForToken(form(grant...), suite.Basic(t.Suite.Client.ID, t.Suite.Client.Secret)...).TokenRefused(http.StatusBadRequest, "invalid_request")
		}},
		{Name: "a parameter without a value or of another protocol means nothing", Source: "RFC 6749 §3.2", Needs: needs, Run: func(t *suite.T) {
			works(t, t.AskForToken(form("scope", "", t.Random(), "x"), suite.Basic(t.Suite.Client.ID, t.Suite.Client.Secret)...).AccessToken())
		}},
	}
}
