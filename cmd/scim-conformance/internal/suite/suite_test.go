package suite

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"time"

	. "github.com/onsi/gomega"
)

func TestSelect(t *testing.T) {
	g := NewWithT(t)
	groups := []Group{
		{Name: "a", Cases: []Case{{Name: "one"}, {Name: "the 'second' (2)"}}},
		{Name: "b", Cases: []Case{{Name: "one"}}},
	}
	selected := func(expression string) string {
		var texts []string
		for _, group := range Select(groups, regexp.MustCompile(expression)) {
			for _, c := range group.Cases {
				texts = append(texts, group.ID(c))
			}
		}
		return strings.Join(texts, " ")
	}
	g.Expect(selected("")).To(Equal("a/one a/the-second-2 b/one"))
	g.Expect(selected("^a/")).To(Equal("a/one a/the-second-2"))
	g.Expect(selected("/one$")).To(Equal("a/one b/one"))
	g.Expect(selected("^b/")).To(Equal("b/one"))
	g.Expect(selected("nothing")).To(BeEmpty())
}

// fakeServer is a server of a few answers.
type fakeServer struct {
	mu      sync.Mutex
	deleted []string
	limited int
}

func (s *fakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", MediaSCIM)
	switch {
	case r.URL.Path == "/ServiceProviderConfig":
		fmt.Fprintf(w, `{"schemas":[%q],"patch":{"supported":true},"sort":{"supported":false},"bulk":{"supported":false},"etag":{"supported":false}}`, URNConfig)
	case r.URL.Path == "/limited":
		if s.limited++; s.limited < 3 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		fmt.Fprint(w, `{"schemas":["x"]}`)
	case r.Method == http.MethodPost && r.URL.Path == "/Users":
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"schemas":[%q],"id":"1","userName":"x"}`, URNUser)
	case r.Method == http.MethodDelete:
		s.deleted = append(s.deleted, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path == "/Bulk":
		w.WriteHeader(http.StatusInternalServerError)
	default:
		w.WriteHeader(http.StatusNotImplemented)
		fmt.Fprintf(w, `{"schemas":[%q],"status":"501"}`, URNError)
	}
}

func TestRun(t *testing.T) {
	g := NewWithT(t)
	fake := &fakeServer{}
	web := httptest.NewServer(fake)
	defer web.Close()
	s, err := New(Options{Tenant: Target{web.URL, "very-secret"}, Profile: "Generic", Parallel: 2, RequestTimeout: 5 * time.Second, CaseTimeout: 20 * time.Second, Skip: regexp.MustCompile("/unwanted$")})
	g.Expect(err).NotTo(HaveOccurred())
	results := s.Run(Group{Name: "g", Cases: []Case{
		{Name: "passes", Source: "test", Run: func(t *T) { t.User() }},
		{Name: "fails", Source: "test", Run: func(t *T) { t.Get("/x?very-secret", "Authorization", "Bearer very-secret").OK(http.StatusOK) }},
		{Name: "honest", Source: "test", Needs: Needs(SortFeature), Run: func(*T) { panic("not to be run") }},
		{Name: "lies", Source: "test", Needs: Needs(BulkFeature), Run: func(*T) { panic("not to be run") }},
		{Name: "lies-again", Source: "test", Needs: Needs(BulkFeature), Run: func(*T) { panic("not to be run") }},
		{Name: "other", Source: "test", Needs: Needs(OtherTenant), Run: func(*T) { panic("not to be run") }},
		{Name: "broken", Source: "test", Run: func(*T) { panic("oh") }},
		{Name: "limited", Source: "test", Run: func(t *T) { t.Get("/limited").OK(http.StatusOK) }},
		{Name: "unwanted", Source: "test", Run: func(*T) { panic("not to be run") }},
		{Name: "concurrent", Source: "test", Run: func(t *T) {
			Together(t, Request{Method: http.MethodGet, Path: "/a"}, Request{Method: http.MethodGet, Path: "/b"})[1].Refused(http.StatusNotImplemented)
		}},
	}})
	outcomes := map[string]Outcome{}
	for _, r := range results {
		outcomes[r.ID] = r.Outcome
	}
	g.Expect(outcomes).To(Equal(map[string]Outcome{"g/passes": Passed, "g/fails": Failed, "g/honest": NotApplicable, "g/lies": Failed, "g/lies-again": Failed,
		"g/other": NotApplicable, "g/unwanted": Skipped, "g/broken": Failed, "g/limited": Passed, "g/concurrent": Passed}))
	g.Expect(fake.deleted).To(Equal([]string{"/Users/1"}), "what a case makes is deleted")
	failure := results[1]
	text := failure.At.String() + failure.Reason
	g.Expect(text).To(ContainSubstring("GET " + web.URL + "/x?"))
	g.Expect(text).To(ContainSubstring("answer: 501"))
	g.Expect(text).To(ContainSubstring("status 200"))
	g.Expect(text).NotTo(ContainSubstring("very-secret"))
	g.Expect(results[6].Reason).To(ContainSubstring("oh"))
}
