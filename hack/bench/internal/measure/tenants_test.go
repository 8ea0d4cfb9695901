package measure

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kubescim/kubescim/hack/bench/internal/cluster"
	"github.com/kubescim/kubescim/hack/bench/internal/load"
	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// scimOf is a SCIM server for tenants by path. It counts their users, and refuses some requests.
type scimOf struct {
	mutex    sync.Mutex
	users    map[string]int
	requests int
	refuse   func(tenant string, request int) int // the status; 0 to answer
}

func (s *scimOf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tenant := strings.Split(r.URL.Path, "/")[1]
	body, _ := io.ReadAll(r.Body)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.requests++
	if status := s.refuse(tenant, s.requests); status != 0 {
		w.WriteHeader(status)
		return
	}
	if r.Method == http.MethodPost {
		s.users[tenant]++
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id":"`+tenant+`",`+string(body[1:]))
		return
	}
	_, _ = io.WriteString(w, "user of "+tenant)
}

// populated is a population behind a server.
func populated(t *testing.T, s *scimOf, tenants ...string) *population {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	p := &population{Fleet: &cluster.Fleet{}, shared: true}
	for _, tenant := range tenants {
		p.All = append(p.All, load.Target{Base: server.URL + "/" + tenant + "/scim/v2"})
		p.users = append(p.users, &dataset{})
	}
	return p
}

func quietTenants() *tenantsBench {
	return &tenantsBench{TenantsOptions: TenantsOptions{Rounds: 2, FloodWindow: 200 * time.Millisecond, Log: func(string, ...any) {}}, run: &result.TenantsRun{}}
}

func TestFillGivesEachTenantItsUsers(t *testing.T) {
	s := &scimOf{users: map[string]int{}, refuse: func(_ string, request int) int {
		if request%7 == 0 {
			return http.StatusServiceUnavailable
		}
		return 0
	}}
	p, b := populated(t, s, "a", "b", "c"), quietTenants()
	for range attempts {
		if err := b.fill(t.Context(), p, p.lacking(40)); err != nil {
			t.Fatal(err)
		}
	}
	for i, tenant := range []string{"a", "b", "c"} {
		if s.users[tenant] != 40 || p.users[i].size() != 40 {
			t.Errorf("the tenant %s has %d users, of which %d are known; want 40", tenant, s.users[tenant], p.users[i].size())
		}
	}
	if left := p.lacking(40); len(left) != 0 {
		t.Errorf("%d users are still lacking", len(left))
	}
}

func TestFloodOnceTellsRefusalsFromFailures(t *testing.T) {
	s := &scimOf{users: map[string]int{}, refuse: func(tenant string, _ int) int {
		if tenant == "a" {
			return http.StatusTooManyRequests
		}
		return 0
	}}
	p, b := populated(t, s, "a", "b"), quietTenants()
	for i, name := range []string{"a", "b"} {
		p.users[i].users = []user{{id: name, name: "user of " + name}}
	}
	samples, refused, err := b.floodOnce(t.Context(), p, []int{0}, []int{1})
	if err != nil {
		t.Fatal(err)
	}
	if refused.Part == 0 || refused.Part < refused.Of {
		t.Errorf("%d of %d requests of the flood were refused, want all", refused.Part, refused.Of)
	}
	for _, name := range []string{result.FloodedGet, result.FloodedUpdate} {
		if got := samples[name]; got.Operations == 0 || got.Failures != 0 {
			t.Errorf("%s: got %+v, want only good answers", name, got)
		}
	}
}

func TestLarger(t *testing.T) {
	if got := larger([]float64{1, 5}, []float64{3, 4}); !slices.Equal(got, []float64{3, 5}) {
		t.Errorf("got %v", got)
	}
	if got := larger(nil, []float64{3}); !slices.Equal(got, []float64{3}) {
		t.Errorf("got %v, want the values there are", got)
	}
}

func TestCountWithoutAnAuditLogTellsTheTime(t *testing.T) {
	interval, err := quietTenants().count(t.Context(), nil, func(ctx context.Context) error { return pause(ctx, 10*time.Millisecond) })
	if err != nil || interval.Seconds < 0.01 || interval.By != nil {
		t.Errorf("got %+v and %v, want a time and no counts", interval, err)
	}
}
