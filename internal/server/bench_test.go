package server

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/idp"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
)

// indexed is a store that reads from an index, as a replica does.
type indexed struct {
	store.Store
	index *index.Index
}

func (s indexed) Get(_ context.Context, t *scim.ResourceType, id string, view store.View) (*scim.Resource, error) {
	found, known := s.index.Get(t, id, view)
	if !known {
		return nil, store.NotFound(t, id)
	}
	return found, nil
}

func (s indexed) List(ctx context.Context, t *scim.ResourceType, query store.Query) (*store.Page, error) {
	return s.index.List(ctx, t, query)
}

// BenchmarkRead is a request and its answer, without the network.
func BenchmarkRead(b *testing.B) {
	registry, err := scim.NewRegistry()
	if err != nil {
		b.Fatal(err)
	}
	backend := indexed{index: index.New()}
	id := uuid.MustParse("6b18e2d4-2639-4b61-bd3c-eb77a6b6d39b")
	user, err := registry.User().Decode([]byte(babs), scim.Leniency{})
	if err != nil {
		b.Fatal(err)
	}
	user.SetID(id.String())
	user.SetMeta(scim.Meta{Created: time.Now(), LastModified: time.Now(), Version: `W/"1"`})
	backend.index.PutUser(&index.Entry{ID: id, Frozen: user.Freeze(), Name: scim.Fold(user.UserName()), Active: true})

	tenant := NewTenant(backend, DefaultLimits(), slog.New(slog.NewJSONHandler(struct{ io.Writer }{io.Discard}, nil)), NewMetrics(prometheus.NewRegistry(), "acme"))
	token, verifier, err := apikey.Mint()
	if err != nil {
		b.Fatal(err)
	}
	profile, _ := idp.Lookup("Entra")
	tenant.Accept(Keys{verifier.KeyID: verifier})
	tenant.Configure(Settings{Path: "/scim/v2", Profile: profile, Registry: registry, PublicURL: "https://acme.example.com/scim/v2"})
	for name, path := range map[string]string{
		"id":       "/scim/v2/Users/" + id.String(),
		"userName": "/scim/v2/Users?filter=" + url.QueryEscape(`userName eq "`+user.UserName()+`"`),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				request := httptest.NewRequest(http.MethodGet, path, http.NoBody)
				request.Header.Set("Authorization", "Bearer "+token)
				answer := httptest.NewRecorder()
				tenant.ServeHTTP(answer, request)
				if answer.Code != http.StatusOK {
					b.Fatal(answer.Code, answer.Body.String())
				}
			}
		})
	}
}
