package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/idp"
	"github.com/kubescim/kubescim/internal/scim"
)

func TestCasesAreWellFormed(t *testing.T) {
	g := NewWithT(t)
	seen := map[string]bool{}
	for _, group := range allGroups() {
		for _, c := range group.cases {
			g.Expect(seen[c.id]).To(BeFalse(), "the id %s is there twice", c.id)
			seen[c.id] = true
			g.Expect(c.name).NotTo(BeEmpty(), c.id)
			g.Expect(c.source).NotTo(BeEmpty(), c.id)
			g.Expect(c.run).NotTo(BeNil(), c.id)
		}
	}
	for number := 1; number <= 37; number++ {
		id := regexp.MustCompile(fmt.Sprintf(`^trap-%02d[a-zA-Z-]*$`, number))
		g.Expect(slices.ContainsFunc(keys(seen), id.MatchString)).To(BeTrue(), "no case for trap %d", number)
	}
}

func keys(m map[string]bool) (names []string) {
	for name := range m {
		names = append(names, name)
	}
	return names
}

// What the cases expect of which provider's server is what this project's profiles
// have, and every leniency has a case.
func TestLenientCasesAgreeWithTheProfiles(t *testing.T) {
	g := NewWithT(t)
	cases := map[string]lenience{}
	for _, l := range slices.Concat(lenientValues(), lenientElements(), lenientNames()) {
		cases[l.field] = l
	}
	fields := reflect.TypeFor[scim.Leniency]()
	g.Expect(fields.NumField()).To(BeNumerically(">", 0))
	for i := range fields.NumField() {
		field := fields.Field(i).Name
		l, there := cases[field]
		g.Expect(there).To(BeTrue(), "no case for %s", field)
		for _, profile := range idp.Profiles() {
			g.Expect(profiles).To(ContainElement(profile.Name))
			on := reflect.ValueOf(profile.Leniency).Field(i).Bool()
			switch {
			case profile.Name != "Generic":
				g.Expect(slices.Contains(l.by, profile.Name)).To(Equal(on), "%s of %s", field, profile.Name)
			case on:
				g.Expect(l.strictly).NotTo(Equal(mustRefuse), "%s of Generic", field)
			}
		}
	}
}

func TestSelectCases(t *testing.T) {
	g := NewWithT(t)
	groups := []group{
		{name: "a", cases: []testCase{{id: "one", name: "first"}, {id: "two", name: "second"}}},
		{name: "b", cases: []testCase{{id: "one", name: "third"}}},
	}
	selected := func(expression string) string {
		var texts []string
		for _, group := range selectCases(groups, regexp.MustCompile(expression)) {
			for _, c := range group.cases {
				texts = append(texts, group.name+"/"+c.id)
			}
		}
		return strings.Join(texts, " ")
	}
	g.Expect(selected("")).To(Equal("a/one a/two b/one"))
	g.Expect(selected("^a/")).To(Equal("a/one a/two"))
	g.Expect(selected("/one$")).To(Equal("a/one b/one"))
	g.Expect(selected("third")).To(Equal("b/one"))
	g.Expect(selected("nothing")).To(BeEmpty())
}

func TestExitStatus(t *testing.T) {
	g := NewWithT(t)
	g.Expect(tally{passed: 1}.status()).To(Equal(exitPassed))
	g.Expect(tally{notApplicable: 1}.status()).To(Equal(exitPassed))
	g.Expect(tally{passed: 9, failed: 1}.status()).To(Equal(exitFailed))
	g.Expect(tally{}.status()).To(Equal(exitUnknown), "a run of nothing has shown nothing")
	g.Expect(tally{1, 2, 3}.plus(tally{1, 1, 1}).String()).To(Equal("2 passed, 3 failed, 4 not applicable"))
}

func TestTable(t *testing.T) {
	g := NewWithT(t)
	var out bytes.Buffer
	printGroup(&out, group{name: "g", about: "things"}, []result{
		{testCase: testCase{id: "a", name: "first", source: "RFC 1"}, outcome: passed},
		{testCase: testCase{id: "long-id", name: "second", source: "RFC 2"}, outcome: notApplicable, why: "no bulk"},
	})
	g.Expect(out.String()).To(Equal("\ng: things\n" +
		"  a        first   RFC 1  PASS\n" +
		"  long-id  second  RFC 2  N/A (no bulk)\n" +
		"g: 1 passed, 0 failed, 1 not applicable\n"))
}

func TestParse(t *testing.T) {
	g := NewWithT(t)
	file := filepath.Join(t.TempDir(), "token")
	g.Expect(os.WriteFile(file, []byte(" secret\n"), 0o600)).To(Succeed())
	none := func(string) string { return "" }
	environment := func(name string) string {
		return map[string]string{"SCIM_URL": "https://scim.example.com/v2/", "SCIM_TOKEN": "t", "SCIM_URL_B": "https://b.example.com/v2", "SCIM_TOKEN_B": "u"}[name]
	}
	o, err := parse([]string{"--url", "https://scim.example.com/v2", "--token-file", file, "--profile", "Okta", "--run", "trap"}, none, &bytes.Buffer{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(o.main).To(Equal(target{"https://scim.example.com/v2", "secret"}))
	o, err = parse(nil, environment, &bytes.Buffer{})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(o.main).To(Equal(target{"https://scim.example.com/v2", "t"}))
	g.Expect(o.other).To(Equal(target{"https://b.example.com/v2", "u"}))
	g.Expect(o.profile).To(Equal("Generic"))
	for _, bad := range [][]string{
		{}, {"--url", "https://scim.example.com"}, {"--token-file", file}, {"--url", "u", "--token-file", file + "x"}, {"--url", "u", "--token-file", file, "--profile", "Nobody"},
		{"--url", "u", "--token-file", file, "--run", "("}, {"--url", "u", "--token-file", file, "--other-url", "v"}, {"--url", "u", "--token-file", file, "extra"},
		{"--url", "u", "--token-file", file, "--parallel", "0"}, {"--token", "x"},
	} {
		var out, errs bytes.Buffer
		g.Expect(execute(bad, none, &out, &errs)).To(Equal(exitUnknown), "%v", bad)
		g.Expect(errs.String()).NotTo(BeEmpty())
	}
	var out bytes.Buffer
	g.Expect(execute([]string{"--list", "--run", "trap-01"}, none, &out, &out)).To(Equal(exitPassed))
	g.Expect(out.String()).To(ContainSubstring("trap-01a"))
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
	w.Header().Set("Content-Type", mediaSCIM)
	switch {
	case r.URL.Path == "/ServiceProviderConfig":
		fmt.Fprintf(w, `{"schemas":[%q],"patch":{"supported":true},"sort":{"supported":false},"bulk":{"supported":false},"etag":{"supported":false}}`, urnConfig)
	case r.URL.Path == "/limited":
		if s.limited++; s.limited < 3 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		fmt.Fprint(w, `{"schemas":["x"]}`)
	case r.Method == http.MethodPost && r.URL.Path == "/Users":
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"schemas":[%q],"id":"1","userName":"x"}`, urnUser)
	case r.Method == http.MethodDelete:
		s.deleted = append(s.deleted, r.URL.Path)
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path == "/Bulk":
		w.WriteHeader(http.StatusInternalServerError)
	default:
		w.WriteHeader(http.StatusNotImplemented)
		fmt.Fprintf(w, `{"schemas":[%q],"status":"501"}`, urnError)
	}
}

func TestRun(t *testing.T) {
	g := NewWithT(t)
	fake := &fakeServer{}
	web := httptest.NewServer(fake)
	defer web.Close()
	s, err := newSuite(options{main: target{web.URL, "very-secret"}, profile: "Generic", parallel: 2, requestTimeout: 5 * time.Second, caseTimeout: 20 * time.Second})
	g.Expect(err).NotTo(HaveOccurred())
	results := s.run(group{name: "g", cases: []testCase{
		{"passes", "passes", "test", nil, func(t *T) { t.user() }},
		{"fails", "fails", "test", nil, func(t *T) { t.get("/x?very-secret", "Authorization", "Bearer very-secret").ok(http.StatusOK) }},
		{"honest", "honest", "test", needs(sortFeature), func(*T) { panic("not to be run") }},
		{"lies", "lies", "test", needs(bulkFeature), func(*T) { panic("not to be run") }},
		{"lies-again", "lies", "test", needs(bulkFeature), func(*T) { panic("not to be run") }},
		{"other", "other", "test", needs(otherTenant), func(*T) { panic("not to be run") }},
		{"broken", "broken", "test", nil, func(*T) { panic("oh") }},
		{"limited", "limited", "test", nil, func(t *T) { t.get("/limited").ok(http.StatusOK) }},
		{"concurrent", "concurrent", "test", nil, func(t *T) {
			t.together(request{method: http.MethodGet, path: "/a"}, request{method: http.MethodGet, path: "/b"})[1].refused(http.StatusNotImplemented)
		}},
	}})
	outcomes := map[string]outcome{}
	for _, r := range results {
		outcomes[r.id] = r.outcome
	}
	g.Expect(outcomes).To(Equal(map[string]outcome{"passes": passed, "fails": failed, "honest": notApplicable, "lies": failed, "lies-again": failed,
		"other": notApplicable, "broken": failed, "limited": passed, "concurrent": passed}))
	g.Expect(fake.deleted).To(Equal([]string{"/Users/1"}), "what a case makes is deleted")
	var out bytes.Buffer
	printFailures(&out, results, true)
	g.Expect(out.String()).To(ContainSubstring("GET " + web.URL + "/x?"))
	g.Expect(out.String()).To(ContainSubstring("answer: 501"))
	g.Expect(out.String()).To(ContainSubstring("expected: status 200"))
	g.Expect(out.String()).To(ContainSubstring("oh"))
	g.Expect(out.String()).NotTo(ContainSubstring("very-secret"))
}

func TestNoServer(t *testing.T) {
	g := NewWithT(t)
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	environment := func(name string) string {
		return map[string]string{"SCIM_URL": web.URL, "SCIM_TOKEN": "very-secret"}[name]
	}
	var out, errs bytes.Buffer
	g.Expect(execute(nil, environment, &out, &errs)).To(Equal(exitUnknown))
	g.Expect(errs.String()).To(ContainSubstring("ServiceProviderConfig"))
	g.Expect(errs.String()).NotTo(ContainSubstring("very-secret"))
}

func TestHostileRequestsAreTheSameForTheSameSeed(t *testing.T) {
	g := NewWithT(t)
	s := &suite{mark: "m"}
	running := s.newT()
	r := &resource{t: running, path: "/Users/1"}
	for i, kind := range hostileKinds {
		if i == 0 || i == 1 {
			continue // They have random names.
		}
		make10 := func() (texts []string) {
			f := newFuzz(7, i)
			for range 10 {
				request := kind.make(f, r, r)
				texts = append(texts, request.method+request.path+request.body)
			}
			return texts
		}
		g.Expect(make10()).To(Equal(make10()), kind.id)
	}
}
