package oauth

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"k8s.io/utils/lru"

	"github.com/kubescim/kubescim/internal/signingkey"
)

const (
	// maxTokenLength is how long an access token may be, several times what one is.
	maxTokenLength = 4096
	// rememberedTokens is how many tokens are known without a look at their signature,
	// those last used: many more than a tenant has clients.
	rememberedTokens = 1024
)

// Fault is what is wrong with an access token.
type Fault string

// What may be wrong with an access token.
const (
	Malformed  Fault = "Malformed"  // it is no JWT that this software issues
	UnknownKey Fault = "UnknownKey" // no key of the tenant has signed it
	Forged     Fault = "Forged"     // it claims that a key has signed it, which has not
	Foreign    Fault = "Foreign"    // it is for another tenant, or for this one at another URL
	Early      Fault = "Early"      // it was issued in the future
	Expired    Fault = "Expired"
)

// Verifier checks the access tokens of one tenant. It stands for the keys and the issuer of
// one moment: when either changes there is another one, so that it remembers nothing that
// they do not vouch for.
type Verifier struct {
	issuer   string
	keys     map[string]verifyingKey // by id
	verified *lru.Cache              // remembered, by the SHA-256 of the token
}

// remembered is what is known of a token whose signature was good.
type remembered struct {
	grant           Grant
	issued, expires time.Time
}

// verifyingKey is a key by which tokens are checked until it ends; zero for never.
type verifyingKey struct {
	ed25519.PublicKey
	ends time.Time
}

// NewVerifier returns what checks the access tokens of a tenant with the issuer, with the keys that
// its server signs with, and with those of other servers.
func NewVerifier(keys signingkey.Set, issuer string, others ...signingkey.VerifyingKey) *Verifier {
	verifier := &Verifier{issuer: issuer, keys: map[string]verifyingKey{}, verified: lru.New(rememberedTokens)}
	for _, key := range others {
		verifier.keys[key.ID] = verifyingKey{PublicKey: key.Public, ends: key.Ends}
	}
	for _, key := range keys {
		verifier.keys[key.ID] = verifyingKey{PublicKey: key.Public()}
	}
	return verifier
}

// IsAccessToken reports whether a string has the form of a JWT, of which nothing is known
// yet. A token of package apikey never has.
func IsAccessToken(token string) bool { return strings.Count(token, ".") == 2 }

// Verify returns what an access token stands for, or else what is wrong with it. That the
// secret it was issued for is still accepted is for the caller to see.
func (v *Verifier) Verify(token string, now time.Time) (Grant, Fault) {
	if v == nil {
		return Grant{}, UnknownKey
	}
	if len(token) > maxTokenLength {
		return Grant{}, Malformed
	}
	sum := sha256.Sum256([]byte(token))
	known, found := v.verified.Get(sum)
	verified, _ := known.(remembered)
	if !found {
		var fault Fault
		if verified, fault = v.read(token); fault != "" {
			return Grant{}, fault
		}
		v.verified.Add(sum, verified)
	}
	switch {
	case verified.issued.After(now.Add(leeway)):
		return Grant{}, Early
	case !now.Before(verified.expires.Add(leeway)):
		return Grant{}, Expired
	}
	return verified.grant, ""
}

// read reads a token and checks all of it but whether it is the time for it. Its header
// picks the key and nothing else: there is one algorithm, and no key is taken from a token.
func (v *Verifier) read(token string) (remembered, Fault) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{signingkey.Algorithm})
	if err != nil || len(parsed.Headers) != 1 || !isAccessTokenType(parsed.Headers[0]) {
		return remembered{}, Malformed
	}
	key, known := v.keys[parsed.Headers[0].KeyID]
	if !known {
		return remembered{}, UnknownKey
	}
	var found claims
	err = parsed.Claims(key.PublicKey, &found)
	switch {
	case errors.Is(err, jose.ErrCryptoFailure):
		return remembered{}, Forged
	case err != nil:
		return remembered{}, Malformed
	case found.Issuer != v.issuer || len(found.Audience) != 1 || found.Audience[0] != v.issuer:
		return remembered{}, Foreign
	case found.IssuedAt == nil || found.Expiry == nil || found.NotBefore != nil || found.ClientID == "" || found.KeyID == "" ||
		found.Subject != found.ClientID || found.Scope != Scope:
		return remembered{}, Malformed
	}
	issued, expires := found.IssuedAt.Time(), found.Expiry.Time()
	if expires.Sub(issued) > Lifetime {
		return remembered{}, Malformed
	}
	if !key.ends.IsZero() && key.ends.Before(expires) {
		expires = key.ends
	}
	return remembered{grant: Grant{ClientID: found.ClientID, KeyID: found.KeyID}, issued: issued, expires: expires}, ""
}

// isAccessTokenType reports whether a token says that it is an access token (RFC 9068
// section 4), and not another JWT that the same key has signed.
func isAccessTokenType(header jose.Header) bool {
	typ, _ := header.ExtraHeaders[jose.HeaderType].(string)
	return strings.EqualFold(strings.TrimPrefix(strings.ToLower(typ), "application/"), mediaType)
}
