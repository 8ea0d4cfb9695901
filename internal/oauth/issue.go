package oauth

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/kubescim/kubescim/internal/signingkey"
)

const (
	// Lifetime is how long an access token is good, if its client's secret is.
	Lifetime = signingkey.TokenLifetime
	// leeway is how far the clocks of two replicas may be apart.
	leeway = time.Minute

	// mediaType is the type of an access token (RFC 9068 section 2.1).
	mediaType = "at+jwt"
)

// Grant is what an access token stands for.
type Grant struct {
	// ClientID is that of the client.
	ClientID string
	// KeyID is that of the secret which the token was issued for.
	KeyID string
}

// claims are those of an access token beside the registered ones (RFC 9068 section 2.2).
type claims struct {
	jwt.Claims

	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
	KeyID    string `json:"key_id"`
}

// Issue signs an access token of the tenant whose issuer is named, which stands for the
// grant. Its lifetime ends with the client's secret, if that expires before: expiration is
// when, zero for never. lasts is how long the token is good.
func Issue(key signingkey.Key, issuer string, grant Grant, expiration, now time.Time) (token string, lasts time.Duration, err error) {
	now = now.Truncate(time.Second)
	end := now.Add(Lifetime)
	if !expiration.IsZero() && expiration.Before(end) {
		end = expiration.Truncate(time.Second)
	}
	token, err = key.Sign(mediaType, claims{
		Claims: jwt.Claims{
			Issuer: issuer, Audience: jwt.Audience{issuer}, Subject: grant.ClientID,
			IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(end), ID: rand.Text(),
		},
		ClientID: grant.ClientID, Scope: Scope, KeyID: grant.KeyID,
	})
	if err != nil {
		return "", 0, fmt.Errorf("signing an access token: %w", err)
	}
	return token, end.Sub(now), nil
}
