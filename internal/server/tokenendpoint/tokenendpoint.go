// Package tokenendpoint answers what OAuth clients ask: for an access token (RFC 6749 section
// 4.4), and for the two documents that say where to get one (RFC 8414, RFC 9728), and for the keys that security
// event tokens are checked with (RFC 7517). All of it is
// for clients that have no token yet, and is answered in their protocol and not in SCIM's.
package tokenendpoint

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/kubescim/kubescim/internal/oauth"
	"github.com/kubescim/kubescim/internal/requestlog"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/request"
)

// readTime is how long a client may take to send its request.
const readTime = 5 * time.Second

// Serve answers a request to one of the URLs, and reports whether it was to one. When the
// client has proved to be one, the exchange has its Verifier afterwards.
func Serve(x *exchange.Exchange) bool {
	path, base := request.Collapse(x.R.URL.Path), request.Collapse(x.Path())
	switch {
	case isAt(path, base, oauth.TokenPath):
		x.Entry.Resource, x.Entry.Operation = "token", requestlog.Token
		issue(x)
	case isAt(path, base, oauth.KeysPath):
		x.Entry.Resource, x.Entry.Operation = "metadata", requestlog.Discover
		document(x, func(string) []byte { return x.Shared.PublishedKeys() })
	case isAt(path, oauth.ServerMetadataPath, base):
		x.Entry.Resource, x.Entry.Operation = "metadata", requestlog.Discover
		document(x, oauth.ServerMetadata)
	case isAt(path, oauth.ResourceMetadataPath, base):
		x.Entry.Resource, x.Entry.Operation = "metadata", requestlog.Discover
		document(x, oauth.ResourceMetadata)
	default:
		return false
	}
	return true
}

// isAt reports whether a path is made of two parts. Every request is asked, and none of the
// paths is put together for that.
func isAt(path, first, second string) bool {
	rest, begins := strings.CutPrefix(path, first)
	return begins && rest == second
}

// document answers with a document about the tenant. It tells nothing but URLs, so that it
// is for anybody. No cache may keep it: of a tenant without a URL of its own, the URLs are
// those that the request was sent to, and others would send their secrets there.
func document(x *exchange.Exchange, about func(baseURL string) []byte) {
	x.W.Header().Set("Cache-Control", "no-store")
	if x.R.Method != http.MethodGet && x.R.Method != http.MethodHead {
		notAllowed(x, "GET, HEAD")
		return
	}
	request.Discard(x.W, x.R, false, x.Entry.Began)
	x.AnswerJSON(http.StatusOK, about(x.BaseURL()))
}

// issue answers with an access token, or says why not. Nothing of either may be kept by
// whoever passes it on (RFC 6749 section 5.1).
func issue(x *exchange.Exchange) {
	x.W.Header().Set("Cache-Control", "no-store")
	x.W.Header().Set("Pragma", "no-cache")
	if x.R.Method != http.MethodPost {
		notAllowed(x, "POST")
		return
	}
	body, refusal := read(x)
	if refusal != nil {
		x.RefuseClient(refusal, auth.Credential{})
		return
	}
	asked, refusal := oauth.ParseTokenRequest(x.R.URL.RawQuery, x.R.Header.Values("Authorization"), x.R.Header.Get("Content-Type"), body)
	switch {
	case refusal != nil && refusal.Code == oauth.InvalidClient:
		x.RefuseClient(refusal, auth.Credential{Reason: auth.Missing})
		return
	case refusal != nil:
		x.RefuseClient(refusal, auth.Credential{})
		return
	}
	found := x.AuthenticateClient(asked)
	if found.Reason != "" {
		x.RefuseClient(oauth.NoSuchClient(), found)
		return
	}
	if refusal := x.AdmitClient(); refusal != nil {
		x.FailClient(refusal)
		return
	}
	answer(x, found)
}

// answer issues an access token to the client that was found.
func answer(x *exchange.Exchange, found auth.Credential) {
	now := time.Now()
	key, issuer, signs := x.Shared.Signer(now)
	if !signs {
		x.FailClient(oauth.NotReady())
		return
	}
	grant := oauth.Grant{ClientID: found.Client, KeyID: found.Verifier.KeyID}
	token, lasts, err := oauth.Issue(key, issuer, grant, found.Verifier.ExpirationTime, now)
	if err != nil {
		x.FailClient(oauth.Failed(err))
		return
	}
	x.AnswerJSON(http.StatusOK, oauth.TokenResponse(token, lasts))
}

// read reads the body of a request, which nobody knows anything of yet.
func read(x *exchange.Exchange) ([]byte, *oauth.Error) {
	_ = http.NewResponseController(x.W).SetReadDeadline(x.Entry.Began.Add(readTime)) // Without it, ReadTimeout holds.
	body, err := io.ReadAll(http.MaxBytesReader(x.W, x.R.Body, oauth.MaxBodyBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, oauth.TooLarge()
	case err != nil:
		return nil, oauth.BadRequest("the body ended before it was complete")
	}
	return body, nil
}

// notAllowed answers a method that is not among those that the URL has.
func notAllowed(x *exchange.Exchange, methods string) {
	x.W.Header().Set("Allow", methods)
	x.RefuseClient(oauth.NotAllowed(methods), auth.Credential{})
}
