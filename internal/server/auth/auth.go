// Package auth finds out which API key a request is sent with, and knows what is being
// done under each key. It mints nothing, answers nothing, and keeps no token: what a client
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
)

// Credential is what a request proves to be from.
type Credential struct {
	Verifier apikey.Verifier // zero when it was refused
	Reason   Reason          // empty for a good token
	KeyID    string          // of the key that the token is, or claims to be; empty when there is no such key
}

// Authenticate looks at the request's bearer token (RFC 6750 section 2.1: in the header
// only). Whatever is wrong with a token, the answer is the same, and whether a key is
// known makes no difference in time.
func Authenticate(r *http.Request, keys Keys, now time.Time) Credential {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !found || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return Credential{Reason: Missing}
	}
	id, wellFormed := apikey.KeyID(token)
	if !wellFormed {
		return Credential{Reason: Malformed}
	}
	verifier, known := keys[id]
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
	}
	return Credential{Verifier: verifier, KeyID: id}
}
