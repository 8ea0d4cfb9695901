package restore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/readindex/driver"
	"github.com/kubescim/kubescim/internal/replica"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/store/kubernetes"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/transport"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// podsOfTenant is how many pods serve a tenant.
const podsOfTenant = 3

// tenant is a ScimTenant with its pods.
type tenant struct {
	client.ObjectKey
	pods []*pod
}

// pod is a pod of a tenant's server, and a client of it.
type pod struct {
	*Client
	name    string
	cache   *cache.Cache
	members *driver.Replica
	log     *watchedLog
}

// watchedLog notes when everything begins anew.
type watchedLog struct {
	*cache.Cache
	mu        sync.Mutex
	restarted []time.Time
}

// Restart implements driver.Log.
func (l *watchedLog) Restart() {
	l.Cache.Restart()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.restarted = append(l.restarted, time.Now())
}

// restarts are the times at which everything began anew.
func (l *watchedLog) restarts() []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]time.Time{}, l.restarted...)
}

// serve makes a tenant in a namespace of its own and waits until all of its pods answer
// from memory.
func (c *cluster) serve(ctx SpecContext, name string, onDelete scimv1alpha1.UserDeletion) *tenant {
	GinkgoHelper()
	t := &tenant{ObjectKey: client.ObjectKey{Namespace: name, Name: name}}
	Expect(c.admin.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})).To(Succeed())
	object := NewTenant(name, name, scimv1alpha1.IdentityProviderGeneric, func(spec *scimv1alpha1.ScimTenantSpec) {
		spec.Users.OnDelete = onDelete
	})
	Expect(c.admin.Create(ctx, object)).To(Succeed())
	settings, err := replica.SettingsOf(object)
	Expect(err).NotTo(HaveOccurred())
	token, verifier, err := apikey.Mint()
	Expect(err).NotTo(HaveOccurred())
	for i := range podsOfTenant {
		p, served := c.startPod(t.ObjectKey, fmt.Sprintf("%s-scim-%d", name, i))
		served.Configure(settings)
		served.Accept(auth.Keys{verifier.KeyID: {Verifier: verifier}}, func() {})
		p.cache.Follow(settings.Registry)
		joining, stop := context.WithCancel(context.Background())
		DeferCleanup(stop)
		go followNothing(joining, p.members)
		web := httptest.NewServer(served)
		DeferCleanup(web.Close)
		p.Client = NewClient(web.URL+settings.Path, token)
		t.pods = append(t.pods, p)
	}
	t.expectMemory()
	return t
}

// startPod starts what cmd/scim-server does, which ends with the test.
func (c *cluster) startPod(of client.ObjectKey, name string) (*pod, *server.Tenant) {
	GinkgoHelper()
	log, metrics := slog.New(slog.NewTextHandler(GinkgoWriter, nil)).With("at", name), prometheus.NewRegistry()
	newClient := func(change func(*rest.Config)) client.WithWatch {
		config := rest.CopyConfig(c.config)
		change(config)
		made, err := client.NewWithWatch(config, client.Options{Scheme: c.scheme})
		Expect(err).NotTo(HaveOccurred())
		return made
	}
	circuit := transport.NewCircuit(metrics, of.Name, log)
	guarded := newClient(func(config *rest.Config) {
		config.Timeout = 5 * time.Second
		config.Wrap(circuit.Wrap)
		config.Wrap(transport.Once)
	})
	live := newClient(func(*rest.Config) {})
	watching, err := cache.NewWatchClient(live, c.config)
	Expect(err).NotTo(HaveOccurred())

	marks := readindex.NewMarks()
	p := &pod{name: name, cache: cache.New(watching, of, marks, log)}
	p.log = &watchedLog{Cache: p.cache}
	p.members, err = driver.New(driver.Options{
		Client: live, Tenant: of.Name, Listen: "127.0.0.1:0", Log: p.log, Marks: marks, Logger: log, Metrics: metrics,
		Pod:    driver.Pod{Namespace: of.Namespace, Name: name, UID: "uid-of-" + name, IP: "127.0.0.1"},
		Timing: driver.Timing{Lease: c.lease},
	})
	Expect(err).NotTo(HaveOccurred())
	members := &unsteady{Replica: p.members}
	served := server.NewTenant(kubernetes.New(kubernetes.Options{
		Client: guarded, Tenant: of, Cache: p.cache, Members: members, Metrics: kubernetes.NewMetrics(metrics, of.Name), Log: log,
	}), limit.Defaults(), ratelimit.New(), log, accesslog.NewMetrics(metrics, of.Name))

	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { p.cache.Run(ctx, members) })
	running.Go(func() { _ = p.members.Run(ctx) })
	DeferCleanup(func() {
		stop()
		running.Wait()
	})
	return p, served
}

// followNothing lets a pod be a member that is told by the test what its tenant is.
func followNothing(ctx context.Context, members *driver.Replica) {
	for ctx.Err() == nil {
		era, over := members.Era()
		if era.Epoch > 0 {
			members.Accept("1", era)
			members.AcceptTenants("1", era, true)
		}
		select {
		case <-ctx.Done():
		case <-over:
		}
	}
}

// unsteady fails in one of five rounds, so that there are reads at the API server among
// those from memory.
type unsteady struct {
	*driver.Replica
	rounds atomic.Int64
}

// ReadIndex implements kubernetes.Members.
func (u *unsteady) ReadIndex(ctx context.Context, tenant readindex.Tenant) (readindex.Revisions, error) {
	if u.rounds.Add(1)%5 == 0 {
		return readindex.Revisions{}, errors.New("a pod cannot be asked")
	}
	return u.Replica.ReadIndex(ctx, tenant)
}

// expectMemory waits until every pod answers, and may do so from memory.
func (t *tenant) expectMemory() {
	GinkgoHelper()
	for _, p := range t.pods {
		Eventually(func(g Gomega) {
			g.Expect(p.cache.Synced()).To(BeTrue())
			_, err := p.members.ReadIndex(context.Background(), readindex.TenantOf(t.Name))
			g.Expect(err).NotTo(HaveOccurred())
		}).Should(Succeed(), p.name)
	}
}

// expectRestarts waits until every pod has begun anew so many times, and returns when the
// first of them did for the last time.
func (t *tenant) expectRestarts(times int) (first time.Time) {
	GinkgoHelper()
	for _, p := range t.pods {
		Eventually(p.log.restarts).Should(HaveLen(times), p.name)
		if times == 0 {
			continue
		}
		if at := p.log.restarts()[times-1]; first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}
