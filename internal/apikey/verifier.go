package apikey

import (
	"crypto/sha256"
	"crypto/subtle"
	"time"
)

// Verifier is what is kept of a token: enough to recognise it, not enough to
// make it.
type Verifier struct {
	// KeyID is the token's key id.
	KeyID string
	// SHA256 is the hash of the whole token.
	SHA256 [sha256.Size]byte
	// NotBefore is when the token begins to work; zero: at once.
	NotBefore time.Time
	// ExpirationTime is when the token stops working; zero: never.
	ExpirationTime time.Time
}

// Matches reports whether token is the one that v was made from. It takes the
// same time for every token of the same length. It does not look at the
// expiration.
func (v Verifier) Matches(token string) bool {
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], v.SHA256[:]) == 1
}

// Expired reports whether the token has stopped working.
func (v Verifier) Expired(now time.Time) bool {
	return !v.ExpirationTime.IsZero() && !now.Before(v.ExpirationTime)
}

// Early reports whether the token does not work yet.
func (v Verifier) Early(now time.Time) bool { return now.Before(v.NotBefore) }
