// Package signingkey has the keys that a tenant's servers sign access tokens with: what they
// are, how a file has them, and when there is to be another one. The operator makes them and
// writes the file into a Secret; the pods of the tenant's server have it mounted. It calls
// nobody, and the time is an argument.
//
// All keys are Ed25519 (RFC 8032): signatures of it are short, need no random numbers, and
// are made and checked in tens of microseconds. Every pod signs for itself, and checks what
// the others have signed, without anything to share but the file.
package signingkey

import (
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Algorithm is that of all signatures (RFC 8037 section 3.1).
const Algorithm = jose.EdDSA

// Key is one key.
type Key struct {
	// ID is the thumbprint of the public key (RFC 7638), so that it stands for no other.
	ID string
	// Created is when the key was made.
	Created time.Time
	// SignsFrom is from when on it signs.
	SignsFrom time.Time
	Private   ed25519.PrivateKey
}

// Public returns what its signatures are checked with.
func (k Key) Public() ed25519.PublicKey {
	public, _ := k.Private.Public().(ed25519.PublicKey) // It is of no other type.
	return public
}

// Sign returns claims as a JWT of a type (RFC 7519 section 5.1), which the key has signed.
func (k Key) Sign(mediaType string, claims any) (string, error) {
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: Algorithm, Key: jose.JSONWebKey{Key: k.Private, KeyID: k.ID}},
		(&jose.SignerOptions{}).WithType(jose.ContentType(mediaType)))
	if err != nil {
		return "", fmt.Errorf("preparing to sign: %w", err)
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

// SignDetached returns the signature of a body as a JWS without the body (RFC 7515 appendix F).
func (k Key) SignDetached(body []byte) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: Algorithm, Key: jose.JSONWebKey{Key: k.Private, KeyID: k.ID}}, nil)
	if err != nil {
		return "", fmt.Errorf("preparing to sign: %w", err)
	}
	signed, err := signer.Sign(body)
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	return signed.DetachedCompactSerialize()
}

// Published returns the public part of the keys, for everybody, as a JWK Set (RFC 7517 section 5).
func (s Set) Published() ([]byte, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, key := range s.sorted() {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: key.ID, Algorithm: string(Algorithm), Use: "sig"})
	}
	return json.Marshal(set)
}

// New makes a key. Times are to the second, as the file has them.
func New(created, signsFrom time.Time) (Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("making a signing key: %w", err)
	}
	key := Key{Created: created.UTC().Truncate(time.Second), SignsFrom: signsFrom.UTC().Truncate(time.Second), Private: private}
	key.ID, err = thumbprint(key.Public())
	return key, err
}

// Verifying returns the public part of the keys, for access tokens of a tenant at other servers,
// until the time at which they end; zero for no end.
func (s Set) Verifying(tenant string, ends time.Time) (keys VerifyingSet) {
	for _, key := range s {
		keys = append(keys, VerifyingKey{ID: key.ID, Tenant: tenant, Ends: ends, Public: key.Public()})
	}
	return keys
}

// Set are the keys of a tenant, the one that signs last first.
type Set []Key

// Signer returns the key that signs at a time: of those that do, the newest. It is false
// when none does.
func (s Set) Signer(now time.Time) (Key, bool) {
	for _, key := range s.sorted() {
		if !key.SignsFrom.After(now) {
			return key, true
		}
	}
	return Key{}, false
}

// sorted returns the keys in the order of a Set. Two that begin to sign within the same
// second have an order, too, which is the same in every pod.
func (s Set) sorted() Set {
	return slices.SortedFunc(slices.Values(s), func(a, b Key) int {
		return cmp.Or(b.SignsFrom.Compare(a.SignsFrom), cmp.Compare(a.ID, b.ID))
	})
}
