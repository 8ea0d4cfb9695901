// Package controllertest gives the tests of the controllers a real API server
// with Kubescim's CRDs, and plays the parts of a cluster that are missing
// there: the Deployment controller, the kubelet and the SCIM server.
package controllertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	operatorconfig "github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/controller"
)

// envAssets names the folder with the binaries of etcd, the API server and kubectl.
const envAssets = "KUBEBUILDER_ASSETS"

// OperatorNamespace is the operator's own namespace.
const OperatorNamespace = "kubescim-system"

// Installation is the file with what the chart makes of its default values, without the CRDs.
const Installation = "config/default/kubescim.yaml"

// ServerImage is the image that the managers of tests give to SCIM servers.
const ServerImage = "registry.example.com/kubescim:test"

// Environment is an API server for tests.
type Environment struct {
	// Config is how to reach it, with all rights.
	Config *rest.Config
	// Client reads and writes past every cache, and may write users, groups and Leases as servers do.
	Client client.Client

	server *envtest.Environment
}

// Start starts an API server. The binaries come from KUBEBUILDER_ASSETS, or else
// from the project's own build of them.
func Start() (*Environment, error) { return StartWith(nil) }

// StartWith is Start with more flags of the API server.
func StartWith(flags map[string]string) (*Environment, error) {
	root, err := projectRoot()
	if err != nil {
		return nil, err
	}
	assets, err := Assets()
	if err != nil {
		return nil, err
	}
	server := &envtest.Environment{
		BinaryAssetsDirectory: assets,
		CRDDirectoryPaths:     []string{filepath.Join(root, "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
		Scheme:                controller.NewScheme(),
	}
	// Lists come from etcd. From its cache, the API server waits up to 100 ms with each until etcd has
	// said how new that is, which is most of what specs would wait for.
	arguments := server.ControlPlane.GetAPIServer().Configure().Set("watch-cache", "false")
	for name, value := range flags {
		arguments.Set(name, value)
	}
	restConfig, err := server.Start()
	if err != nil {
		return nil, fmt.Errorf("starting the API server: %w", err)
	}
	restConfig.QPS = -1
	e := &Environment{Config: restConfig, server: server}
	e.Client, err = e.ClientOf(rest.ImpersonationConfig{UserName: BreakGlassGroup, Groups: []string{BreakGlassGroup}})
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	if err := e.prepare(context.Background()); err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return e, nil
}

// prepare installs what the chart does: the operator has the rights that it has in a cluster, and no others,
// and the policies about who may write what hold, for the image that the managers of tests give to servers.
// Its Deployment has no pods here.
func (e *Environment) prepare(ctx context.Context) error {
	for _, manifest := range []string{"config/default/namespace.yaml", Installation} {
		if _, err := e.ApplyManifests(ctx, manifest, setServerImage); err != nil {
			return fmt.Errorf("applying %s: %w", manifest, err)
		}
	}
	return nil
}

// ConfigOf is how somebody with a client certificate reaches the API server.
func (e *Environment) ConfigOf(user envtest.User) (*rest.Config, error) {
	added, err := e.server.AddUser(user, nil)
	if err != nil {
		return nil, fmt.Errorf("making a certificate for %s: %w", user.Name, err)
	}
	return added.Config(), nil
}

// Stop stops the API server.
func (e *Environment) Stop() error { return e.server.Stop() }

// ManagerOptions are how a manager differs from that of a default installation.
type ManagerOptions struct {
	// User is as whom it runs; the operator of a default installation when empty.
	User string
	// Namespaces are the watched namespaces; all when empty.
	Namespaces []string
	// NewClient makes its client; the usual one when nil.
	NewClient client.NewClientFunc
}

// StartManager runs a manager with the operator's own rights and cache and what
// setup adds to it. It returns once the caches are filled; stop ends it, and fails if a
// status that was written through the manager's client is not as kstatus has to find it.
func (e *Environment) StartManager(setup func(context.Context, ctrl.Manager) error) (stop func() error, err error) {
	return e.StartManagerWith(ManagerOptions{}, setup)
}

// StartManagerWith is StartManager for another than a default installation.
func (e *Environment) StartManagerWith(
	options ManagerOptions, setup func(context.Context, ctrl.Manager) error,
) (stop func() error, err error) {
	check := &statusCheck{}
	mgr, err := ctrl.NewManager(e.configOf(options.User), ctrl.Options{
		Scheme:                  controller.NewScheme(),
		Cache:                   controller.CacheOptions(OperatorNamespace, options.Namespaces),
		NewClient:               check.client(options.NewClient),
		Metrics:                 metricsserver.Options{BindAddress: "0"},
		GracefulShutdownTimeout: ptr.To(10 * time.Second),
		Controller:              config.Controller{SkipNameValidation: ptr.To(true)},
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := setup(ctx, mgr); err != nil {
		cancel()
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	if !mgr.GetCache().WaitForCacheSync(ctx) {
		cancel()
		return nil, errors.Join(errors.New("the caches were not filled"), <-ended)
	}
	return func() error {
		cancel()
		return errors.Join(<-ended, check.err())
	}, nil
}

// Operator adds everything that the operator runs to a manager.
func Operator(ctx context.Context, mgr ctrl.Manager) error {
	return OperatorWith(operatorconfig.Default())(ctx, mgr)
}

// idleBeforeOff is shorter than in a cluster, where whoever leads the traffic needs time.
const idleBeforeOff = 3 * time.Second

// OperatorWith is Operator with another configuration.
func OperatorWith(configuration operatorconfig.Config) func(context.Context, ctrl.Manager) error {
	return func(ctx context.Context, mgr ctrl.Manager) error {
		return controller.Setup(ctx, mgr, controller.Options{
			ServerImage: ServerImage, Workers: 4, Namespace: OperatorNamespace, Config: configuration, AskPods: askPods,
			IdleBeforeOff: idleBeforeOff, RoleBindingPolicy: "kubescim-role-bindings",
			Metrics: prometheus.NewRegistry(), // Several managers of one process would be in each other's way.
		})
	}
}

// NewNamespace makes a namespace of its own for a test and returns its name.
func (e *Environment) NewNamespace(ctx context.Context) (string, error) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	err := e.Client.Create(ctx, namespace)
	return namespace.Name, err
}

// Assets returns the folder with the binaries of etcd, the API server and kubectl.
func Assets() (string, error) {
	if assets := os.Getenv(envAssets); assets != "" {
		return assets, nil
	}
	root, err := projectRoot()
	if err != nil {
		return "", err
	}
	command := exec.Command("go", "-C", filepath.Join(root, "hack"), "run", "./cluster", "assets")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("finding the binaries of the API server; set %s to a folder that has them: %w", envAssets, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// projectRoot returns the root of the checkout, also for the tests of its other modules.
func projectRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		content, err := os.ReadFile(filepath.Join(folder, "go.mod"))
		if err == nil && strings.HasPrefix(string(content), "module github.com/kubescim/kubescim\n") {
			return folder, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("no checkout of github.com/kubescim/kubescim above the working directory")
		}
		folder = parent
	}
}
