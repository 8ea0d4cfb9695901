package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubescim/kubescim/hack/cluster/internal/binaries"
)

const (
	// lockName is an abstract socket: the kernel gives it to one process at a time and takes it back when that
	// one ends, however it ends.
	lockName = "@kubescim-cluster"
	// lockLimit is longer than a cold up takes.
	lockLimit = 30 * time.Minute
	// importLimit bounds the import of an image.
	importLimit = 5 * time.Minute
)

// Cluster is the local cluster of this machine.
type Cluster struct {
	dir      stateDir
	checkout string
	programs *binaries.Set
	logf     func(format string, args ...any)
}

// New returns the local cluster, whether it runs or not. The checkout is where its programs are described.
func New(checkout string, programs *binaries.Set, logf func(string, ...any)) (*Cluster, error) {
	dir, err := findStateDir()
	if err != nil {
		return nil, err
	}
	return &Cluster{dir: dir, checkout: checkout, programs: programs, logf: logf}, nil
}

// AdminKubeconfig is the kubeconfig for people. Up must have succeeded.
func (c *Cluster) AdminKubeconfig() ([]byte, error) {
	return newKubeconfig(c.dir, clientAdmin)
}

// Load imports an image archive.
func (c *Cluster) Load(ctx context.Context, file string) error {
	if err := needRoot(); err != nil {
		return err
	}
	if _, ok := recorded(c.dir, containerdName); !ok {
		return errors.New("load an image: the local cluster does not run; run up first")
	}
	return c.importImage(ctx, file)
}

// importImage gives an image archive to containerd, in the namespace that the kubelet uses.
func (c *Cluster) importImage(ctx context.Context, file string) error {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("load an image: there is no %s; make it with: go -C hack run ./image", file)
	}
	ctx, cancel := context.WithTimeout(ctx, importLimit)
	defer cancel()
	output, err := c.ctr(ctx, "--namespace", "k8s.io", "images", "import", file)
	if err != nil {
		return fmt.Errorf("load %s: %w", file, err)
	}
	c.logf("%s", strings.TrimSpace(output))
	return nil
}

// ctr runs containerd's command line client against the cluster's own containerd.
func (c *Cluster) ctr(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "ctr", append([]string{"--address", c.dir.containerdSocket(),
		"--connect-timeout", "2s"}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("ctr %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// client talks to the API server as administrator.
func (c *Cluster) client() (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.dir.kubeconfig(clientAdmin))
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig of the administrator: %w", err)
	}
	config.Timeout = 5 * time.Second
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a client of the API server: %w", err)
	}
	return client, nil
}

// apiReady tells whether the API server serves requests.
func (c *Cluster) apiReady(ctx context.Context) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	if _, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx); err != nil {
		return fmt.Errorf("the API server is not ready: %w", err)
	}
	return nil
}

// usable tells whether pods can be made: the node takes them, its kubelet and not the one before a restart says
// so, and the controller manager has made the ServiceAccount without which no pod is admitted.
func (c *Cluster) usable(ctx context.Context) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	node, err := client.CoreV1().Nodes().Get(ctx, nodeName, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("the node is not there yet: %w", err)
	}
	if err := nodeReady(node); err != nil {
		return err
	}
	if err := c.kubeletReported(ctx, client, node); err != nil {
		return err
	}
	_, err = client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("the default ServiceAccount is not there yet: %w", err)
	}
	return nil
}

// kubeletReported tells whether the kubelet that runs now has reported, and not only the one before it. It writes
// the node's status when it makes the node or the status changes, and else only its lease.
func (c *Cluster) kubeletReported(ctx context.Context, client kubernetes.Interface, node *corev1.Node) error {
	pidFile, err := os.Stat(c.dir.pidFile(binaries.Kubelet))
	if err != nil {
		return fmt.Errorf("look when the kubelet started: %w", err)
	}
	// Times in a node's status are in whole seconds.
	started := pidFile.ModTime().Truncate(time.Second)
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && !condition.LastHeartbeatTime.Time.Before(started) {
			return nil
		}
	}
	lease, err := client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, nodeName, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("the kubelet has not reported yet: %w", err)
	}
	if lease.Spec.RenewTime == nil || lease.Spec.RenewTime.Time.Before(started) {
		return errors.New("the kubelet has not reported since it was started")
	}
	return nil
}

// nodeReady tells whether the node takes pods.
func nodeReady(node *corev1.Node) error {
	for _, taint := range node.Spec.Taints {
		if taint.Effect != corev1.TaintEffectPreferNoSchedule {
			return fmt.Errorf("the node takes no pods: it has the taint %s", taint.Key)
		}
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
			return nil
		}
		if condition.Type == corev1.NodeReady {
			return fmt.Errorf("the node is not ready: %s", condition.Message)
		}
	}
	return errors.New("the node has not said yet whether it is ready")
}

// lock makes up and down wait for each other, over all checkouts.
func (c *Cluster) lock(ctx context.Context) (unlock func(), err error) {
	var listener net.Listener
	said := false
	err = poll(ctx, lockLimit, func() bool {
		if listener, err = new(net.ListenConfig).Listen(ctx, "unix", lockName); err == nil {
			return true
		}
		if !said {
			c.logf("another up or down is going on; waiting for it")
			said = true
		}
		return false
	})
	if err != nil {
		return nil, fmt.Errorf("wait for another up or down to end: %w", err)
	}
	return func() { _ = listener.Close() }, nil
}

// needRoot refuses to begin what only root can finish.
func needRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("the local cluster needs root, for containers and addresses; run this as root, " +
			"or name a cluster to use by KUBECONFIG")
	}
	return nil
}
