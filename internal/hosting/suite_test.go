package hosting_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/federation"
	"github.com/kubescim/kubescim/internal/hosting"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/replica"
	"github.com/kubescim/kubescim/internal/server/listen"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/transport"
)

var (
	config *rest.Config
	admin  client.WithWatch
)

func TestHosting(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(time.Minute)
	RunSpecs(t, "Hosting")
}

var _ = BeforeSuite(func() {
	environment := &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	var err error
	config, err = environment.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(environment.Stop)
	config.QPS = -1
	config.Wrap(transport.Meter)
	config.Wrap(transport.Audit)
	scheme := runtime.NewScheme()
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(scimv1alpha1.AddToScheme(scheme)).To(Succeed())
	admin, err = client.NewWithWatch(config, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
})

// alone is the only replica of a server.
type alone struct {
	marks *readindex.Marks

	mu                   sync.Mutex
	credentials, tenants string
	news                 string // the revision of the tenants that somebody may wait for
}

func (*alone) Member() bool { return true }
func (*alone) Lead() bool   { return true }
func (*alone) Rewound()     {}

func (*alone) Era() (readindex.Era, <-chan struct{}) { return readindex.Era{Epoch: 1}, nil }

func (*alone) Disclose(context.Context, readindex.Tenant) error { return nil }

func (*alone) AllFence(context.Context) (bool, error) { return true, nil }

func (a *alone) ReadIndex(_ context.Context, tenant readindex.Tenant) (readindex.Revisions, error) {
	return a.marks.Of(tenant), nil
}

func (a *alone) Accept(revision string, _ readindex.Era) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.credentials = revision
}

func (a *alone) AcceptTenants(revision string, _ readindex.Era, news bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tenants = revision; news {
		a.news = revision
	}
}

// hurried is the revision of ScimTenants that is to be stated at once, or was.
func (a *alone) hurried() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.news
}

// accepted are the revisions of ScimCredentials and ScimTenants that were acknowledged last.
func (a *alone) accepted() (credentials, tenants string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.credentials, a.tenants
}

// shared is a server of many tenants.
type shared struct {
	*hosting.Process
	members   *alone
	namespace string
	url       string
	ports     *listen.Ports
	host      string // of the ports
	hold      func() // called before the server creates an object, if it is set
}

// start starts a server that is called shared, for the tenants of a namespace, which ends with
// the test.
func start(namespace string, log *slog.Logger) *shared {
	GinkgoHelper()
	watching, err := cache.NewWatchClient(admin, config)
	Expect(err).NotTo(HaveOccurred())
	s := &shared{namespace: namespace, members: &alone{marks: readindex.NewMarks()}, host: newHost()}
	s.ports = listen.NewPorts(net.JoinHostPort(s.host, "0"), log)
	metrics := prometheus.NewRegistry()
	streams := cache.NewStreams(watching, namespace, s.members.marks, log)
	fetch := func(context.Context, federation.Origin) (federation.KeySet, error) {
		return federation.KeySet{}, fmt.Errorf("there is no issuer")
	}
	s.Process, err = hosting.New(hosting.Options{
		Namespace: namespace, Pod: "shared-0", Client: s.client(), Streams: streams, Members: s.members, Ports: s.ports, Rates: ratelimit.New(),
		Issuers: federation.NewIssuers(fetch, log, federation.NewMetrics(metrics, "")), Recorder: events.NewFakeRecorder(100), Metrics: metrics, Log: log,
	})
	Expect(err).NotTo(HaveOccurred())
	follower := &replica.Replica{
		Client: admin, Tenants: s.Process, Namespace: namespace, Server: "shared", Members: s.members, Log: log,
	}
	running, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { follower.Run(running) })
	all.Go(func() { streams.Run(running, s.members) })
	url, end := serveHTTP(s.Process, s.ports)
	s.url = url
	DeferCleanup(func() {
		end()
		stop()
		all.Wait()
	})
	return s
}

// hosts counts the hosts of processes.
var hosts atomic.Int32

// newHost returns an address of loopback that no other process has, so that all can have the same ports.
func newHost() string { return fmt.Sprintf("127.0.77.%d", hosts.Add(1)) }

// free returns an address that nobody listens at.
func free() string {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(listener.Close()).To(Succeed()) }()
	return listener.Addr().String()
}

// serveHTTP answers requests to a process, as its program does, until end is called.
func serveHTTP(p *hosting.Process, ports *listen.Ports) (url string, end func()) {
	GinkgoHelper()
	address := free()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	options := listen.Options{Address: address, HealthAddress: free(), Ports: ports, Leaving: p.Router().Leaving}
	go func() { ended <- listen.Serve(ctx, options, p.Router(), prometheus.NewRegistry()) }()
	Eventually(func() error {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	}).WithPolling(time.Millisecond).Should(Succeed())
	return "http://" + address, func() {
		http.DefaultClient.CloseIdleConnections()
		stop()
		Eventually(ended).Should(Receive(BeNil()))
	}
}

// usageOf is what a process says of its tenants, by their names.
func usageOf(p *hosting.Process) map[string]contract.TenantUsage {
	found, err := contract.DecodeServerUsage(bytes.NewReader(p.Usage()), 100)
	Expect(err).NotTo(HaveOccurred())
	return found.Tenants
}

// client is a client of the server that can be held.
func (s *shared) client() client.Client {
	return interceptor.NewClient(admin, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, opts ...client.CreateOption) error {
			if s.hold != nil {
				s.hold()
				s.hold = nil
			}
			return c.Create(ctx, object, opts...)
		},
	})
}

func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "hosting-"}}
	Expect(admin.Create(ctx, namespace)).To(Succeed())
	return namespace.Name
}

// apply makes a tenant that the server is to serve, with a key, and returns a token of it.
func apply(ctx context.Context, namespace, name string, change ...func(*scimv1alpha1.ScimTenant)) (token string) {
	GinkgoHelper()
	tenant := &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: scimv1alpha1.ScimTenantSpec{
			IdentityProvider: scimv1alpha1.IdentityProviderGeneric, ServerRef: scimv1alpha1.ServerReference{Name: "shared"},
		},
	}
	for _, change := range change {
		change(tenant)
	}
	Expect(admin.Create(ctx, tenant)).To(Succeed())
	key := &scimv1alpha1.ScimApiKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: name}},
	}
	Expect(admin.Create(ctx, key)).To(Succeed())
	token, verifier, err := apikey.Mint()
	Expect(err).NotTo(HaveOccurred())
	Expect(admin.Create(ctx, contract.CredentialOf(verifier, namespace, name, time.Now()))).To(Succeed())
	serve(ctx, tenant, "shared-scim-server")
	return token
}

// serve makes a tenant be served by that server, or by none.
func serve(ctx context.Context, tenant *scimv1alpha1.ScimTenant, server string) {
	GinkgoHelper()
	tenant.Status.Servers = nil
	tenant.Status.URL = "http://shared-scim-server." + tenant.Namespace + ".svc/" + tenant.Name + "/scim/v2"
	if server != "" {
		tenant.Status.Servers = []scimv1alpha1.TenantServer{{Name: server, Mode: scimv1alpha1.HostingModeMemory}}
	}
	Expect(admin.Status().Update(ctx, tenant)).To(Succeed())
}

// answer is the answer to a request.
type answer struct {
	Status int
	Doc    map[string]any
}

// send sends a request to a tenant.
func (s *shared) send(method, tenant, path, token, body string) answer {
	GinkgoHelper()
	request, err := http.NewRequest(method, s.url+"/"+tenant+"/scim/v2"+path, strings.NewReader(body))
	Expect(err).NotTo(HaveOccurred())
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	Expect(err).NotTo(HaveOccurred())
	text, err := io.ReadAll(response.Body)
	Expect(err).NotTo(HaveOccurred())
	Expect(response.Body.Close()).To(Succeed())
	a := answer{Status: response.StatusCode}
	_ = json.Unmarshal(text, &a.Doc) // Not every answer has a body.
	return a
}

func user(name string) string {
	return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"` + name + `"}`
}
