package hosting_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/prometheus/client_golang/prometheus"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/federation"
	"github.com/kubescim/kubescim/internal/hosting"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/readindex/driver"
	"github.com/kubescim/kubescim/internal/replica"
	"github.com/kubescim/kubescim/internal/server/listen"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
)

// pod is one of a server of one tenant or of many, with the replicas that it really has.
type pod struct {
	*hosting.Process
	name, server string // server is the name of its Service
	ports        *listen.Ports
	host         string                 // of the ports
	url          string                 // at which the tenant is, with its own path
	hold         atomic.Pointer[func()] // called once before it creates an object, if it is set
}

// client is a client of the pod that can be held.
func (p *pod) client() client.Client {
	return interceptor.NewClient(admin, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.CreateOption) error {
			if hold := p.hold.Swap(nil); hold != nil {
				(*hold)()
			}
			return c.Create(ctx, object, opts...)
		},
	})
}

// startPod starts a pod of the tenant's own server, or else of the shared one, which ends with the test.
func startPod(namespace, tenant, name string) *pod {
	GinkgoHelper()
	log, metrics, marks := slog.New(slog.NewTextHandler(GinkgoWriter, nil)).With("at", name), prometheus.NewRegistry(), readindex.NewMarks()
	watching, err := cache.NewWatchClient(admin, config)
	Expect(err).NotTo(HaveOccurred())
	p, rates := &pod{name: name, server: contract.ServiceName(tenant), host: newHost()}, ratelimit.New()
	p.ports = listen.NewPorts(net.JoinHostPort(p.host, "0"), log)
	streams, server := cache.NewStreamsOf(watching, client.ObjectKey{Namespace: namespace, Name: tenant}, marks, log), ""
	if tenant == "" {
		server, p.server, streams = "shared", contract.SharedServiceName("shared"), cache.NewStreams(watching, namespace, marks, log)
	}
	members, err := driver.New(driver.Options{
		Client: admin, Tenant: tenant, Server: server, Listen: "127.0.0.1:0", Log: streams, Marks: marks, Logger: log, Metrics: metrics, Rates: rates,
		Pod: driver.Pod{Namespace: namespace, Name: name, UID: "uid-of-" + name, IP: "127.0.0.1"},
	})
	Expect(err).NotTo(HaveOccurred())
	fetch := func(context.Context, federation.Origin) (federation.KeySet, error) {
		return federation.KeySet{}, fmt.Errorf("there is no issuer")
	}
	p.Process, err = hosting.New(hosting.Options{
		Only: tenant, Namespace: namespace, Client: p.client(), Streams: streams, Members: members, Ports: p.ports, Rates: rates,
		Issuers:  federation.NewIssuers(fetch, log, federation.NewMetrics(metrics, tenant)),
		Recorder: events.NewFakeRecorder(100), Metrics: metrics, Log: log,
	})
	Expect(err).NotTo(HaveOccurred())
	follower := &replica.Replica{Client: admin, Tenants: p.Process, Namespace: namespace, Name: tenant, Server: server, Members: members, Log: log}
	running, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { follower.Run(running) })
	all.Go(func() { streams.Run(running, members) })
	all.Go(func() { _ = members.Run(running) })
	url, end := serveHTTP(p.Process, p.ports)
	if p.url = url; tenant == "" {
		p.url = "http://" + net.JoinHostPort(p.host, strconv.Itoa(port))
	}
	DeferCleanup(func() {
		end()
		stop()
		all.Wait()
	})
	return p
}

// port is the one at which shared servers serve the tenant alone.
const port = 10007

// in is a server in a mode, with the port of the tenant if it is a shared one.
func in(server string, mode scimv1alpha1.HostingMode) scimv1alpha1.TenantServer {
	how := scimv1alpha1.TenantServer{Name: server, Mode: mode}
	if _, shared := contract.SharedServerOf(server); shared {
		how.Port = port
	}
	return how
}

// usage is what the pod says of the tenant.
func (p *pod) usage() contract.TenantUsage { return usageOf(p.Process)["acme"] }

// move is a tenant that is moved, with its servers.
type move struct {
	namespace string
	pods      []*pod
	// sent are the pods that clients send requests to. It is held while one is under way.
	mu   sync.RWMutex
	sent []*pod

	token           string
	revision        string // at which the tenant was written last
	requests, wrong atomic.Int64
}

// of are the pods of a server.
func (m *move) of(server string) (pods []*pod) {
	for _, p := range m.pods {
		if p.server == server {
			pods = append(pods, p)
		}
	}
	return pods
}

// host writes which servers host the tenant, and waits until the pods of some servers go by it.
func (m *move) host(ctx context.Context, by []string, servers ...scimv1alpha1.TenantServer) {
	GinkgoHelper()
	tenant := &scimv1alpha1.ScimTenant{}
	Eventually(func(g Gomega) {
		g.Expect(admin.Get(ctx, client.ObjectKey{Namespace: m.namespace, Name: "acme"}, tenant)).To(Succeed())
		tenant.Status.Servers = servers
		g.Expect(admin.Status().Update(ctx, tenant)).To(Succeed())
	}).Should(Succeed())
	for _, server := range by {
		for _, p := range m.of(server) {
			Eventually(m.reached(ctx, p, tenant.ResourceVersion)).WithPolling(5*time.Millisecond).Should(BeTrue(), p.name)
		}
	}
	m.revision = tenant.ResourceVersion
}

// reached reports whether a pod states that it goes by a revision of the tenant.
func (m *move) reached(ctx context.Context, p *pod, revision string) func() bool {
	return func() bool {
		lease := coordinationv1.Lease{}
		err := admin.Get(ctx, client.ObjectKey{Namespace: m.namespace, Name: p.name}, &lease)
		return err == nil && contract.HasReached(lease, revision)
	}
}

// send makes clients send their requests to other pods, once none is under way.
func (m *move) send(to ...*pod) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent = to
}

// hosts are those at which clients send requests to the tenant's Service: its name, its IP address, that of a
// node, and one that a proxy has.
func (m *move) hosts() []string {
	return []string{"acme-scim." + m.namespace + ".svc", "10.96.3.7", "127.0.0.1:30080", "gateway.example.com"}
}

// do sends a request to one of the pods, as to the tenant's Service.
func (m *move) do(method, path, body string) (doc map[string]any) {
	defer GinkgoRecover()
	m.mu.RLock()
	defer m.mu.RUnlock()
	at := m.sent[rand.IntN(len(m.sent))]
	request, err := http.NewRequest(method, at.url+"/scim/v2"+path, strings.NewReader(body))
	Expect(err).NotTo(HaveOccurred())
	request.Host = m.hosts()[rand.IntN(len(m.hosts()))]
	request.Header.Set("Authorization", "Bearer "+m.token)
	response, err := http.DefaultClient.Do(request)
	Expect(err).NotTo(HaveOccurred())
	text, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred())
	Expect(response.Body.Close()).To(Succeed())
	Expect(response.StatusCode).To(BeNumerically("<", 300), "%s %s at %s: %s", method, path, at.name, text)
	m.requests.Add(1)
	_ = json.Unmarshal(text, &doc) // Not every answer has a body.
	if meta, is := doc["meta"].(map[string]any); is {
		Expect(meta["location"]).To(HavePrefix("http://" + request.Host + "/scim/v2/Users/"))
	}
	return doc
}

// client writes and reads by turns, and counts what it does not find that it should.
func (m *move) client(ctx context.Context, number int) {
	expect := func(what string, got, want any) {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			m.wrong.Add(1)
			fmt.Fprintf(GinkgoWriter, "client %d: %s is %v, want %v\n", number, what, got, want)
		}
	}
	name := fmt.Sprintf("user%d", number)
	made := m.do(http.MethodPost, "/Users", user(name))
	path := fmt.Sprintf("/Users/%s", made["id"])
	for change := 0; ctx.Err() == nil; change++ {
		title := fmt.Sprintf("title %d", change)
		m.do(http.MethodPatch, path, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":"`+title+`"}]}`)
		expect("what was written", m.do(http.MethodGet, path, "")["title"], title)
		found := m.do(http.MethodGet, "/Users?filter=userName+eq+%22"+name+"%22+and+title+eq+%22"+strings.ReplaceAll(title, " ", "+")+"%22", "")
		expect("who has it", found["totalResults"], 1)
		other := m.do(http.MethodPost, "/Users", user(fmt.Sprintf("%s-%d", name, change)))
		expect("whoever is new", m.do(http.MethodGet, "/Users?filter=id+eq+%22"+fmt.Sprint(other["id"])+"%22", "")["totalResults"], 1)
		m.do(http.MethodDelete, fmt.Sprintf("/Users/%s", other["id"]), "")
		expect("whoever is gone", m.do(http.MethodGet, "/Users?filter=id+eq+%22"+fmt.Sprint(other["id"])+"%22", "")["totalResults"], 0)
	}
}

// from moves the tenant from one server to another, as the operator does.
func (m *move) from(ctx context.Context, source, target string) {
	GinkgoHelper()
	const memory, live = scimv1alpha1.HostingModeMemory, scimv1alpha1.HostingModeLive
	sources, targets := m.of(source), m.of(target)
	for _, p := range targets {
		Eventually(p.Router().Ready).Should(BeTrue(), p.name)
		Expect(p.usage()).To(Or(BeZero(), HaveField("State", contract.ServingNothing)), p.name)
	}
	for _, p := range sources {
		Eventually(p.usage).Should(And(HaveField("State", contract.ServingMemory), HaveField("IdleSeconds", BeNil())), p.name)
	}
	m.host(ctx, []string{source}, in(source, live))
	for _, p := range sources {
		Expect(p.usage()).To(HaveField("State", contract.ServingLive), p.name)
	}
	m.host(ctx, []string{target}, in(source, live), in(target, live))
	for _, p := range targets {
		Eventually(p.usage).Should(HaveField("State", contract.ServingLive), p.name)
	}
	m.send(append(sources, targets...)...)
	m.some()
	m.host(ctx, nil, in(target, live), in(source, live))
	m.some()
	Consistently(func() (idle []int64) {
		for _, p := range sources {
			if seconds := p.usage().IdleSeconds; seconds != nil {
				idle = append(idle, *seconds)
			}
		}
		return idle
	}, "500ms").Should(HaveEach(BeZero()), "some clients are still there")
	for _, p := range sources {
		Eventually(p.usage).Should(HaveField("LastKeyID", Not(BeEmpty())), p.name)
	}
	m.send(targets...)
	for _, p := range sources {
		Eventually(p.usage).Should(HaveField("IdleSeconds", HaveValue(BeNumerically(">=", 1))), p.name)
	}
	m.host(ctx, []string{source}, in(target, live))
	m.some()
	m.host(ctx, []string{target}, in(target, memory))
	for _, p := range targets {
		Eventually(p.usage).Should(HaveField("State", contract.ServingMemory), p.name)
	}
	for _, p := range sources {
		Expect(p.usage()).To(Or(BeZero(), HaveField("State", contract.ServingNothing)), p.name)
	}
	m.some()
}

// some waits until clients have sent some requests more.
func (m *move) some() {
	GinkgoHelper()
	Eventually(m.requests.Load).Should(BeNumerically(">", m.requests.Load()+50))
}

var _ = Describe("A tenant that is moved between servers", func() {
	It("loses no request, and shows whatever was written, at whichever server", func(ctx SpecContext) {
		m := &move{namespace: newNamespace(ctx)}
		m.token = apply(ctx, m.namespace, "acme", unlimited)
		own, shared := contract.ServiceName("acme"), contract.SharedServiceName("shared")
		m.host(ctx, nil)
		for i := range 2 {
			m.pods = append(m.pods, startPod(m.namespace, "acme", fmt.Sprintf("own-%d", i)), startPod(m.namespace, "", fmt.Sprintf("shared-%d", i)))
		}
		for _, p := range m.of(own) {
			Eventually(p.usage).Should(HaveField("State", contract.ServingMemory), "it is its own server's until it is moved")
			Eventually(p.Router().Ready).Should(BeTrue())
		}
		m.send(m.of(own)...)
		clients, stop := context.WithCancel(ctx)
		var running sync.WaitGroup
		DeferCleanup(func() { stop(); running.Wait() })
		for number := range 4 {
			running.Go(func() { m.client(clients, number) })
		}
		m.some()
		m.from(ctx, own, shared)
		m.from(ctx, shared, own)
		stop()
		running.Wait()
		Expect(m.wrong.Load()).To(BeZero(), "of %d requests", m.requests.Load())
		GinkgoWriter.Printf("%d requests\n", m.requests.Load())
	})
})

var _ = Describe("A pod of a tenant's own server", func() {
	const memory, live = scimv1alpha1.HostingModeMemory, scimv1alpha1.HostingModeLive
	var (
		m *move
		p *pod
	)
	BeforeEach(func(ctx SpecContext) {
		m = &move{namespace: newNamespace(ctx)}
		m.token = apply(ctx, m.namespace, "acme", unlimited)
	})
	start := func(name string) *pod {
		GinkgoHelper()
		p := startPod(m.namespace, "acme", name)
		m.pods = append(m.pods, p)
		Eventually(p.Router().Ready).Should(BeTrue())
		return p
	}

	It("goes by another mode once what it has begun before has ended", func(ctx SpecContext) {
		m.host(ctx, nil)
		p = start("own-0")
		m.send(p)
		for number, step := range []struct {
			servers []scimv1alpha1.TenantServer
			waits   bool // for the request that is under way
		}{
			{[]scimv1alpha1.TenantServer{in("acme-scim", live)}, true},
			{[]scimv1alpha1.TenantServer{in("acme-scim", live), in("shared-scim-server", live)}, false},
			{[]scimv1alpha1.TenantServer{in("shared-scim-server", live)}, true},
		} {
			held, release, answered := make(chan struct{}), make(chan struct{}), make(chan struct{})
			letGo := sync.OnceFunc(func() { close(release) })
			DeferCleanup(letGo)
			hold := func() { close(held); <-release }
			p.hold.Store(&hold)
			go func() {
				defer close(answered)
				m.do(http.MethodPost, "/Users", user(fmt.Sprintf("babs%d", number)))
			}()
			Eventually(held).Should(BeClosed())
			m.host(ctx, nil, step.servers...)
			if reached := m.reached(ctx, p, m.revision); step.waits {
				Consistently(reached, "300ms").Should(BeFalse(), "a user is being created")
			} else {
				Eventually(reached).Should(BeTrue(), "it goes on as before")
			}
			letGo()
			Eventually(answered).Should(BeClosed())
			Eventually(m.reached(ctx, p, m.revision)).Should(BeTrue())
		}
	})

	It("is ready while another server hosts the tenant, has nothing in memory, and sends clients away", func(ctx SpecContext) {
		p = start("own-0")
		Expect(p.usage()).To(Equal(contract.TenantUsage{State: contract.ServingNothing}))
		Eventually(func(g Gomega) {
			lease := coordinationv1.Lease{}
			g.Expect(admin.Get(ctx, client.ObjectKey{Namespace: m.namespace, Name: p.name}, &lease)).To(Succeed())
			g.Expect(contract.StatesTenants(lease)).To(BeTrue())
		}).Should(Succeed())
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/scim/v2/Users", nil)
		Expect(err).NotTo(HaveOccurred())
		request.Header.Set("Authorization", "Bearer "+m.token)
		response, err := http.DefaultClient.Do(request)
		Expect(err).NotTo(HaveOccurred())
		Expect(response.Body.Close()).To(Succeed())
		Expect(response.StatusCode).To(Equal(http.StatusServiceUnavailable))
		Expect(response.Header.Get("Retry-After")).NotTo(BeEmpty())
		Expect(response.Close).To(BeTrue())

		m.send(p)
		m.host(ctx, []string{"acme-scim"}, in("acme-scim", memory))
		m.do(http.MethodPost, "/Users", user("babs"))
		Eventually(p.usage).Should(And(HaveField("State", contract.ServingMemory), HaveField("Usage.Users", BeEquivalentTo(1))))
		m.host(ctx, []string{"acme-scim"}, in("shared-scim-server", memory))
		Expect(p.usage()).To(Equal(contract.TenantUsage{State: contract.ServingNothing}), "what was in memory is given up")
	})
})
