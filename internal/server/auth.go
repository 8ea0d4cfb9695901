package server

import (
	"net/http"
	"strings"
	"time"

	"github.com/kubescim/kubescim/internal/apikey"
)

// authenticate returns the verifier of the request's bearer token (RFC 6750
// section 2.1: in the header only). Whatever is wrong with a token, the answer
// is the same.
func authenticate(r *http.Request, keys Keys, now time.Time) (apikey.Verifier, bool) {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return apikey.Verifier{}, false
	}
	token = strings.TrimSpace(token)
	id, wellFormed := apikey.KeyID(token)
	if !wellFormed {
		return apikey.Verifier{}, false
	}
	verifier, known := keys[id]
	if !known || !verifier.Matches(token) || verifier.Expired(now) {
		return apikey.Verifier{}, false
	}
	return verifier, true
}
