package cluster

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/hack/bench/internal/load"
)

// expose makes the server, and each of its pods alone, reachable on loopback, in place of what was there before.
func (t *Tenant) expose(ctx context.Context) error {
	for _, service := range t.services {
		if err := t.cluster.client.Delete(ctx, service); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting a Service: %w", err)
		}
	}
	t.services, t.Replicas = nil, nil
	var err error
	if t.All, err = t.nodePort(ctx, t.labels()); err != nil {
		return err
	}
	pods, err := t.pods(ctx)
	if err != nil {
		return err
	}
	for i := range pods {
		labels := maps.Clone(t.labels())
		labels[labelBench] = strconv.Itoa(i)
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"`+labelBench+`":"`+strconv.Itoa(i)+`"}}}`))
		if err := t.cluster.client.Patch(ctx, &pods[i], patch); err != nil {
			return fmt.Errorf("labelling a server pod: %w", err)
		}
		replica, err := t.nodePort(ctx, labels)
		if err != nil {
			return err
		}
		t.Replicas = append(t.Replicas, replica)
	}
	return nil
}

// nodePort makes a Service for the pods with the labels and waits until it answers on loopback.
func (t *Tenant) nodePort(ctx context.Context, labels map[string]string) (load.Target, error) {
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, GenerateName: "bench-"},
		Spec: corev1.ServiceSpec{
			Type:     corev1.ServiceTypeNodePort,
			Selector: labels,
			Ports:    []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("http")}},
		},
	}
	if err := t.cluster.client.Create(ctx, service); err != nil {
		return load.Target{}, fmt.Errorf("making a Service: %w", err)
	}
	t.services = append(t.services, service)
	target := load.Target{
		Base:  "http://127.0.0.1:" + strconv.Itoa(int(service.Spec.Ports[0].NodePort)) + t.path,
		Token: t.token,
	}
	conn, err := load.NewConn(target)
	if err != nil {
		return load.Target{}, err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err = await(ctx, func(ctx context.Context) (bool, error) {
		_, err := conn.Do(ctx, load.Request{Method: http.MethodGet, Path: "/ServiceProviderConfig", Status: http.StatusOK})
		return err == nil, err
	})
	if err != nil {
		return load.Target{}, fmt.Errorf("no SCIM server answers at %s; the cluster's NodePorts must answer on loopback, "+
			"as those of `make cluster` do: %w", target.Base, err)
	}
	return target, nil
}
