package signingkey

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	// passType is the type of a pass, by which it is no access token, nor one a pass.
	passType = "kubescim-pass+jwt" //nolint:gosec // A type, not a credential.
	// passLifetime is how long a pass is good. Leeway is added for clocks that differ.
	passLifetime = time.Minute
	// maxPassLength is how long a pass may be, several times what one is.
	maxPassLength = 2048
)

// ErrNoSigner says that there is no key that signs yet.
var ErrNoSigner = errors.New("there is no signing key yet")

// Pass signs a pass for an audience. Whoever has one can read the keys: the operator, which has made
// them, shows by it that it is who asks a pod that has them, too.
func (s Set) Pass(audience string, now time.Time) (string, error) {
	key, signs := s.Signer(now)
	if !signs {
		return "", ErrNoSigner
	}
	pass, err := key.Sign(passType, jwt.Claims{
		Audience: jwt.Audience{audience}, IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(passLifetime)),
	})
	if err != nil {
		return "", fmt.Errorf("signing a pass: %w", err)
	}
	return pass, nil
}

// Admits reports whether a pass is one for the audience that one of the keys has signed, at its time.
func (s Set) Admits(pass, audience string, now time.Time) bool {
	if len(pass) > maxPassLength {
		return false
	}
	parsed, err := jwt.ParseSigned(pass, []jose.SignatureAlgorithm{Algorithm})
	if err != nil || len(parsed.Headers) != 1 {
		return false
	}
	if typ, _ := parsed.Headers[0].ExtraHeaders[jose.HeaderType].(string); !strings.EqualFold(typ, passType) {
		return false
	}
	for _, key := range s {
		if key.ID != parsed.Headers[0].KeyID {
			continue
		}
		var claims jwt.Claims
		if parsed.Claims(key.Public(), &claims) != nil || claims.Expiry == nil || claims.IssuedAt == nil {
			return false
		}
		return claims.Expiry.Time().Sub(claims.IssuedAt.Time()) <= passLifetime &&
			claims.ValidateWithLeeway(jwt.Expected{AnyAudience: jwt.Audience{audience}, Time: now}, Leeway) == nil
	}
	return false
}
