package issuer

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// secret is that of every client. The id of a client is the subject of its tokens.
const secret = "secret"

// storage is what the OpenID provider asks for. What it has not is for what no test does.
type storage struct {
	op.Storage

	mu      sync.Mutex
	keys    int // made so far
	current *signingKey
	issued  time.Time
	lasts   time.Duration
}

func (s *storage) rotate(key *ecdsa.PrivateKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys++
	s.current = &signingKey{id: fmt.Sprintf("key-%d", s.keys), key: key}
}

// next says when the tokens that are made from now on are issued, and for how long they are
// good.
func (s *storage) next(issued time.Time, lasts time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued, s.lasts = issued, lasts
}

// Health implements op.Storage.
func (s *storage) Health(context.Context) error { return nil }

// SigningKey implements op.Storage.
func (s *storage) SigningKey(context.Context) (op.SigningKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current, nil
}

// SignatureAlgorithms implements op.Storage.
func (s *storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.ES256}, nil
}

// KeySet implements op.Storage.
func (s *storage) KeySet(context.Context) ([]op.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []op.Key{publicKey{s.current}}, nil
}

// ClientCredentials implements op.Storage.
func (s *storage) ClientCredentials(_ context.Context, id, given string) (op.Client, error) {
	if given != secret {
		return nil, errors.New("the client secret is wrong")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return client{id: id, skew: time.Since(s.issued)}, nil
}

// ClientCredentialsTokenRequest implements op.Storage.
func (s *storage) ClientCredentialsTokenRequest(_ context.Context, id string, scopes []string) (op.TokenRequest, error) {
	return request{subject: id, audience: scopes}, nil
}

// CreateAccessToken implements op.Storage.
func (s *storage) CreateAccessToken(context.Context, op.TokenRequest) (id string, expiration time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "token", s.issued.Add(s.lasts), nil
}

// GetPrivateClaimsFromScopes implements op.Storage.
func (s *storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}

// signingKey is a key as the provider signs with it.
type signingKey struct {
	id  string
	key *ecdsa.PrivateKey
}

// ID implements op.SigningKey.
func (k *signingKey) ID() string { return k.id }

// Key implements op.SigningKey.
func (k *signingKey) Key() any { return k.key }

// SignatureAlgorithm implements op.SigningKey.
func (k *signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.ES256 }

// publicKey is a key as the provider publishes it.
type publicKey struct{ *signingKey }

// Algorithm implements op.Key.
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.ES256 }

// Use implements op.Key.
func (k publicKey) Use() string { return "sig" }

// Key implements op.Key.
func (k publicKey) Key() any { return k.key.Public() }

// client is one that gets tokens about itself.
type client struct {
	op.Client

	id   string
	skew time.Duration
}

// GetID implements op.Client.
func (c client) GetID() string { return c.id }

// GrantTypes implements op.Client.
func (c client) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeClientCredentials}
}

// AccessTokenType implements op.Client.
func (c client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

// ClockSkew implements op.Client.
func (c client) ClockSkew() time.Duration { return c.skew }

// RestrictAdditionalAccessTokenScopes implements op.Client.
func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func([]string) []string { return nil }
}

// request is a request for a token. Its audience is what the client has asked for as scopes.
type request struct {
	subject  string
	audience []string
}

// GetSubject implements op.TokenRequest.
func (r request) GetSubject() string { return r.subject }

// GetAudience implements op.TokenRequest.
func (r request) GetAudience() []string { return r.audience }

// GetScopes implements op.TokenRequest.
func (r request) GetScopes() []string { return r.audience }
