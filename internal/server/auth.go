package server

import (
	"net/http"
	"strings"
	"time"

	"github.com/kubescim/kubescim/internal/apikey"
)

// reason is why a request has no good token, for the log and the metrics. The client is
// never told.
type reason string

// What may be wrong with a token. One that was revoked is unknown.
const (
	reasonMissing   reason = "Missing"   // there is no bearer token in the header
	reasonMalformed reason = "Malformed" // it is no token of this software, or not all of one
	reasonUnknown   reason = "Unknown"   // no key of the tenant has its id
	reasonMismatch  reason = "Mismatch"  // its id is that of a key, and the rest is not
	reasonExpired   reason = "Expired"
)

// credential is what a request proves to be from.
type credential struct {
	verifier apikey.Verifier // zero when it was refused
	reason   reason          // empty for a good token
	keyID    string          // of the key that the token is, or claims to be; empty when there is no such key
}

// authenticate looks at the request's bearer token (RFC 6750 section 2.1: in the header
// only). Whatever is wrong with a token, the answer is the same, and whether a key is
// known makes no difference in time.
func authenticate(r *http.Request, keys Keys, now time.Time) credential {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !found || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return credential{reason: reasonMissing}
	}
	id, wellFormed := apikey.KeyID(token)
	if !wellFormed {
		return credential{reason: reasonMalformed}
	}
	verifier, known := keys[id]
	matches := verifier.Matches(token) // The zero Verifier matches none, and takes as long.
	switch {
	case !known:
		return credential{reason: reasonUnknown}
	case !matches:
		return credential{reason: reasonMismatch, keyID: id}
	case verifier.Expired(now):
		return credential{reason: reasonExpired, keyID: id}
	}
	return credential{verifier: verifier, keyID: id}
}
