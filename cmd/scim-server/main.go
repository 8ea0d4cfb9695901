// Command scim-server is the SCIM 2.0 server of one ScimTenant. The operator
// runs it; it needs the tenant's name, and its pod's name, namespace, uid and IP in
// POD_NAME, POD_NAMESPACE, POD_UID and POD_IP.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap/zapcore"
	"k8s.io/apimachinery/pkg/runtime"
	clientset "k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/readindex/driver"
	"github.com/kubescim/kubescim/internal/replica"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/server"
	"github.com/kubescim/kubescim/internal/store/kubernetes"
	"github.com/kubescim/kubescim/internal/store/kubernetes/transport"
)

// callTimeout bounds one call to the API server for a request, so that there is
// time left to try again or to tell the client.
const callTimeout = 5 * time.Second

// version is set at build time.
var version = "dev"

// options are the command line and the environment.
type options struct {
	tenant        string
	address       string
	healthAddress string
	linger        time.Duration
	absence       time.Duration
	peerAddress   string
	pod           driver.Pod
}

func main() {
	var o options
	flag.StringVar(&o.tenant, contract.FlagTenant, "", "name of the ScimTenant, in the pod's namespace")
	flag.StringVar(&o.address, "address", at(contract.PortSCIM), "address of the SCIM API")
	flag.StringVar(&o.healthAddress, "health-address", at(contract.PortHealth), "address of /livez, /readyz and /metrics")
	flag.StringVar(&o.peerAddress, "peer-address", at(contract.PortPeers), "address to listen at for the other replicas of the tenant")
	flag.DurationVar(&o.linger, "linger", 15*time.Second, "how long after SIGTERM open connections may still send requests")
	flag.DurationVar(&o.absence, contract.FlagAbsence, kubernetes.DefaultAbsenceAge,
		"how long a user or group must have been absent before what refers to it is removed")
	flag.Parse()
	o.pod = driver.Pod{
		Namespace: os.Getenv(contract.EnvPodNamespace), Name: os.Getenv(contract.EnvPodName),
		UID: os.Getenv(contract.EnvPodUID), IP: os.Getenv(contract.EnvPodIP),
	}

	// A line for each request is written with others, so that logging does not cost
	// more than answering.
	out := &zapcore.BufferedWriteSyncer{WS: zapcore.AddSync(os.Stderr), Size: 64 << 10, FlushInterval: 100 * time.Millisecond}
	log := slog.New(slog.NewJSONHandler(out, nil))
	err := run(o, log)
	if err != nil {
		log.Error("the SCIM server ends", slog.Any("error", err))
	}
	_ = out.Stop() // There is nowhere left to say that it failed.
	if err != nil {
		os.Exit(1)
	}
}

// at is the address of a port at every interface.
func at(port int32) string { return fmt.Sprintf(":%d", port) }

func run(o options, log *slog.Logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if o.tenant == "" || o.pod.Namespace == "" || o.pod.Name == "" || o.pod.UID == "" || o.pod.IP == "" {
		return errors.New("--tenant, POD_NAMESPACE, POD_NAME, POD_UID and POD_IP must be set; the operator does so in the Deployment it makes")
	}
	ctrl.SetLogger(logr.FromSlogHandler(log.Handler()))
	uuid.EnableRandPool() // Every request has an id.
	registry, err := scim.NewRegistry()
	if err != nil {
		return fmt.Errorf("building the SCIM schemas: %w", err)
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	// Reads and writes for requests are bounded and go through the circuit; watches
	// last, and the Lease is written whatever happens to requests.
	circuit := transport.NewCircuit(metrics, o.tenant, log)
	var tenant *server.Tenant
	guarded, err := newClient(func(config *rest.Config) {
		config.Timeout = callTimeout
		config.Wrap(circuit.Wrap)
		config.Wrap(transport.Meter(func(bytes int64) { tenant.Wrote(bytes) }))
		config.Wrap(transport.Once)
	})
	if err != nil {
		return err
	}
	live, err := newClient(func(*rest.Config) {})
	if err != nil {
		return err
	}
	watching, err := newWatchClient(live)
	if err != nil {
		return err
	}
	key := client.ObjectKey{Namespace: o.pod.Namespace, Name: o.tenant}
	mirror := kubernetes.NewMirror(watching, key, log)
	kubernetes.MeasureStorage(metrics, o.tenant, mirror)
	members, err := driver.New(driver.Options{
		Client: live, Pod: o.pod, Tenant: o.tenant, Listen: o.peerAddress, Log: mirror, Logger: log, Metrics: metrics,
		Usage: func() string { return usageOf(mirror, tenant) },
	})
	if err != nil {
		return fmt.Errorf("preparing to join the other replicas: %w", err)
	}
	mirror.Join(members.ReadIndex, members.Rewound)
	backend := kubernetes.New(kubernetes.Options{
		Client: guarded, Tenant: key, Groups: registry.Group(),
		Mirror: mirror, Member: members.Member, Metrics: kubernetes.NewMetrics(metrics, o.tenant),
	})
	tenant = server.NewTenant(backend, server.DefaultLimits(), log, server.NewMetrics(metrics, o.tenant))
	tenant.Needs(mirror.InStep, members.Member)
	recorder, stopRecording, err := newRecorder(ctx)
	if err != nil {
		return err
	}
	defer stopRecording()
	upkeep := kubernetes.NewUpkeep(backend, metrics)
	upkeep.AbsenceAge = o.absence
	upkeep.Lead, upkeep.Policy, upkeep.Recorder, upkeep.Log = members.Lead, tenant.Policy, recorder, log

	// The replica outlives the signal: until the last request is answered, keys
	// that are revoked must stop working, and the other replicas must know it.
	following, stopFollowing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopFollowing()
	follower := &replica.Replica{
		Client: live, Tenant: tenant, Namespace: o.pod.Namespace, Name: o.tenant,
		Follows: mirror.Follow, Accepted: members.Accept, Log: log,
	}
	var running sync.WaitGroup
	running.Go(func() { follower.Run(following) })
	running.Go(func() { mirror.Run(following) })
	running.Go(func() { upkeep.Run(following) })
	var leaving error
	serving, stopServing := context.WithCancel(ctx)
	defer stopServing()
	running.Go(func() {
		leaving = members.Run(following)
		stopServing() // A replica that the others do not know must not serve.
	})

	log.Info("serving", slog.String("version", version), slog.String("tenant", o.tenant), slog.String("address", o.address))
	err = server.Serve(serving, server.Listeners{Address: o.address, HealthAddress: o.healthAddress, Linger: o.linger}, tenant, metrics)
	stopFollowing()
	running.Wait()
	return errors.Join(err, leaving)
}

// usageOf is what the Lease states of how much the tenant is used; nothing while
// memory is not complete.
func usageOf(mirror *kubernetes.Mirror, tenant *server.Tenant) string {
	if !mirror.InStep() {
		return ""
	}
	counts := mirror.Counts()
	return contract.EncodeUsage(contract.Usage{
		Users: int32(counts.Users), ActiveUsers: int32(counts.ActiveUsers), Groups: int32(counts.Groups),
		LastRequestTime: tenant.LastRequest(),
	})
}

// newRecorder returns what records events, and what ends it. Events are written in
// the background, so that nobody waits for them.
func newRecorder(ctx context.Context) (events.EventRecorder, func(), error) {
	config, err := newConfig()
	if err != nil {
		return nil, nil, err
	}
	clients, err := clientset.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("making a client for events: %w", err)
	}
	scheme, err := newScheme()
	if err != nil {
		return nil, nil, err
	}
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: clients.EventsV1()})
	if err := broadcaster.StartRecordingToSinkWithContext(ctx); err != nil {
		return nil, nil, fmt.Errorf("beginning to record events: %w", err)
	}
	return broadcaster.NewRecorder(scheme, "kubescim-server"), broadcaster.Shutdown, nil
}

// newClient returns a client that reads from the API server, on behalf of the
// pod's ServiceAccount.
func newClient(with func(*rest.Config)) (client.WithWatch, error) {
	config, err := newConfig()
	if err != nil {
		return nil, err
	}
	with(config)
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	live, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("making a client for the API server: %w", err)
	}
	return live, nil
}

// newWatchClient returns the client with the watches of a mirror.
func newWatchClient(live client.WithWatch) (client.WithWatch, error) {
	config, err := newConfig()
	if err != nil {
		return nil, err
	}
	return kubernetes.NewWatchClient(live, config)
}

// newConfig returns how to reach the API server. What limits how much is asked of
// it is the API server's own priority and fairness.
func newConfig() (*rest.Config, error) {
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("finding the API server: %w", err)
	}
	config.UserAgent = "kubescim-server/" + version
	config.Wrap(transport.Audit)
	return config, nil
}

func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("building the scheme: %w", err)
	}
	return scheme, nil
}
