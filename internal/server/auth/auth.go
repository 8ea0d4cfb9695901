// Package auth finds out which API key a request is sent with, from where, and whether the
// key permits what it does; and it knows what is being done under each key. It mints nothing, answers nothing, and keeps no token: what a client
// is told of a bad one, and how often, is for others.
package auth

import (
	"net/http"
	"strings"
	"time"

	"github.com/kubescim/kubescim/internal/apikey"
)

// Reason is why a request has no good token, for the log and the metrics. The client is
// never told.
type Reason string

// What may be wrong with a token. One that was revoked is unknown.
const (
	Missing   Reason = "Missing"   // there is no bearer token in the header
	Malformed Reason = "Malformed" // it is no token of this software, or not all of one
	Unknown   Reason = "Unknown"   // no key of the tenant has its id
	Mismatch  Reason = "Mismatch"  // its id is that of a key, and the rest is not
	Early     Reason = "Early"     // it is not good yet
	Expired   Reason = "Expired"
	Suspended Reason = "Suspended" // its key is suspended
	// ClientSecret: it is the secret of an OAuth client, which must be exchanged for an
	// access token.
	ClientSecret Reason = "ClientSecret" //nolint:gosec // A reason, not a credential.
	Address      Reason = "Address"      // its key is not for requests from where this one comes from
)

// Credential is what a request proves to be from.
type Credential struct {
	Verifier apikey.Verifier // zero when it was refused
	Grant    apikey.Grant    // of a good token
	Reason   Reason          // empty for a good token
	// Denial is why a good token does not permit what the request does; empty when it does.
	Denial Denial
	KeyID  string // of the key that the token is, or claims to be; empty when there is no such key
}

// Authenticate looks at the request's bearer token (RFC 6750 section 2.1: in the header
// only), and whether it permits what the request does. Whatever is wrong with a token, the
// answer is the same, and whether a key is known makes no difference in time.
func Authenticate(r *http.Request, use Use, keys Keys, now time.Time) Credential {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !found || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return Credential{Reason: Missing}
	}
	id, wellFormed := apikey.KeyID(token)
	if !wellFormed {
		return Credential{Reason: Malformed}
	}
	key, known := keys[id]
	verifier := key.Verifier
	matches := verifier.Matches(token) // The zero Verifier matches none, and takes as long.
	switch {
	case !known:
		return Credential{Reason: Unknown}
	case !matches:
		return Credential{Reason: Mismatch, KeyID: id}
	case verifier.Early(now):
		return Credential{Reason: Early, KeyID: id}
	case verifier.Expired(now):
		return Credential{Reason: Expired, KeyID: id}
	case key.ClientSecret:
		return Credential{Reason: ClientSecret, KeyID: id}
	case key.Grant.Suspended:
		return Credential{Reason: Suspended, KeyID: id}
	case !key.Grant.AllowsFrom(use.From):
		return Credential{Reason: Address, KeyID: id}
	}
	return Credential{Verifier: verifier, Grant: key.Grant, Denial: use.Deny(key.Grant), KeyID: id}
}
