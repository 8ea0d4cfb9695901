package auth

import (
	"time"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/oauth"
)

// explained returns why a token that was refused is accepted no more, if it ever was. It
// takes as long for one whose key id is that of a key.
func explained(refused Credential, token string, tokens *oauth.Verifier, ended map[string]apikey.Ended, now time.Time) Credential {
	if refused.Reason != Unknown && refused.Reason != Mismatch {
		return refused
	}
	if oauth.IsAccessToken(token) {
		grant, fault := tokens.Verify(token, now)
		if secret, known := ended[grant.KeyID]; known && fault == "" {
			return Credential{Reason: Reason(secret.End), KeyID: grant.KeyID}
		}
		return refused
	}
	id, _ := apikey.KeyID(token)
	if found := ended[id]; found.Verifier.Matches(token) { // The zero Verifier matches none, and takes as long.
		return Credential{Reason: Reason(found.End), KeyID: id}
	}
	return refused
}
