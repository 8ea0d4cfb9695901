package suite

import (
	"encoding/base64"
	"net/http"
	"net/url"
)

// Client is an OAuth client of the tenant under test, and where it gets access tokens, as any
// other client does.
type Client struct{ TokenURL, ID, Secret string }

// Form is the parameters of a request for an access token, given as names and values.
func Form(parameters ...string) string {
	values := url.Values{}
	for i := 0; i+1 < len(parameters); i += 2 {
		values.Add(parameters[i], parameters[i+1])
	}
	return values.Encode()
}

// Basic is the header by which a client authenticates (RFC 6749 section 2.3.1).
func Basic(id, secret string) []string {
	pair := url.QueryEscape(id) + ":" + url.QueryEscape(secret)
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}
}

// AskForToken sends a form to the token endpoint.
func (t *T) AskForToken(form string, headers ...string) *Answer {
	at := t.On(Target{URL: t.Suite.Client.TokenURL})
	return at.Do(http.MethodPost, "", form, append([]string{"Content-Type", "application/x-www-form-urlencoded", "Accept", MediaJSON}, headers...)...)
}

// AccessToken checks that an answer gives an access token (RFC 6749 section 5.1), and returns
// it.
func (a *Answer) AccessToken() string {
	token, _ := a.Doc["access_token"].(string)
	kind, _ := a.Doc["token_type"].(string)
	a.Expect(a.Status == http.StatusOK && token != "" && http.CanonicalHeaderKey(kind) == "Bearer",
		"status 200 with an `access_token` of the `token_type` Bearer (RFC 6749 section 5.1)")
	return token
}

// Lasts checks that the access token of an answer lasts as long as Entra ID wants: from 60 to
// 360 minutes.
func (a *Answer) Lasts() {
	a.AccessToken()
	seconds, _ := a.Doc["expires_in"].(float64)
	a.Expect(seconds >= 3600 && seconds <= 6*3600, "`expires_in` from 3600 to 21600")
}

// ExpectSame checks that answers are the same but for their request ids.
func ExpectSame(answers []*Answer, to string) {
	for _, a := range answers {
		a.Expect(a.Anonymous() == answers[0].Anonymous(), "the same answer to every wrong %s", to)
	}
}

// TokenRefused checks that an answer is an error of a token endpoint (RFC 6749 section 5.2).
func (a *Answer) TokenRefused(status int, code string) *Answer {
	_, hasToken := a.Doc["access_token"]
	return a.Expect(a.Status == status && a.Doc["error"] == code && !hasToken, "status %d with the `error` %s (RFC 6749 section 5.2)", status, code)
}
