package signingkey

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// MaxFileBytes is how large a file may be, many times what the operator writes.
	MaxFileBytes = 64 << 10
	// maxKeys is how many keys it may have. The operator keeps two, or three for a while.
	maxKeys = 16
)

// file is a JWK Set (RFC 7517 section 5) of private keys.
type file struct {
	Keys []json.RawMessage `json:"keys"`
}

// times are the members that a key of the file has besides those of a JWK, which may have
// others (RFC 7517 section 4).
type times struct {
	Created   time.Time `json:"created"`
	SignsFrom time.Time `json:"signsFrom"`
}

// Marshal returns the file of the keys. It is the same for the same keys.
func (s Set) Marshal() ([]byte, error) {
	written := file{Keys: []json.RawMessage{}}
	for _, key := range s.sorted() {
		entry, err := key.marshal()
		if err != nil {
			return nil, fmt.Errorf("writing signing key %s: %w", key.ID, err)
		}
		written.Keys = append(written.Keys, entry)
	}
	return json.Marshal(written)
}

func (k Key) marshal() (json.RawMessage, error) {
	return marshalWith(
		jose.JSONWebKey{Key: k.Private, KeyID: k.ID, Algorithm: string(Algorithm), Use: "sig"},
		times{Created: k.Created.UTC(), SignsFrom: k.SignsFrom.UTC()})
}

// Parse reads what Marshal wrote. Members that it does not know are left alone, so that an
// older server can read what a newer operator wrote. A file of which any key is no good is
// refused as a whole: who has changed it must hear of it. Errors do not repeat the data.
func Parse(data []byte) (Set, error) {
	var read file
	if len(data) > MaxFileBytes {
		return nil, fmt.Errorf("the file of signing keys is larger than %d bytes", MaxFileBytes)
	}
	if err := json.Unmarshal(data, &read); err != nil {
		return nil, errors.New("the file of signing keys is not the JSON it should be")
	}
	if len(read.Keys) > maxKeys {
		return nil, fmt.Errorf("the file has %d signing keys, which are more than %d", len(read.Keys), maxKeys)
	}
	set, known := Set{}, map[string]bool{}
	for i, entry := range read.Keys {
		key, err := parseKey(entry)
		switch {
		case err != nil:
			return nil, fmt.Errorf("signing key %d of the file: %w", i+1, err)
		case known[key.ID]:
			return nil, fmt.Errorf("signing key %d of the file is there twice", i+1)
		}
		known[key.ID] = true
		set = append(set, key)
	}
	return set.sorted(), nil
}

func parseKey(entry json.RawMessage) (Key, error) {
	var webKey jose.JSONWebKey
	if err := json.Unmarshal(entry, &webKey); err != nil {
		return Key{}, errors.New("it is no JWK")
	}
	private, isPrivate := webKey.Key.(ed25519.PrivateKey)
	if !isPrivate {
		return Key{}, errors.New("it is no private key of Ed25519")
	}
	var written times
	if err := json.Unmarshal(entry, &written); err != nil || written.Created.IsZero() || written.SignsFrom.IsZero() {
		return Key{}, errors.New("it must have the times `created` and `signsFrom`, as in 2026-05-01T12:00:00Z")
	}
	id, err := thumbprint(private.Public())
	if err != nil {
		return Key{}, err
	}
	if webKey.KeyID != id {
		return Key{}, errors.New("its `kid` is not its thumbprint by RFC 7638")
	}
	return Key{ID: id, Created: written.Created.UTC(), SignsFrom: written.SignsFrom.UTC(), Private: private}, nil
}
