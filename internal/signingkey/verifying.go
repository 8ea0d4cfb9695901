package signingkey

import (
	"cmp"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// MaxVerifyingBytes is how large a file of VerifyingKeys may be: as large as that of
	// MaxVerifyingKeys.
	MaxVerifyingBytes = 512 << 10
	// MaxVerifyingKeys is how many keys it may have: a Secret has no room for many more.
	MaxVerifyingKeys = 1000
)

// VerifyingKey is the public key of another server, for the access tokens of one tenant which
// that server hosts for a while, or has hosted until a short time ago.
type VerifyingKey struct {
	// ID is that of the Key.
	ID string
	// Tenant is the name of the tenant.
	Tenant string
	// Ends is when nothing of the tenant's that the key has signed is good any more; zero while the
	// other server hosts the tenant.
	Ends time.Time
	// Unused is true while the other server has not hosted the tenant: the key has signed nothing of
	// the tenant's.
	Unused bool
	Public ed25519.PublicKey
}

// VerifyingSet are such keys.
type VerifyingSet []VerifyingKey

// For returns those that are for a tenant.
func (s VerifyingSet) For(tenant string) (keys VerifyingSet) {
	for _, key := range s {
		if key.Tenant == tenant {
			keys = append(keys, key)
		}
	}
	return keys
}

// verifyingEntry has the members that an entry of the file has besides those of a JWK.
type verifyingEntry struct {
	Tenant string    `json:"tenant"`
	Ends   time.Time `json:"ends,omitzero"`
	Unused bool      `json:"unused,omitempty"`
}

// Marshal returns the file of the keys, a JWK Set as well. It is the same for the same keys.
func (s VerifyingSet) Marshal() ([]byte, error) {
	sorted := slices.SortedFunc(slices.Values(s), func(a, b VerifyingKey) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.ID, b.ID))
	})
	written := file{Keys: []json.RawMessage{}}
	for _, key := range sorted {
		entry, err := marshalWith(
			jose.JSONWebKey{Key: key.Public, KeyID: key.ID, Algorithm: string(Algorithm), Use: "sig"},
			verifyingEntry{Tenant: key.Tenant, Ends: key.Ends.UTC().Truncate(time.Second), Unused: key.Unused})
		if err != nil {
			return nil, fmt.Errorf("writing verifying key %s: %w", key.ID, err)
		}
		written.Keys = append(written.Keys, entry)
	}
	return json.Marshal(written)
}

// ParseVerifying reads what VerifyingSet.Marshal wrote, as Parse reads the file of a server's own
// keys.
func ParseVerifying(data []byte) (VerifyingSet, error) {
	var read file
	if len(data) > MaxVerifyingBytes {
		return nil, fmt.Errorf("the file of verifying keys is larger than %d bytes", MaxVerifyingBytes)
	}
	if err := json.Unmarshal(data, &read); err != nil {
		return nil, errors.New("the file of verifying keys is not the JSON it should be")
	}
	if len(read.Keys) > MaxVerifyingKeys {
		return nil, fmt.Errorf("the file has %d verifying keys, which are more than %d", len(read.Keys), MaxVerifyingKeys)
	}
	set := VerifyingSet{}
	for i, entry := range read.Keys {
		key, err := parseVerifying(entry)
		if err != nil {
			return nil, fmt.Errorf("verifying key %d of the file: %w", i+1, err)
		}
		set = append(set, key)
	}
	return set, nil
}

func parseVerifying(entry json.RawMessage) (VerifyingKey, error) {
	var webKey jose.JSONWebKey
	if err := json.Unmarshal(entry, &webKey); err != nil {
		return VerifyingKey{}, errors.New("it is no JWK")
	}
	public, isPublic := webKey.Key.(ed25519.PublicKey)
	if !isPublic {
		return VerifyingKey{}, errors.New("it is no public key of Ed25519")
	}
	var written verifyingEntry
	if err := json.Unmarshal(entry, &written); err != nil || written.Tenant == "" {
		return VerifyingKey{}, errors.New("it must have a `tenant`, and may have a time `ends`, as in 2026-05-01T12:00:00Z")
	}
	id, err := thumbprint(public)
	if err != nil {
		return VerifyingKey{}, err
	}
	if webKey.KeyID != id {
		return VerifyingKey{}, errors.New("its `kid` is not its thumbprint by RFC 7638")
	}
	return VerifyingKey{ID: id, Tenant: written.Tenant, Ends: written.Ends.UTC(), Unused: written.Unused, Public: public}, nil
}

// marshalWith returns a JWK with further members.
func marshalWith(key jose.JSONWebKey, further any) (json.RawMessage, error) {
	entry := map[string]any{}
	for _, part := range []any{key, further} {
		text, err := json.Marshal(part)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &entry); err != nil {
			return nil, err
		}
	}
	return json.Marshal(entry)
}

// thumbprint returns the id of a key, by which its public part is known.
func thumbprint(key crypto.PublicKey) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: key}).Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("naming a signing key: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
