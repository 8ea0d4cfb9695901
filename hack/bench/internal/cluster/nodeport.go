package cluster

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// nodePort makes a Service for a port of the pods with the labels and waits until something listens at its address on
// loopback, which is returned.
func (c *Cluster) nodePort(ctx context.Context, namespace string, labels client.MatchingLabels, port string) (*corev1.Service, string, error) {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "bench-"},
		Spec: corev1.ServiceSpec{
			Type:     corev1.ServiceTypeNodePort,
			Selector: labels,
			Ports:    []corev1.ServicePort{{Name: port, Port: 80, TargetPort: intstr.FromString(port)}},
		},
	}
	if err := c.client.Create(ctx, service); err != nil {
		return nil, "", fmt.Errorf("making a Service: %w", err)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(int(service.Spec.Ports[0].NodePort)))
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	dialer := net.Dialer{Timeout: time.Second}
	err := await(ctx, func(ctx context.Context) (bool, error) {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return false, fmt.Errorf("connecting: %w", err)
		}
		return true, conn.Close()
	})
	if err != nil {
		return service, "", fmt.Errorf("nothing answers at %s; the cluster's NodePorts must answer on loopback, "+
			"as those of `make cluster` do: %w", address, err)
	}
	return service, address, nil
}
