package components

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubescim/kubescim/hack/cluster/internal/binaries"
	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
	"github.com/kubescim/kubescim/hack/cluster/internal/pki"
)

// healthClient asks daemons on loopback for their health. It checks no certificate: controller manager and
// scheduler make one up when they start, and what is asked and answered is no secret.
var healthClient = &http.Client{
	Timeout: 2 * time.Second,
	Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
	},
}

// answers makes a check that a health URL answers 200.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return fmt.Errorf("ask for health: %w", err)
		}
		response, err := healthClient.Do(request)
		if err != nil {
			return fmt.Errorf("ask for health: %w", err)
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %s", url, response.Status)
		}
		return nil
	}
}

// adminClient talks to the API server as administrator.
func adminClient(dir layout.Dir) (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", dir.Kubeconfig(pki.Admin))
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

// apiReady is nil if the API server serves requests.
func apiReady(ctx context.Context, dir layout.Dir) error {
	api, err := adminClient(dir)
	if err != nil {
		return err
	}
	if _, err := api.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx); err != nil {
		return fmt.Errorf("the API server is not ready: %w", err)
	}
	return nil
}

// Usable is nil when pods can be made: the node takes them, its kubelet and not the one before a restart says
// so, and the controller manager has made the ServiceAccount without which no pod is admitted.
func Usable(ctx context.Context, dir layout.Dir) error {
	api, err := adminClient(dir)
	if err != nil {
		return err
	}
	node, err := api.CoreV1().Nodes().Get(ctx, layout.NodeName, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("the node is not there yet: %w", err)
	}
	if err := nodeReady(node); err != nil {
		return err
	}
	if err := kubeletReported(ctx, dir, api, node); err != nil {
		return err
	}
	_, err = api.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("the default ServiceAccount is not there yet: %w", err)
	}
	return nil
}

// kubeletReported is nil if the kubelet that runs now has reported, and not only the one before it. It writes
// the node's status when it makes the node or the status changes, and else only its lease.
func kubeletReported(ctx context.Context, dir layout.Dir, api kubernetes.Interface, node *corev1.Node) error {
	pidFile, err := os.Stat(dir.PIDFile(binaries.Kubelet))
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
	lease, err := api.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, layout.NodeName, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("the kubelet has not reported yet: %w", err)
	}
	if lease.Spec.RenewTime == nil || lease.Spec.RenewTime.Time.Before(started) {
		return errors.New("the kubelet has not reported since it was started")
	}
	return nil
}

// nodeReady is nil if the node takes pods.
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
