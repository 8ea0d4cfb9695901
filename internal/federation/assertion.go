package federation

import (
	"errors"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/kubescim/kubescim/internal/apikey"
)

// leeway is how far the clock of an issuer and that of a server may be apart.
const leeway = time.Minute

// algorithms are those that an assertion may be signed with: all that have a public key. With
// a shared one, whoever can check an assertion could make one.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// Algorithms returns the names of the algorithms that an assertion may be signed with (RFC
// 7518 section 3.1).
func Algorithms() []string {
	names := make([]string, 0, len(algorithms))
	for _, algorithm := range algorithms {
		names = append(names, string(algorithm))
	}
	return names
}

// Assertion is an assertion of which nothing is known but what it says itself.
type Assertion struct {
	// Issuer is who it says to be made by, and KeyID which of the issuer's keys is to have
	// signed it.
	Issuer, KeyID string

	algorithm string
	token     *jwt.JSONWebToken
}

// Parse reads an assertion, which is a JWT that is signed (RFC 7515), once, by a key that its
// header names.
func Parse(text string) (*Assertion, Fault) {
	token, err := jwt.ParseSigned(text, algorithms)
	if err != nil || len(token.Headers) != 1 || token.Headers[0].KeyID == "" {
		return nil, Malformed
	}
	var claims jwt.Claims
	if token.UnsafeClaimsWithoutVerification(&claims) != nil || claims.Issuer == "" {
		return nil, Malformed
	}
	return &Assertion{Issuer: claims.Issuer, KeyID: token.Headers[0].KeyID, algorithm: token.Headers[0].Algorithm, token: token}, ""
}

// Verify checks the signature of the assertion with the keys of its issuer, and returns what
// it says.
func (a *Assertion) Verify(keys KeySet) (Claims, Fault) {
	if keys.Issuer != a.Issuer {
		return Claims{}, UnknownIssuer
	}
	candidates := keys.byID[a.KeyID]
	if len(candidates) == 0 {
		return Claims{}, UnknownSigner
	}
	for _, key := range candidates {
		if key.Algorithm != "" && key.Algorithm != a.algorithm {
			continue
		}
		var claims Claims
		err := a.token.Claims(key.Key, &claims.registered, &claims.all)
		switch {
		case err == nil:
			return claims, ""
		case !errors.Is(err, jose.ErrCryptoFailure) && !errors.Is(err, jose.ErrUnsupportedAlgorithm):
			return Claims{}, Incomplete
		}
	}
	return Claims{}, Forged
}

// Claims are what an assertion says whose signature is good.
type Claims struct {
	registered jwt.Claims
	all        map[string]any
}

// Audiences are those that the assertion is for.
func (c Claims) Audiences() []string { return c.registered.Audience }

// Check returns why an assertion does not stand for a federated key at a time; nothing when it
// does. When it is for one of the other claims, differs is the name of the first.
func (c Claims) Check(federation *apikey.Federation, now time.Time) (fault Fault, differs string) {
	if c.registered.Expiry == nil {
		return Incomplete, ""
	}
	err := c.registered.ValidateWithLeeway(jwt.Expected{AnyAudience: federation.Audiences, Time: now}, leeway)
	switch {
	case len(federation.Audiences) == 0, errors.Is(err, jwt.ErrInvalidAudience):
		return OtherAudience, ""
	case c.differs(federation.Claims) != "":
		return OtherClaims, c.differs(federation.Claims)
	case errors.Is(err, jwt.ErrExpired):
		return Expired, ""
	case err != nil:
		return Early, ""
	case c.outdated(federation.NotBefore):
		return Outdated, ""
	}
	return "", ""
}

// differs returns the name of a claim that is not the text which is wanted; nothing when all
// are. What is no text equals none.
func (c Claims) differs(wanted map[string]string) string {
	var names []string
	for name, value := range wanted {
		if text, isText := c.all[name].(string); !isText || text != value {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return slices.Min(names)
}

// outdated reports whether the assertion was issued before a time, or does not say when.
func (c Claims) outdated(notBefore time.Time) bool {
	return !notBefore.IsZero() && (c.registered.IssuedAt == nil || c.registered.IssuedAt.Time().Before(notBefore))
}
