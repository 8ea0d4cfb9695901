package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/federation"
	"github.com/kubescim/kubescim/internal/server"
)

// federate lets a tenant know the key of an issuer, and returns a client that tokens of that
// issuer stand for, and its key at the tenant.
func federate(t *testing.T, tenant *server.Tenant) (suite.Federated, apikey.Key) {
	t.Helper()
	g := NewWithT(t)
	const name, audience, subject = "https://idp.example.com", "api://scim", "provisioning"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	g.Expect(err).NotTo(HaveOccurred())
	published, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "first", Use: "sig"}}})
	g.Expect(err).NotTo(HaveOccurred())
	tenant.AskIssuers(federation.NewIssuers(func(context.Context, federation.Origin) (federation.KeySet, error) {
		return federation.ParseKeySet(name, published)
	}, slog.New(slog.DiscardHandler), federation.NewMetrics(prometheus.NewRegistry(), "acme")))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "first"}}, nil)
	g.Expect(err).NotTo(HaveOccurred())
	token := func(subject, audience string, expires time.Duration) string {
		text, err := jwt.Signed(signer).Claims(jwt.Claims{
			Issuer: name, Subject: subject, Audience: jwt.Audience{audience}, Expiry: jwt.NewNumericDate(time.Now().Add(expires)),
		}).Serialize()
		g.Expect(err).NotTo(HaveOccurred())
		return text
	}
	client := suite.Federated{ID: "idp", Assertion: token(subject, audience, time.Hour), Refused: []string{
		token("somebody", audience, time.Hour), token(subject, audience+"/", time.Hour), token(subject, audience, -time.Hour),
	}}
	return client, apikey.Key{Verifier: apikey.Verifier{KeyID: "federated"}, Client: "idp", Federation: &apikey.Federation{
		Issuer: name, Audiences: []string{audience}, Claims: map[string]string{"sub": subject},
	}}
}
