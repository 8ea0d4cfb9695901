package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net"
	"strings"
	"time"

	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller"
	"github.com/kubescim/kubescim/internal/program"
)

const (
	// envServerImage is where the Deployment of the operator tells its own image.
	envServerImage = "SERVER_IMAGE"
	// envNamespace is where it tells the namespace of its pod.
	envNamespace = "POD_NAMESPACE"

	leaderElectionID = "kubescim-manager"
	// shutdownTimeout is shorter than the 30 s that a pod has by default.
	shutdownTimeout = 20 * time.Second
)

// options are the flags and the environment.
type options struct {
	metricsAddress  string
	metricsSecure   bool
	healthAddress   string
	apiAddress      string
	leaderElect     bool
	leaderNamespace string
	serverImage     string
	namespace       string
	watchNamespaces []string
	workers         int
	roleBindings    string
	configFile      string
	log             program.Log
	printVersion    bool
}

// parse reads the flags and the environment. It fails as program.Parse does, or says what
// is missing.
func parse(args []string, getenv func(string) string) (options, error) {
	var o options
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", ":8443", "where to serve /metrics; 0 to serve none")
	flags.BoolVar(&o.metricsSecure, "metrics-secure", true,
		"serve the metrics over TLS, to those only whom the API server lets get /metrics")
	flags.StringVar(&o.healthAddress, "health-probe-bind-address", ":8081", "where to serve /healthz and /readyz")
	flags.StringVar(&o.apiAddress, "api-bind-address", fmt.Sprintf(":%d", contract.PortAPI),
		"where to show the logs of tenants, to those whom the API server lets get scimtenants/log; 0 for nowhere")
	flags.BoolVar(&o.leaderElect, "leader-elect", true, "let one of several replicas of the operator do the work")
	flags.StringVar(&o.leaderNamespace, "leader-election-namespace", "",
		"the namespace of the leader's Lease; that of the operator's own pod when empty")
	flags.StringVar(&o.serverImage, "server-image", getenv(envServerImage),
		"the image of the SCIM servers, usually the operator's own; $"+envServerImage+" when omitted")
	flags.StringVar(&o.namespace, "namespace", getenv(envNamespace),
		"the operator's own namespace, where it records which tenant holds which host; $"+envNamespace+" when omitted")
	flags.Func("watch-namespaces", "the namespaces to look for tenants in, separated by commas; all when omitted",
		func(value string) error {
			o.watchNamespaces = splitList(value)
			return nil
		})
	flags.IntVar(&o.workers, "workers", 10, "how many tenants, and how many keys, to reconcile at the same time")
	flags.StringVar(&o.roleBindings, "role-binding-policy", "kubescim-role-bindings",
		"the name of the ValidatingAdmissionPolicy, and of its binding, that checks what who writes a ScimRoleBinding may bind")
	flags.StringVar(&o.configFile, "config", "",
		"the file with the operator's configuration: what tenants may ask for; the defaults when omitted")
	o.log.AddFlags(flags)
	flags.BoolVar(&o.printVersion, "version", false, "print the version and exit")
	if err := program.Parse(flags, args); err != nil {
		return options{}, err
	}
	return o, o.validate(flags.Args())
}

func (o options) validate(rest []string) error {
	switch {
	case o.printVersion:
		return nil
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case o.serverImage == "":
		return errors.New("--server-image is required")
	case o.namespace == "":
		return errors.New("--namespace is required")
	case o.workers < 1:
		return errors.New("--workers must be at least 1")
	default:
		return o.log.Validate()
	}
}

func splitList(value string) []string {
	var list []string
	for item := range strings.SplitSeq(value, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

func (o options) manager() ctrl.Options {
	return ctrl.Options{
		Scheme:                        controller.NewScheme(),
		Cache:                         controller.CacheOptions(o.namespace, o.watchNamespaces),
		Metrics:                       o.metrics(),
		HealthProbeBindAddress:        o.healthAddress,
		LeaderElection:                o.leaderElect,
		LeaderElectionID:              leaderElectionID,
		LeaderElectionNamespace:       o.leaderNamespace,
		LeaderElectionReleaseOnCancel: true, // the process ends right after
		GracefulShutdownTimeout:       ptr.To(shutdownTimeout),
		// A replica that waits to lead fills its caches before it does.
		Controller: config.Controller{EnableWarmup: ptr.To(true)},
	}
}

func (o options) metrics() metricsserver.Options {
	m := metricsserver.Options{BindAddress: o.metricsAddress, SecureServing: o.metricsSecure}
	if o.metricsSecure {
		m.FilterProvider = filters.WithAuthenticationAndAuthorization
		// HTTP/2 lets a client reset streams faster than a server can end them.
		m.TLSOpts = []func(*tls.Config){func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }}
	}
	return m
}

// listenForAPI opens the port of the API; nil when there is none.
func (o options) listenForAPI(ctx context.Context) (net.Listener, error) {
	if o.apiAddress == "0" {
		return nil, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.apiAddress)
	if err != nil {
		return nil, fmt.Errorf("listening for those who want to see logs of tenants: %w; name another address with --api-bind-address", err)
	}
	return listener, nil
}

func addChecks(mgr manager.Manager) error {
	return errors.Join(
		mgr.AddHealthzCheck("healthz", healthz.Ping),
		mgr.AddReadyzCheck("caches", controller.CachesFilled(mgr.GetCache())),
	)
}
