package server_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/idp"
	"github.com/kubescim/kubescim/internal/oauth"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/compact"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/auditlog"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/server/listen"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/signingkey"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// indexed is a store that reads from an index, as a replica does.
type indexed struct {
	store.Store
	index *index.Index
}

func (s indexed) Get(_ context.Context, t *schema.ResourceType, id string, view store.View) (*scim.Resource, error) {
	found, known := s.index.Get(t, id, view)
	if !known {
		return nil, store.NotFound(t, id)
	}
	return found, nil
}

func (s indexed) List(ctx context.Context, t *schema.ResourceType, query store.Query) (*store.Page, error) {
	return s.index.List(ctx, t, query)
}

// BenchmarkRead is a read by id and one by userName, with a bearer token and with an access
// token: in "handler" what this package
// and the engine do, in "loopback" a whole exchange over one TCP connection.
func BenchmarkRead(b *testing.B) {
	tenant, id, tokens := readable(b)
	listener := httptest.NewUnstartedServer(nil)
	listener.Config = listen.NewHTTPServer(tenant)
	listener.Start()
	defer listener.Close()
	byID, byName := "/scim/v2/Users/"+id, "/scim/v2/Users?filter="+url.QueryEscape(`userName eq "bjensen@example.com"`)
	for name, read := range map[string]struct{ path, token string }{
		"id":                    {byID, tokens.bearer},
		"userName":              {byName, tokens.bearer},
		"id/access token":       {byID, tokens.access},
		"userName/access token": {byName, tokens.access},
	} {
		request := httptest.NewRequest(http.MethodGet, read.path, http.NoBody)
		request.Header.Set("Authorization", "Bearer "+read.token)
		b.Run("handler/"+name, func(b *testing.B) {
			answer := &discard{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(answer.header)
				tenant.ServeHTTP(answer, request)
				if answer.status != http.StatusOK {
					b.Fatal(answer.status)
				}
			}
		})
		b.Run("loopback/"+name, func(b *testing.B) {
			exchangeRaw(b, listener.Listener.Addr().String(), request)
		})
	}
}

// BenchmarkChange is a PATCH that changes a user, with its line in the audit log and without.
func BenchmarkChange(b *testing.B) {
	for name, audited := range map[string]bool{"audited": true, "not audited": false} {
		b.Run(name, func(b *testing.B) {
			log := slog.New(slog.NewJSONHandler(struct{ io.Writer }{io.Discard}, nil))
			registry, err := schema.NewRegistry()
			if err != nil {
				b.Fatal(err)
			}
			backend := memory.New()
			user, err := document.Decode(registry.User(), []byte(servertest.Babs), scim.Leniency{})
			if err != nil {
				b.Fatal(err)
			}
			created, err := backend.Create(b.Context(), user, store.Policy{})
			if err != nil {
				b.Fatal(err)
			}
			tenant := server.NewTenant(backend, limit.Defaults(), ratelimit.New(), log, accesslog.NewMetrics(prometheus.NewRegistry(), "acme"))
			if audited {
				tenant.AuditTo(auditlog.New(log, "acme", "acme"))
			}
			bearer := admit(b, tenant, registry)
			bodies := [2][]byte{}
			for i := range bodies {
				bodies[i] = fmt.Appendf(nil, `{%s,"Operations":[{"op":"replace","value":{"title":"%d","name":{"givenName":"%[2]d"}}}]}`, servertest.PatchSchema, i)
			}
			answer := &discard{header: http.Header{}}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				request := httptest.NewRequest(http.MethodPatch, "/scim/v2/Users/"+created.ID(), bytes.NewReader(bodies[i%2]))
				request.Header.Set("Authorization", "Bearer "+bearer)
				clear(answer.header)
				tenant.ServeHTTP(answer, request)
				if answer.status != http.StatusOK {
					b.Fatal(answer.status)
				}
			}
		})
	}
}

// admit makes the tenant answer requests with a token, as many as come.
func admit(b *testing.B, tenant *server.Tenant, registry *schema.Registry) (bearer string) {
	b.Helper()
	bearer, verifier, err := apikey.Mint()
	if err != nil {
		b.Fatal(err)
	}
	profile, _ := idp.Lookup("Generic")
	tenant.Accept(auth.Keys{verifier.KeyID: {Name: "entra", Verifier: verifier}}, func() {})
	most := ratelimit.Limit{PerSecond: 1_000_000, Burst: 2_000_000}
	tenant.Configure(exchange.Settings{Path: "/scim/v2", Profile: profile, Registry: registry, Rate: ratelimit.Limits{Requests: most, Writes: most}})
	return bearer
}

// exchangeRaw sends one request again and again. The client costs next to nothing: it
// sends the same bytes and knows how many come back, since all answers are as long
// as the first.
func exchangeRaw(b *testing.B, address string, request *http.Request) {
	var dialer net.Dialer
	connection, err := dialer.DialContext(b.Context(), "tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	var sent bytes.Buffer
	if err := request.Write(&sent); err != nil {
		b.Fatal(err)
	}
	if _, err := connection.Write(sent.Bytes()); err != nil {
		b.Fatal(err)
	}
	var first bytes.Buffer
	answer, err := http.ReadResponse(bufio.NewReader(io.TeeReader(connection, &first)), request)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		b.Fatal(answer.Status, err)
	}
	received := make([]byte, first.Len())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := connection.Write(sent.Bytes()); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(connection, received); err != nil {
			b.Fatal(err)
		}
	}
	if !bytes.HasPrefix(received, []byte("HTTP/1.1 200 OK")) {
		b.Fatalf("%s", received)
	}
}

// discard is a http.ResponseWriter that keeps the status alone.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header                  { return d.header }
func (d *discard) WriteHeader(status int)               { d.status = status }
func (d *discard) Write(body []byte) (n int, err error) { return len(body), nil }

// tokens are those that a tenant accepts.
type tokens struct{ bearer, access string }

// readable is a tenant with one user, whose id is returned with tokens.
func readable(b *testing.B) (tenant *server.Tenant, id string, accepted tokens) {
	b.Helper()
	uuid.EnableRandPool() // As the server does.
	registry, err := schema.NewRegistry()
	if err != nil {
		b.Fatal(err)
	}
	backend := indexed{index: index.New()}
	key := uuid.MustParse("6b18e2d4-2639-4b61-bd3c-eb77a6b6d39b")
	user, err := document.Decode(registry.User(), []byte(servertest.Babs), scim.Leniency{})
	if err != nil {
		b.Fatal(err)
	}
	user.SetID(key.String())
	user.SetMeta(scim.Meta{Created: time.Now(), LastModified: time.Now(), Version: `W/"1"`})
	backend.index.PutUser(&index.Entry{ID: key, Compact: *compact.Of(user), Name: user.UserName(), Active: true})

	tenant = server.NewTenant(backend, limit.Defaults(), ratelimit.New(), slog.New(slog.NewJSONHandler(struct{ io.Writer }{io.Discard}, nil)), accesslog.NewMetrics(prometheus.NewRegistry(), "acme"))
	bearer, verifier, err := apikey.Mint()
	if err != nil {
		b.Fatal(err)
	}
	_, secret, err := apikey.Mint()
	if err != nil {
		b.Fatal(err)
	}
	profile, _ := idp.Lookup("Entra")
	tenant.Accept(auth.Keys{verifier.KeyID: {Verifier: verifier}, secret.KeyID: {Verifier: secret, Client: "entra"}}, func() {})
	most := ratelimit.Limit{PerSecond: 1_000_000, Burst: 2_000_000}
	const base = "https://acme.example.com/scim/v2"
	tenant.Configure(exchange.Settings{Path: "/scim/v2", Profile: profile, Registry: registry, PublicURL: base, Issuer: base, Rate: ratelimit.Limits{Requests: most, Writes: most}})
	return tenant, key.String(), tokens{bearer: bearer, access: accessToken(b, tenant, base, secret.KeyID)}
}

// accessToken is one that the tenant accepts.
func accessToken(b *testing.B, tenant *server.Tenant, issuer, keyID string) string {
	b.Helper()
	now := time.Now()
	keys, err := signingkey.Decide(nil, now).Rotate(now)
	if err != nil {
		b.Fatal(err)
	}
	tenant.SignWith(keys)
	token, _, err := oauth.Issue(keys[0], issuer, oauth.Grant{ClientID: "entra", KeyID: keyID}, time.Time{}, now)
	if err != nil {
		b.Fatal(err)
	}
	return token
}
