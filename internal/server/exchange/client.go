package exchange

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/kubescim/kubescim/internal/oauth"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/request"
)

// challengeClient is what clients of the token endpoint are told that they can use (RFC 6749
// section 5.2).
const challengeClient = `Basic realm="scim"`

// AuthenticateClient finds out which OAuth client asks for an access token, once its request
// is read: the secret or the assertion must be good then.
func (x *Exchange) AuthenticateClient(asked oauth.TokenRequest) auth.Credential {
	var found auth.Credential
	if asked.Assertion != "" {
		found = x.Shared.Keyring.AuthenticateAssertion(x.R.Context(), asked.ClientID, asked.Assertion, x.use)
	} else {
		found = x.Shared.Keyring.AuthenticateClient(asked.ClientID, asked.Secret, x.use, time.Now())
	}
	x.identify(found)
	return found
}

// RefuseClient answers a request for an access token that is none, or whose client is not
// found. What is wrong with the client's secret or assertion goes to the log alone, and is
// counted among the tokens that are no good.
func (x *Exchange) RefuseClient(err *oauth.Error, found auth.Credential) {
	if found.Reason != "" {
		x.noteRefusal(found)
	}
	if !x.Shared.Unauthenticated.Allow(x.Entry.Source, x.Entry.Began) {
		x.retry, x.unlogged = retryRefused, true
		err = oauth.TooManyRequests()
	}
	x.FailClient(err)
}

// FailClient sends an error of the token endpoint (RFC 6749 section 5.2).
func (x *Exchange) FailClient(err *oauth.Error) {
	x.Entry.Err, x.Entry.Cause = err, scim.Errorf(err.Status, "", "%s", err.Description)
	x.sayWhenToRetry(err.Status)
	if err.Status == http.StatusUnauthorized {
		x.SetHeader(headerAuthenticate, challengeClient)
	}
	described := *err
	described.Description += " (request id " + x.Entry.RequestID + ")"
	body, _ := json.Marshal(&described) // Two strings can always be marshalled.
	x.Entry.Status = err.Status
	request.Discard(x.W, x.R, false, x.Entry.Began)
	x.AnswerJSON(err.Status, body)
}
