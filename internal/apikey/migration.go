package apikey

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// What is here is for servers of the release before, which read verifiers from a Secret.

// storedVerifier is the form in which a Verifier stands in a Secret, under its
// key id.
type storedVerifier struct {
	SHA256         string    `json:"sha256"`
	ExpirationTime time.Time `json:"expirationTime,omitzero"`
}

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
	if !IsKeyID(keyID) {
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
