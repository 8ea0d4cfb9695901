package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/idp"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/conformance"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// Requests at random go to a tenant that is kept in memory by one map, and to
// another that is kept in the cluster by two replicas. Clients cannot tell them apart.
var _ = DescribeTable("Random requests are answered as by the store in memory",
	func(profile string, policy store.Policy, open func() conformance.Backend) {
		seed := uint64(GinkgoRandomSeed())
		AddReportEntry(fmt.Sprintf("seed %d", seed))
		backend := open()
		twins := newTwins(profile, policy, seed, backend.Replica(), backend.Replica())
		for range 400 {
			twins.compare(twins.request())
		}
		Expect(len(twins.users)+len(twins.groups)+len(twins.gone)).To(BeNumerically(">", 10), "most requests are about something")
	},
	Entry("read live, for a provider that is strict and keeps users", "Generic", store.Policy{KeepDeletedUsers: true, RejectUnknownMembers: true}, func() conformance.Backend {
		return backend{namespace: newNamespace(context.Background())}
	}),
	Entry("read from memory, for one that is lenient", "Entra", store.Policy{}, func() conformance.Backend {
		return &replicas{backend: backend{namespace: newNamespace(context.Background())}}
	}),
	Entry("with slices of few members", "Okta", store.Policy{KeepDeletedUsers: true}, func() conformance.Backend {
		return &replicas{backend: backend{namespace: newNamespace(context.Background())}, sizes: sizes{inline: 1, slice: 3}}
	}),
	Entry("with slices of few members, read live", "OneLogin", store.Policy{}, func() conformance.Backend {
		return backend{namespace: newNamespace(context.Background()), sizes: sizes{inline: 1, slice: 3}}
	}),
)

// twins are two tenants that get the same requests.
type twins struct {
	generator
	memory, cluster *twin
}

func newTwins(profile string, policy store.Policy, seed uint64, replicas ...store.Store) *twins {
	return &twins{
		generator: generator{Rand: rand.New(rand.NewPCG(seed, 0))},
		memory:    newTwin(profile, policy, memory.New()),
		cluster:   newTwin(profile, policy, replicas...),
	}
}

// twin is one of them. In requests, and in what is compared of answers, a symbol
// stands for the id that each has for the same resource.
type twin struct {
	replicas []http.Handler
	token    string
	ids      map[string]string // by symbol
	symbols  map[string]string // by id
	versions map[string]string // by path
	turn     int
}

func newTwin(profile string, policy store.Policy, stores ...store.Store) *twin {
	GinkgoHelper()
	token, verifier, err := apikey.Mint()
	Expect(err).NotTo(HaveOccurred())
	departures, known := idp.Lookup(profile)
	Expect(known).To(BeTrue())
	t := &twin{token: token, ids: map[string]string{}, symbols: map[string]string{}, versions: map[string]string{}}
	for _, each := range stores {
		tenant := server.NewTenant(each, limit.Defaults(), ratelimit.New(), slog.New(slog.DiscardHandler),
			accesslog.NewMetrics(prometheus.NewRegistry(), "acme"))
		tenant.Configure(exchange.Settings{Path: "/scim/v2", Registry: registry, Profile: departures, Policy: policy})
		tenant.Accept(auth.Keys{verifier.KeyID: {Verifier: verifier}}, func() {})
		t.replicas = append(t.replicas, tenant)
	}
	return t
}

// reply is an answer, as far as the two must agree.
type reply struct {
	status  int
	id      string // the real one, of what was created
	body    string // with symbols for ids, and without times, versions and ids of requests
	changed bool   // the ETag is another one than in the answer before to this path
}

// answer sends a request to one of the replicas, to another each time.
func (t *twin) answer(r call) reply {
	GinkgoHelper()
	var named []string
	for symbol, id := range t.ids {
		named = append(named, "{"+symbol+"}", id)
	}
	ids := strings.NewReplacer(named...)
	request := httptest.NewRequest(r.method, "http://scim.example.com/scim/v2"+ids.Replace(r.path), strings.NewReader(ids.Replace(r.body)))
	request.Header.Set("Authorization", "Bearer "+t.token)
	recorder := httptest.NewRecorder()
	t.replicas[t.turn%len(t.replicas)].ServeHTTP(recorder, request)
	t.turn++
	got := reply{status: recorder.Code}
	var document map[string]any
	if recorder.Body.Len() > 0 {
		Expect(json.Unmarshal(recorder.Body.Bytes(), &document)).To(Succeed(), recorder.Body.String())
	}
	if got.status == http.StatusCreated {
		got.id, _ = document["id"].(string)
	}
	if version := recorder.Header().Get("ETag"); version != "" && r.method != http.MethodPost {
		path, _, _ := strings.Cut(r.path, "?")
		got.changed = version != t.versions[path]
		t.versions[path] = version
	}
	body, err := json.Marshal(t.comparable(document))
	Expect(err).NotTo(HaveOccurred())
	got.body = string(body)
	return got
}

// comparable leaves out what may differ, and sorts references, whose order means
// nothing.
func (t *twin) comparable(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, own := range []string{"created", "lastModified", "version"} {
			delete(v, own)
		}
		for name := range v {
			v[name] = t.comparable(v[name])
			if references, ok := v[name].([]any); ok && (name == "members" || name == "groups") {
				slices.SortFunc(references, func(x, y any) int { return strings.Compare(fmt.Sprint(x), fmt.Sprint(y)) })
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = t.comparable(v[i])
		}
		return v
	case string:
		v, _, _ = strings.Cut(v, " (request id ")
		for id, symbol := range t.symbols {
			v = strings.ReplaceAll(v, id, symbol)
		}
		return v
	default:
		return v
	}
}

// compare sends a request to both and compares the answers.
func (t *twins) compare(r call) {
	GinkgoHelper()
	one, other := t.memory.answer(r), t.cluster.answer(r)
	if one.status == http.StatusConflict && strings.Contains(other.body, "no user or group") {
		other = one // A group of a taken name with an unknown member: either may be told.
	}
	if one.id != "" && other.id != "" {
		symbol := t.memory.symbols[one.id]
		Expect(t.cluster.symbols[other.id]).To(Equal(symbol), "the id of a user who comes back is the same: %v", r)
		if symbol == "" {
			symbol = t.created(r.path)
			for twin, id := range map[*twin]string{t.memory: one.id, t.cluster: other.id} {
				twin.ids[symbol], twin.symbols[id] = id, symbol
			}
			one.body, other.body = strings.ReplaceAll(one.body, one.id, symbol), strings.ReplaceAll(other.body, other.id, symbol)
		} else {
			t.cameBack(symbol)
		}
	}
	if r.method == http.MethodDelete && one.status == http.StatusNoContent {
		t.deleted(r.symbol())
	}
	one.id, other.id = "", ""
	Expect(other).To(Equal(one), "%s %s\n%s", r.method, r.path, r.body)
}
