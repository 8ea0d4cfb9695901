package federation

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

const (
	// mostKeys is how many keys an issuer may have. Entra ID has about ten.
	mostKeys = 64
	// maxKeyID is how long the id of a key may be, in bytes.
	maxKeyID = 256
	// minRSABits and maxRSABits are how long an RSA key may be (RFC 7518 section 3.3): to
	// check a signature of a longer one costs too much.
	minRSABits, maxRSABits = 2048, 8192
)

// KeySet are the public keys of an issuer.
type KeySet struct {
	// Issuer is the issuer, as its assertions name it.
	Issuer string

	byID map[string][]jose.JSONWebKey // an id is that of several keys when they are of different algorithms
}

// members are those of a JWK that a public key is read from (RFC 7518 section 6, RFC 8037
// section 2). Certificates, which are most of what Entra ID sends, are left out.
type members struct {
	Type      string `json:"kty"`
	ID        string `json:"kid,omitempty"`
	Use       string `json:"use,omitempty"`
	Algorithm string `json:"alg,omitempty"`
	Curve     string `json:"crv,omitempty"`
	N         string `json:"n,omitempty"`
	E         string `json:"e,omitempty"`
	X         string `json:"x,omitempty"`
	Y         string `json:"y,omitempty"`
}

// ParseKeySet reads the keys of an issuer from a JWK Set (RFC 7517 section 5). Those that no
// signature of an assertion can be checked with are left out, as the RFC wants it: there may
// be some for other purposes, and of kinds that are not known yet. Errors do not repeat the
// data.
func ParseKeySet(issuer string, data []byte) (KeySet, error) {
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &document); err != nil {
		return KeySet{}, errors.New("the document is not the JWK Set that it should be")
	}
	set := KeySet{Issuer: issuer, byID: map[string][]jose.JSONWebKey{}}
	count := 0
	for _, entry := range document.Keys {
		key, usable := readKey(entry)
		if !usable {
			continue
		}
		if count++; count > mostKeys {
			return KeySet{}, fmt.Errorf("the JWK Set has more than %d keys for signatures", mostKeys)
		}
		set.byID[key.KeyID] = append(set.byID[key.KeyID], key)
	}
	if count == 0 {
		return KeySet{}, errors.New("the JWK Set has no key for signatures that has a kid")
	}
	return set, nil
}

// Len returns how many ids of keys there are.
func (s KeySet) Len() int { return len(s.byID) }

// has reports whether there is a key with an id.
func (s KeySet) has(id string) bool { return len(s.byID[id]) > 0 }

// readKey reads a key, if it is one that signatures can be checked with.
func readKey(entry json.RawMessage) (key jose.JSONWebKey, usable bool) {
	var public members
	if json.Unmarshal(entry, &public) != nil || public.ID == "" || len(public.ID) > maxKeyID || public.Use != "" && public.Use != "sig" {
		return jose.JSONWebKey{}, false
	}
	text, err := json.Marshal(public)
	if err != nil || key.UnmarshalJSON(text) != nil || !key.Valid() || !key.IsPublic() {
		return jose.JSONWebKey{}, false
	}
	if long, isRSA := key.Key.(*rsa.PublicKey); isRSA && (long.N.BitLen() < minRSABits || long.N.BitLen() > maxRSABits) {
		return jose.JSONWebKey{}, false
	}
	return jose.JSONWebKey{Key: key.Key, KeyID: key.KeyID, Algorithm: key.Algorithm}, true
}
