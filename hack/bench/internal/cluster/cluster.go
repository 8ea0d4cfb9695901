// Package cluster makes what the benchmark measures on a real cluster: tenants that are served as in production, a
// namespace for raw objects, and ports on loopback to reach them by.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/hack/bench/internal/load"
)

// labelBench is on everything that a run makes; on a pod, its value tells the pods of one server apart.
const labelBench = "bench.kubescim.dev/replica"

// poll is how often is looked whether what is waited for has come.
const poll = 250 * time.Millisecond

// Cluster is the cluster that the benchmark runs on.
type Cluster struct {
	// client is for single objects, core for metrics.
	client client.WithWatch
	core   *kubernetes.Clientset
	// scim is client-go's plain client for Kubescim's kinds.
	scim *rest.RESTClient
	// config is what these are made from.
	config *rest.Config
	// namespaces are those that this run made, and objects what it made outside of them.
	namespaces []string
	objects    []client.Object
}

// Connect connects to the cluster that KUBECONFIG names. Its API server must be on this machine's loopback, since it
// gets load too.
func Connect() (*Cluster, error) {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig; `make bench` sets it: %w", err)
	}
	if at, err := url.Parse(config.Host); err != nil || !load.IsLoopback(at.Hostname()) {
		return nil, fmt.Errorf("the API server %s is not on loopback, and the benchmark puts load on nothing else; "+
			"run it on the cluster of `make cluster`", config.Host)
	}
	config.QPS = -1 // No limit on this side: it is the API server that is measured.
	config.UserAgent = "kubescim-bench"
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), scimv1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("building the scheme: %w", err)
	}
	c := &Cluster{}
	if c.client, err = client.NewWithWatch(config, client.Options{Scheme: scheme}); err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	config.Timeout = time.Minute // Not for the client above, which watches.
	if c.core, err = kubernetes.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	c.config = config
	if c.scim, err = plain(config, scheme); err != nil {
		return nil, err
	}
	return c, nil
}

// plain makes client-go's plain client for Kubescim's kinds.
func plain(config *rest.Config, scheme *runtime.Scheme) (*rest.RESTClient, error) {
	raw := rest.CopyConfig(config)
	raw.GroupVersion = &scimv1alpha1.GroupVersion
	raw.APIPath = "/apis"
	raw.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	made, err := rest.RESTClientFor(raw)
	if err != nil {
		return nil, fmt.Errorf("making a plain client: %w", err)
	}
	return made, nil
}

// Version is the version of Kubernetes.
func (c *Cluster) Version() (string, error) {
	version, err := c.core.Discovery().ServerVersion()
	if err != nil {
		return "", fmt.Errorf("asking the API server for its version: %w", err)
	}
	return version.GitVersion, nil
}

// newNamespace makes a namespace under the strictest pod security standard.
func (c *Cluster) newNamespace(ctx context.Context, purpose string) (string, error) {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "bench-" + purpose + "-",
		Labels:       map[string]string{labelBench: purpose, "pod-security.kubernetes.io/enforce": "restricted"},
	}}
	if err := c.client.Create(ctx, namespace); err != nil {
		return "", fmt.Errorf("making a namespace: %w", err)
	}
	c.namespaces = append(c.namespaces, namespace.Name)
	return namespace.Name, nil
}

// CleanUp deletes the namespaces that this run made, with all users in them, and what it made elsewhere, and waits until
// the namespaces are gone. The deletion goes on when the context ends first, which the error says.
func (c *Cluster) CleanUp(ctx context.Context) error {
	for _, object := range c.objects {
		if err := c.client.Delete(ctx, object); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting %T %s: %w", object, object.GetName(), err)
		}
	}
	return c.deleteNamespaces(ctx, c.namespaces...)
}

// deleteNamespaces deletes namespaces and waits until they are gone.
func (c *Cluster) deleteNamespaces(ctx context.Context, names ...string) error {
	for _, name := range names {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if err := c.client.Delete(ctx, namespace); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting the namespace %s: %w", name, err)
		}
	}
	for _, name := range names {
		err := await(ctx, func(ctx context.Context) (bool, error) {
			err := c.client.Get(ctx, client.ObjectKey{Name: name}, &corev1.Namespace{})
			return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
		})
		if err != nil {
			return fmt.Errorf("the namespace %s is still being deleted, which goes on in the background; "+
				"`make cluster-down` is quicker where the cluster is not needed any more: %w", name, err)
		}
	}
	return nil
}

// await waits until a condition holds or the context ends.
func await(ctx context.Context, condition func(context.Context) (bool, error)) error {
	return awaitEvery(ctx, poll, condition)
}

// awaitEvery waits until a condition holds, which is looked at in an interval, or the context ends. Single failures are those of a busy API server: the last
// one is told when the context ends.
func awaitEvery(ctx context.Context, interval time.Duration, condition func(context.Context) (bool, error)) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, interval, true, func(ctx context.Context) (bool, error) {
		var holds bool
		holds, last = condition(ctx)
		return holds && last == nil, nil
	})
	if err != nil && last != nil && !errors.Is(last, context.DeadlineExceeded) {
		return fmt.Errorf("%w; last: %w", err, last)
	}
	return err
}
