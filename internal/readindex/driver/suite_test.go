package driver_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/prometheus/client_golang/prometheus"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/readindex/driver"
)

func TestMain(m *testing.M) {
	if os.Getenv(childName) != "" {
		os.Exit(runChild())
	}
	os.Exit(m.Run())
}

func TestReplica(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Replica")
}

const tenantName = "acme"

var (
	environment *envtest.Environment
	admin       client.WithWatch
)

var _ = BeforeSuite(func() {
	stop, err := startEnvironment()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(stop)
	ctrllog.SetLogger(GinkgoLogr)
	SetDefaultEventuallyTimeout(30 * time.Second)
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
})

// startEnvironment starts an API server and etcd.
func startEnvironment() (stop func() error, err error) {
	environment = &envtest.Environment{
		CRDDirectoryPaths:     []string{filepath.Join("..", "..", "..", "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
	}
	config, err := environment.Start()
	if err != nil {
		return nil, err
	}
	admin, err = newClient(config)
	return environment.Stop, errors.Join(err)
}

func newClient(config *rest.Config) (client.WithWatch, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), scimv1alpha1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	config.QPS = -1
	return client.NewWithWatch(config, client.Options{Scheme: scheme})
}

// world is a tenant, and the replicas of its server.
type world struct {
	namespace string
	tenant    *scimv1alpha1.ScimTenant
	user      *envtest.AuthenticatedUser
	timing    driver.Timing
	logger    *slog.Logger
}

// patient is for replicas that are to lose nobody, however slow the machine is.
var patient = driver.Timing{Lease: 60 * time.Second, Round: 10 * time.Second, Connect: 10 * time.Second, Beat: time.Second}

// hasty is for replicas that are to be given up.
var hasty = driver.Timing{Lease: 3 * time.Second, Round: time.Second, Look: 200 * time.Millisecond, Probe: 50 * time.Millisecond, Beat: time.Hour}

// newWorld makes a tenant in a namespace of its own, whose replicas have the
// permissions that the operator gives to a server, and no others.
func newWorld(ctx context.Context, timing driver.Timing) *world {
	GinkgoHelper()
	w, err := makeWorld(ctx, timing, slog.New(slog.NewTextHandler(GinkgoWriter, nil)))
	Expect(err).NotTo(HaveOccurred())
	return w
}

func makeWorld(ctx context.Context, timing driver.Timing, logger *slog.Logger) (*world, error) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "barrier-"}}
	if err := admin.Create(ctx, namespace); err != nil {
		return nil, err
	}
	w := &world{namespace: namespace.Name, timing: timing, logger: logger}
	w.tenant = &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: tenantName},
		Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderOkta},
	}
	if err := admin.Create(ctx, w.tenant); err != nil {
		return nil, err
	}
	owner := client.FieldOwner("test")
	err := errors.Join(
		admin.Apply(ctx, operand.ServiceAccount(operand.DedicatedServer(w.tenant)), owner),
		admin.Apply(ctx, operand.Role(operand.DedicatedServer(w.tenant)), owner),
		admin.Apply(ctx, operand.RoleBinding(operand.DedicatedServer(w.tenant)), owner))
	if err != nil {
		return nil, err
	}
	w.user, err = environment.AddUser(envtest.User{
		Name:   "system:serviceaccount:" + w.namespace + ":" + operand.Name(tenantName),
		Groups: []string{"system:serviceaccounts", "system:authenticated"},
	}, nil)
	return w, err
}

// lease returns the Lease of a replica; nil when there is none.
func (w *world) lease(ctx context.Context, name string) *coordinationv1.Lease {
	GinkgoHelper()
	lease := &coordinationv1.Lease{}
	err := admin.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, lease)
	Expect(client.IgnoreNotFound(err)).To(Succeed())
	if err != nil {
		return nil
	}
	return lease
}

// write makes a user, as a replica does, and returns its resourceVersion.
func (w *world) write(ctx context.Context) uint64 {
	GinkgoHelper()
	user := &scimv1alpha1.ScimUser{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, GenerateName: "user-"},
		Spec: scimv1alpha1.ScimUserSpec{
			TenantRef: scimv1alpha1.TenantReference{Name: tenantName}, UserName: "alice.martin@acme.example.com",
			Meta: scimv1alpha1.ResourceMeta{CreatedTime: metav1.NowMicro(), LastModifiedTime: metav1.NowMicro()},
		},
	}
	Expect(admin.Create(ctx, user)).To(Succeed())
	revision, err := strconv.ParseUint(user.ResourceVersion, 10, 64)
	Expect(err).NotTo(HaveOccurred())
	return revision
}

// replica is one replica in this process.
type replica struct {
	*driver.Replica
	name    string
	log     *record
	metrics *prometheus.Registry
	rates   *ratelimit.Buckets
	// reported is the highest revision that a client was told of.
	reported atomic.Uint64
	// refused, while true, makes every call to the API server fail.
	refused atomic.Bool
	// unknown makes them fail as if the ServiceAccount had been deleted.
	unknown atomic.Bool
	// noCreates makes the API server create nothing; created counts who wanted it to.
	noCreates atomic.Bool
	created   atomic.Int64
	// updated, if set, is told once of an object that the API server has updated, before
	// the replica is.
	updated atomic.Pointer[func(client.Object)]
	// noUsers makes it list no users.
	noUsers atomic.Bool
	// dialer, if set, is how it reaches the others.
	dialer atomic.Pointer[dialFunc]
	// follows is up to which revision it goes by credentials and tenants as soon as it may; nil
	// for none, so that it does not join.
	follows atomic.Pointer[string]
	end     context.CancelFunc
	ended   chan struct{}
	err     error
}

// newReplica returns a replica that does not run yet.
func (w *world) newReplica(name string) (*replica, error) {
	live, err := newClient(w.user.Config())
	if err != nil {
		return nil, err
	}
	r := &replica{
		name: name, log: newRecord(nil, w.namespace), metrics: prometheus.NewRegistry(), rates: ratelimit.New(), ended: make(chan struct{}),
	}
	guarded := interceptor.NewClient(live, r.refusing())
	r.log.client = guarded
	r.follows.Store(ptr.To("1"))
	r.Replica, err = driver.New(driver.Options{
		Client: guarded, Tenant: tenantName, Listen: "127.0.0.1:0", Log: r.log, Marks: r.log.marks,
		Logger: w.logger.With("at", name), Metrics: r.metrics, Rates: r.rates, Timing: w.timing,
		Pod: driver.Pod{Namespace: w.namespace, Name: name, UID: "uid-of-" + name, IP: "127.0.0.1"},
	})
	if err != nil {
		return nil, err
	}
	r.SetDial(func(ctx context.Context, network, address string) (net.Conn, error) {
		if dial := r.dialer.Load(); dial != nil {
			return (*dial)(ctx, network, address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	})
	return r, nil
}

// accept makes a replica go by credentials of a revision, which it states at once.
func accept(r *replica, revision string) {
	era, _ := r.Era()
	r.Accept(revision, era)
}

// acknowledge tells a client of a user with the resourceVersion.
func (r *replica) acknowledge(revision uint64) {
	GinkgoHelper()
	r.log.acknowledge(revision)
	Expect(r.Disclose(context.Background(), tenantOfTest)).To(Succeed())
	for {
		former := r.reported.Load()
		if former >= revision || r.reported.CompareAndSwap(former, revision) {
			return
		}
	}
}

// metric returns the sum of a metric's values, for a histogram the number of them.
func (r *replica) metric(name string) float64 {
	GinkgoHelper()
	families, err := r.metrics.Gather()
	Expect(err).NotTo(HaveOccurred())
	sum := 0.0
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name {
				Expect(m.GetLabel()).To(ContainElement(HaveField("GetValue()", tenantName)))
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

// run runs the replica until it is ended.
func (r *replica) run() {
	running, end := context.WithCancel(context.Background())
	r.end = end
	go func() {
		defer close(r.ended)
		defer end()
		r.err = r.Run(running)
	}()
	go r.follow(running)
}

// follow goes by the credentials and tenants as they are, in every era.
func (r *replica) follow(ctx context.Context) {
	for ctx.Err() == nil {
		era, over := r.Era()
		if revision := r.follows.Load(); era.Epoch > 0 && revision != nil {
			r.Accept(*revision, era)
			r.AcceptTenants(*revision, era, true)
		}
		select {
		case <-ctx.Done():
		case <-over:
		}
	}
}

// leave ends the replica as a pod that is deleted ends.
func (r *replica) leave() {
	r.end()
	<-r.ended
}

// start starts a replica, which leaves after the test.
func (w *world) start(name string) *replica {
	GinkgoHelper()
	r, err := w.newReplica(name)
	Expect(err).NotTo(HaveOccurred())
	r.run()
	DeferCleanup(r.leave)
	return r
}

// startAll starts replicas at the same time and waits until they are members.
func (w *world) startAll(count int) []*replica {
	GinkgoHelper()
	replicas := make([]*replica, count)
	for i := range replicas {
		replicas[i] = w.start(fmt.Sprintf("acme-scim-%d", i))
	}
	for _, r := range replicas {
		Eventually(r.Member).Should(BeTrue(), r.name)
	}
	return replicas
}

var errRefused = errors.New("the API server is away")

// refusing makes the calls of a client fail while the replica's are refused.
func (r *replica) refusing() interceptor.Funcs {
	refuse := func() error {
		if r.refused.Load() {
			return errRefused
		}
		if r.unknown.Load() {
			return apierrors.NewUnauthorized("there is no such ServiceAccount")
		}
		return nil
	}
	return interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			return call(refuse, func() error { return c.Get(ctx, key, o, opts...) })
		},
		List: func(ctx context.Context, c client.WithWatch, o client.ObjectList, opts ...client.ListOption) error {
			if _, are := o.(*scimv1alpha1.ScimUserList); are && r.noUsers.Load() {
				return errRefused
			}
			return call(refuse, func() error { return c.List(ctx, o, opts...) })
		},
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			r.created.Add(1)
			if r.noCreates.Load() {
				return errRefused
			}
			return call(refuse, func() error { return c.Create(ctx, o, opts...) })
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			err := call(refuse, func() error { return c.Update(ctx, o, opts...) })
			if updated := r.updated.Swap(nil); updated != nil {
				(*updated)(o)
			}
			return err
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			return call(refuse, func() error { return c.Delete(ctx, o, opts...) })
		},
	}
}

// call calls unless that is refused.
func call(refuse, do func() error) error {
	if err := refuse(); err != nil {
		return err
	}
	return do()
}
