package cluster

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// server is a Deployment of server pods, for one tenant or for many.
type server struct {
	cluster   *Cluster
	namespace string
	// name is that of the Deployment.
	name string
	// labels choose its pods. They are known once it is served.
	labels client.MatchingLabels
	// all is the URL of a port for all pods, and replicas those of ports for one pod each.
	all      string
	replicas []string
	services []*corev1.Service
}

// awaitServed waits until as many pods as are wanted, and no other, are there and ready.
func (s *server) awaitServed(ctx context.Context, replicas int32) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	err := await(ctx, func(ctx context.Context) (bool, error) {
		deployment := &appsv1.Deployment{}
		if err := s.cluster.client.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: s.name}, deployment); client.IgnoreNotFound(err) != nil {
			return false, fmt.Errorf("reading the Deployment: %w", err)
		}
		if deployment.Spec.Selector == nil {
			return false, nil
		}
		s.labels = deployment.Spec.Selector.MatchLabels
		pods, err := s.pods(ctx)
		if err != nil {
			return false, err
		}
		status := deployment.Status
		return len(pods) == int(replicas) && status.ObservedGeneration >= deployment.Generation &&
			status.Replicas == replicas && status.AvailableReplicas == replicas && status.UpdatedReplicas == replicas, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for %d pods of the server %s: %w", replicas, s.name, err)
	}
	return nil
}

// pods returns the pods of the server, those that are going away too.
func (s *server) pods(ctx context.Context) ([]corev1.Pod, error) {
	list := &corev1.PodList{}
	if err := s.cluster.client.List(ctx, list, client.InNamespace(s.namespace), s.labels); err != nil {
		return nil, fmt.Errorf("listing the server pods: %w", err)
	}
	return list.Items, nil
}

// expose makes the server, and each of its first pods alone, reachable on loopback, in place of what was there before.
func (s *server) expose(ctx context.Context, first int) error {
	for _, service := range s.services {
		if err := s.cluster.client.Delete(ctx, service); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting a Service: %w", err)
		}
	}
	s.services, s.replicas = nil, nil
	var err error
	if s.all, err = s.nodePort(ctx, s.labels); err != nil {
		return err
	}
	pods, err := s.pods(ctx)
	if err != nil {
		return err
	}
	for i := range min(first, len(pods)) {
		labels := maps.Clone(s.labels)
		labels[labelBench] = strconv.Itoa(i)
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"`+labelBench+`":"`+strconv.Itoa(i)+`"}}}`))
		if err := s.cluster.client.Patch(ctx, &pods[i], patch); err != nil {
			return fmt.Errorf("labelling a server pod: %w", err)
		}
		replica, err := s.nodePort(ctx, labels)
		if err != nil {
			return err
		}
		s.replicas = append(s.replicas, replica)
	}
	return nil
}

// nodePort makes a Service for the pods with the labels, and returns its URL on loopback.
func (s *server) nodePort(ctx context.Context, labels client.MatchingLabels) (string, error) {
	service, address, err := s.cluster.nodePort(ctx, s.namespace, labels, "http")
	if err != nil {
		return "", err
	}
	s.services = append(s.services, service)
	return "http://" + address, nil
}

// coldStart deletes a server pod and returns how long it takes until the one that takes its place is Ready. The server
// has to be exposed again after it.
func (s *server) coldStart(ctx context.Context) (time.Duration, error) {
	before, err := s.pods(ctx)
	if err != nil {
		return 0, err
	}
	known := map[string]bool{}
	for _, pod := range before {
		known[pod.Name] = true
	}
	watched, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	watch, err := s.cluster.client.Watch(watched, &corev1.PodList{}, client.InNamespace(s.namespace), s.labels)
	if err != nil {
		return 0, fmt.Errorf("watching the server pods: %w", err)
	}
	defer watch.Stop()
	began := time.Now()
	if err := s.cluster.client.Delete(ctx, &before[0]); err != nil {
		return 0, fmt.Errorf("deleting a server pod: %w", err)
	}
	for event := range watch.ResultChan() {
		if pod, ok := event.Object.(*corev1.Pod); ok && !known[pod.Name] && isReady(pod) {
			return time.Since(began), s.awaitServed(ctx, int32(len(before)))
		}
	}
	return 0, fmt.Errorf("no pod took the place of the deleted one within %s, or the watch ended", readyTimeout)
}

func isReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
