package operand

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
)

// Verifiers returns the data that a tenant's verifiers Secret should have: one
// entry for each of its keys that may be used, under the key's id, and nothing
// else.
//
// current is the data that the Secret has. minted has the verifiers of tokens
// that are new, or known again, by the UID of their ScimApiKey; they replace
// what the key had before. A key's entry is found by status.keyID, which is
// written before the token is told to anybody. Entries of keys that are being
// deleted or have expired are left out, and so are entries that belong to no
// key, or cannot be read.
func Verifiers(
	keys []scimv1alpha1.ScimApiKey,
	current map[string][]byte,
	minted map[types.UID]apikey.Verifier,
	now time.Time,
) (map[string][]byte, error) {
	data := map[string][]byte{}
	for i := range keys {
		key := &keys[i]
		if !key.DeletionTimestamp.IsZero() || KeyExpired(key, now) {
			continue
		}
		verifier, ok := minted[key.UID]
		if !ok {
			verifier, ok = VerifierIn(current, key.Status.KeyID)
		}
		if !ok {
			continue
		}
		verifier.ExpirationTime = key.Spec.ExpirationTime.UTC()
		text, err := verifier.MarshalText()
		if err != nil {
			return nil, err
		}
		data[verifier.KeyID] = text
	}
	return data, nil
}

// VerifierIn returns the verifier of one key id; false when the data has none
// that can be read.
func VerifierIn(data map[string][]byte, keyID string) (apikey.Verifier, bool) {
	text, ok := data[keyID]
	if !ok || keyID == "" {
		return apikey.Verifier{}, false
	}
	verifier, err := apikey.ParseVerifier(keyID, text)
	return verifier, err == nil
}

// KeyExpired reports whether a key's token has stopped working.
func KeyExpired(key *scimv1alpha1.ScimApiKey, now time.Time) bool {
	expiration := key.Spec.ExpirationTime
	return !expiration.IsZero() && !now.Before(expiration.Time)
}
