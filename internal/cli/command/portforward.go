package command

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/httpstream" //nolint:staticcheck // The port-forward of client-go has its types.
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
)

// mostOperators bounds how many pods of the operator are looked at.
const mostOperators = 100

// labelsOfOperator are those of the operator's pods.
var labelsOfOperator = client.MatchingLabels{operand.LabelPartOf: operand.ManagedBy, "app.kubernetes.io/component": "operator"}

// PortForward reaches the operator as kubectl port-forward does: through the API server, which lets
// those who may, to one pod. So credentials of every kind come to the operator as they are, client
// certificates too, of which the API server's proxy of Services and pods would pass on none; and no
// port of the operator need be open to anybody.
func PortForward(ctx context.Context, config *rest.Config, namespace string) (address string, end func(), err error) {
	pod, err := operatorPod(ctx, config, namespace)
	if err != nil {
		return "", nil, err
	}
	dialer, err := dialerTo(config, namespace, pod)
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ready, failed := make(chan struct{}), make(chan error, 1)
	forwarder, err := portforward.NewOnAddressesWithContext(ctx, dialer, []string{"127.0.0.1"}, []string{fmt.Sprintf("0:%d", contract.PortAPI)}, ready, io.Discard, io.Discard)
	if err != nil {
		cancel()
		return "", nil, fmt.Errorf("preparing to reach the operator: %w", err)
	}
	go func() { failed <- forwarder.ForwardPorts() }()
	select {
	case err := <-failed:
		cancel()
		return "", nil, cannotReach(namespace, "port-forwarding to pod "+pod, err)
	case <-ready:
	}
	ports, err := forwarder.GetPorts()
	if err != nil || len(ports) != 1 {
		cancel()
		return "", nil, fmt.Errorf("finding the port that leads to the operator: %w", err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(int(ports[0].Local))), cancel, nil
}

// operatorPod returns the name of a pod of the operator that is ready.
func operatorPod(ctx context.Context, config *rest.Config, namespace string) (string, error) {
	c, err := client.New(config, client.Options{Scheme: clientgoscheme.Scheme})
	if err != nil {
		return "", Failed("connecting to the cluster", "", err)
	}
	pods := &corev1.PodList{}
	if err := c.List(ctx, pods, client.InNamespace(namespace), labelsOfOperator, client.Limit(mostOperators)); err != nil {
		return "", cannotReach(namespace, "listing the pods of the operator", err)
	}
	for i := range pods.Items {
		for _, condition := range pods.Items[i].Status.Conditions {
			if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
				return pods.Items[i].Name, nil
			}
		}
	}
	return "", fmt.Errorf("no pod of the operator is ready in the namespace %s: name its namespace with --operator-namespace, or see 'kubectl scim check'", namespace)
}

// dialerTo returns what opens a connection to a pod: over a WebSocket, or over SPDY where a proxy lets
// none through.
func dialerTo(config *rest.Config, namespace, pod string) (httpstream.Dialer, error) {
	typed := rest.CopyConfig(config)
	typed.GroupVersion, typed.APIPath, typed.NegotiatedSerializer = &corev1.SchemeGroupVersion, "/api", clientgoscheme.Codecs.WithoutConversion()
	calls, err := rest.RESTClientFor(typed)
	if err != nil {
		return nil, fmt.Errorf("preparing to reach the operator: %w", err)
	}
	at := calls.Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("portforward").URL()
	roundTripper, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, fmt.Errorf("preparing to reach the operator: %w", err)
	}
	overSPDY := spdy.NewDialer(upgrader, &http.Client{Transport: roundTripper}, http.MethodPost, at)
	overWebSocket, err := portforward.NewSPDYOverWebsocketDialer(at, config)
	if err != nil {
		return nil, fmt.Errorf("preparing to reach the operator: %w", err)
	}
	return portforward.NewFallbackDialer(overWebSocket, overSPDY, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	}), nil
}

// cannotReach says why the operator cannot be reached, and how to mend that.
func cannotReach(namespace, doing string, err error) error {
	// Of an error before a connection is upgraded, nothing but the text is left.
	if apierrors.IsForbidden(err) || strings.Contains(err.Error(), " is forbidden: ") {
		return fmt.Errorf("%s: you lack the right: whoever administers the cluster can bind you the Role kubescim-log-reader in the namespace %s, "+
			"which lets you reach the operator (%w)", doing, namespace, err)
	}
	return Failed(doing, "", err)
}
