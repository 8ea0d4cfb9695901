// Command edge is the Ingress controller of the local cluster: a real nginx, which ends TLS for the hosts of the cluster's
// Ingresses and HTTPRoutes and passes requests on to pods. It is for tests and for trying things out, and for nothing else. The local cluster
// runs it: see `make edge`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	goruntime "runtime"
	"syscall"

	"github.com/go-logr/logr"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	certutil "k8s.io/client-go/util/cert"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kubescim/kubescim/hack/edge/internal/controller"
	"github.com/kubescim/kubescim/hack/edge/internal/nginx"
	"github.com/kubescim/kubescim/hack/edge/internal/site"
)

// nginx ends with the thread that has started it, which therefore has to be the main one.
func init() { goruntime.LockOSThread() }

// options are those of the command line.
type options struct {
	kubeconfig, program string
	settings            nginx.Settings
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctrl.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, nil)))
	o, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, o)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "edge:", err)
		os.Exit(1) //nolint:gocritic // There is nothing left to stop.
	}
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("edge", flag.ContinueOnError)
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig of the cluster")
	flags.StringVar(&o.program, "nginx", "nginx", "the program nginx")
	flags.StringVar(&o.settings.Directory, "directory", "", "absolute path of the folder for what nginx reads and writes")
	flags.StringVar(&o.settings.User, "user", "www-data", "user of nginx's workers")
	for name, of := range map[string]struct {
		address *netip.AddrPort
		usage   string
	}{
		"listen": {&o.settings.Listen, "address for clients, over TLS"},
		"health": {&o.settings.Health, "address at which /healthz answers once nginx serves"},
	} {
		flags.TextVar(of.address, name, netip.AddrPort{}, of.usage)
	}
	if err := flags.Parse(args); err != nil {
		return o, fmt.Errorf("read the command line: %w", err)
	}
	return o, nil
}

func run(ctx context.Context, o options) error {
	chain, key, err := certutil.GenerateSelfSignedCertKey("edge.example.com", nil, nil)
	if err != nil {
		return fmt.Errorf("make the certificate for hosts without one: %w", err)
	}
	if o.settings.Fallback, err = site.ParseCertificate(chain, key); err != nil {
		return fmt.Errorf("make the certificate for hosts without one: %w", err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return fmt.Errorf("read the kubeconfig: %w", err)
	}
	manager, err := newManager(config)
	if err != nil {
		return err
	}
	if err := ensureClass(ctx, config); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	nothing, err := nginx.Render(o.settings, nil)
	if err != nil {
		return err
	}
	serving, err := nginx.Start(ctx, o.program, o.settings, nothing)
	if err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		cancel(serving.Wait())
	}()
	edge := &controller.Controller{
		Client: manager.GetClient(), Live: manager.GetAPIReader(), Recorder: manager.GetEventRecorder("edge"), Settings: o.settings, Nginx: serving,
	}
	if err := edge.SetUp(manager); err != nil {
		return err
	}
	err = manager.Start(ctx)
	cancel(nil)
	<-ended
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// newManager listens nowhere: nginx says whether it serves.
func newManager(config *rest.Config) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), gatewayv1.Install(scheme)); err != nil {
		return nil, fmt.Errorf("set the kinds up: %w", err)
	}
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, Cache: controller.CacheOptions(),
		Metrics: metricsserver.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
	})
	if err != nil {
		return nil, fmt.Errorf("make a client of the API server: %w", err)
	}
	return manager, nil
}

// ensureClass makes the IngressClass that tenants name. It is not the default: nothing is served here that does not ask for it.
func ensureClass(ctx context.Context, config *rest.Config) error {
	api, err := client.New(config, client.Options{Scheme: clientgoscheme.Scheme})
	if err != nil {
		return fmt.Errorf("make a client of the API server: %w", err)
	}
	class := &networkingv1.IngressClass{
		ObjectMeta: metav1.ObjectMeta{Name: controller.ClassName},
		Spec:       networkingv1.IngressClassSpec{Controller: controller.Name},
	}
	if err := api.Create(ctx, class); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("make the IngressClass: %w", err)
	}
	return nil
}
