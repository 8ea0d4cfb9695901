// Package command is what the commands of kubectl-scim have in common: the cluster that they ask,
// what a person may not see or misspells, and the names that a shell completes. What a command
// does is in a package of its own.
package command

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/discovery"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/output"
)

const (
	// FieldOwner is what the API server records as the manager of what the plugin writes.
	FieldOwner = "kubectl-scim"
	// requestTimeout bounds a call to the API server for which --request-timeout says nothing.
	requestTimeout = 30 * time.Second
	// qps and burst are kubectl's own.
	qps, burst = 50, 300
)

// Factory gives commands what they need when they need it, so that one which asks no cluster
// works without any.
type Factory struct {
	// Streams are where a command reads and writes.
	Streams genericiooptions.IOStreams
	// Now is the time.
	Now func() time.Time
	// Terminal is what there is at the standard output.
	Terminal output.Terminal
	// Reach leads to the operator.
	Reach Reach

	flags *genericclioptions.ConfigFlags
	made  client.Client
}

// NewFactory returns what makes clients by the flags of kubectl: its kubeconfig, context,
// namespace and user.
func NewFactory(streams genericiooptions.IOStreams, now func() time.Time, terminal output.Terminal) *Factory {
	flags := genericclioptions.NewConfigFlags(true)
	flags.BearerToken = nil // Every process sees the arguments of the others.
	return &Factory{Streams: streams, Now: now, Terminal: terminal, Reach: PortForward, flags: flags}
}

// AddFlags adds the flags of kubectl.
func (f *Factory) AddFlags(flags *pflag.FlagSet) { f.flags.AddFlags(flags) }

// NamespaceFlag returns the namespace that the command line names; empty when it names none.
func (f *Factory) NamespaceFlag() string { return *f.flags.Namespace }

// Namespace returns the namespace that a command is about: the flag's, or that of the context.
func (f *Factory) Namespace() (string, error) {
	namespace, _, err := f.flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return "", fmt.Errorf("reading the kubeconfig for the namespace: %w; name another file with --kubeconfig, or another context with --context", err)
	}
	return namespace, nil
}

func (f *Factory) config() (*rest.Config, error) {
	config, err := f.flags.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w; name another file with --kubeconfig, or another context with --context", err)
	}
	config.QPS, config.Burst = qps, burst
	if config.Timeout == 0 {
		config.Timeout = requestTimeout
	}
	config.WarningHandler = rest.NewWarningWriter(f.Streams.ErrOut, rest.WarningWriterOptions{Deduplicate: true})
	return config, nil
}

// Client returns a client of the cluster.
func (f *Factory) Client() (client.Client, error) {
	if f.made != nil {
		return f.made, nil
	}
	config, err := f.config()
	if err != nil {
		return nil, err
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, scimv1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("registering kinds: %w", err)
		}
	}
	made, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, Failed("connecting to the cluster", "", err)
	}
	f.made = client.WithFieldOwner(made, FieldOwner)
	return f.made, nil
}

// Discovery returns a client that says which kinds the cluster has, and of which release it is.
func (f *Factory) Discovery() (discovery.DiscoveryInterface, error) {
	config, err := f.config()
	if err != nil {
		return nil, err
	}
	made, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, Failed("connecting to the cluster", "", err)
	}
	return made, nil
}

// Cluster returns a client of the cluster, and the namespace that the command is about.
func (f *Factory) Cluster() (client.Client, string, error) {
	namespace, err := f.Namespace()
	if err != nil {
		return nil, "", err
	}
	c, err := f.Client()
	return c, namespace, err
}
