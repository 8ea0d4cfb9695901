package scimtest

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// TokenAnswer is an answer of a token endpoint (RFC 6749 sections 5.1 and 5.2).
type TokenAnswer struct {
	Token     string `json:"access_token"`
	Type      string `json:"token_type"`
	ExpiresIn int    `json:"expires_in"`
	Scope     string `json:"scope"`
	Error     string `json:"error"`
}

// AskForToken asks a server for an access token with a client id and a client secret.
func AskForToken(c *Client, id, secret string) (status int, answer TokenAnswer) {
	GinkgoHelper()
	r := c.With("Content-Type", "application/x-www-form-urlencoded").
		With("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(id+":"+secret))).
		Do(http.MethodPost, "/oauth2/token", "grant_type=client_credentials")
	Expect(r.Header.Get("Content-Type")).To(Equal("application/json"), r.String())
	Expect(r.Header.Get("Cache-Control")).To(Equal("no-store"), r.String())
	Expect(json.Unmarshal(r.Body, &answer)).To(Succeed(), r.String())
	return r.Status, answer
}

// AccessToken gets an access token.
func AccessToken(c *Client, id, secret string) string {
	GinkgoHelper()
	status, answer := AskForToken(c, id, secret)
	Expect(status).To(Equal(http.StatusOK), "%s", answer.Error)
	Expect(answer).To(And(HaveField("Type", "Bearer"), HaveField("ExpiresIn", 3600), HaveField("Scope", "scim")))
	return answer.Token
}

// CredentialOf is the name of the ScimCredential of a token.
func CredentialOf(token string) string { return strings.Split(token, "_")[1] }

// HasPassed reports whether a time in an object has passed.
func HasPassed(text any) bool {
	written, _ := text.(string)
	at, err := time.Parse(time.RFC3339, written)
	return err == nil && !at.After(time.Now())
}

// AskWithAssertion asks a server for an access token with a token of another issuer (RFC 7523
// section 2.2). Without an id, the assertion alone says who asks.
func AskWithAssertion(c *Client, id, assertion string) (r *Response, answer TokenAnswer) {
	GinkgoHelper()
	form := url.Values{
		"grant_type":            {"client_credentials"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	}
	if id != "" {
		form.Set("client_id", id)
	}
	r = c.WithToken("").With("Content-Type", "application/x-www-form-urlencoded").Do(http.MethodPost, "/oauth2/token", form.Encode())
	Expect(json.Unmarshal(r.Body, &answer)).To(Succeed(), r.String())
	return r, answer
}

// Exchange gets an access token for a token of another issuer.
func Exchange(c *Client, id, assertion string) string {
	GinkgoHelper()
	r, answer := AskWithAssertion(c, id, assertion)
	Expect(r.Status).To(Equal(http.StatusOK), r.String())
	Expect(answer).To(And(HaveField("Type", "Bearer"), HaveField("ExpiresIn", 3600), HaveField("Scope", "scim")))
	return answer.Token
}
