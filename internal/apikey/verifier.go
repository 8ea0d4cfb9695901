package apikey

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
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

// storedVerifier is the form in which a Verifier stands in a Secret, under its
// key id.
type storedVerifier struct {
	SHA256         string    `json:"sha256"`
	ExpirationTime time.Time `json:"expirationTime,omitzero"`
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

// MarshalText returns the form to store under the verifier's key id. Equal
// verifiers have equal texts.
func (v Verifier) MarshalText() ([]byte, error) {
	return json.Marshal(storedVerifier{
		SHA256:         hex.EncodeToString(v.SHA256[:]),
		ExpirationTime: v.ExpirationTime.UTC().Truncate(time.Second),
	})
}

// ParseVerifier reads what MarshalText wrote. Fields that it does not know are
// left alone, so that an older server can read what a newer operator wrote.
// Errors do not repeat the data.
func ParseVerifier(keyID string, data []byte) (Verifier, error) {
	if !isEncoded(keyID, keyIDLength) {
		return Verifier{}, errors.New("not a key id")
	}
	var stored storedVerifier
	if err := json.Unmarshal(data, &stored); err != nil {
		return Verifier{}, fmt.Errorf("verifier of key %s is not the JSON it should be", keyID)
	}
	sum, err := hex.DecodeString(stored.SHA256)
	if err != nil || len(sum) != sha256.Size {
		return Verifier{}, fmt.Errorf("verifier of key %s has no SHA-256 in hexadecimal", keyID)
	}
	return Verifier{KeyID: keyID, SHA256: [sha256.Size]byte(sum), ExpirationTime: stored.ExpirationTime}, nil
}
