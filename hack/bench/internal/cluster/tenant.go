package cluster

import (
	"context"
	"fmt"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/hack/bench/internal/load"
)

// readyTimeout bounds the wait for servers and keys. A server may have a hundred thousand users to read first.
const readyTimeout = 5 * time.Minute

// Tenant is a ScimTenant that is being served.
type Tenant struct {
	// All is reached through a port for all pods, and Replicas[i] is one pod and the same.
	All      load.Target
	Replicas []load.Target

	cluster   *Cluster
	namespace string
	name      string
	path      string
	token     string
	services  []*corev1.Service
}

// storageLimit is how much a tenant may store, in bytes: the most there is. With what it
// has otherwise, a benchmark of writes would measure how much may be written in a time.
const storageLimit = 8 << 30

// unlimited is a rate that nobody reaches: it is the server that is measured.
var unlimited = scimv1alpha1.RateLimit{RequestsPerSecond: 1_000_000, WritesPerSecond: 1_000_000}

// NewTenant makes a tenant with a key in a namespace of its own and waits until it is served. memory is the limit of
// each server pod.
func (c *Cluster) NewTenant(ctx context.Context, name string, replicas int32, memory resource.Quantity) (*Tenant, error) {
	namespace, err := c.newNamespace(ctx, name)
	if err != nil {
		return nil, err
	}
	object := &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: scimv1alpha1.ScimTenantSpec{
			IdentityProvider: scimv1alpha1.IdentityProviderGeneric,
			RateLimit:        unlimited,
			StorageLimit:     resource.NewQuantity(storageLimit, resource.BinarySI),
			Server: scimv1alpha1.ServerSpec{
				Replicas: replicas,
				Resources: &corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
					Limits:   corev1.ResourceList{corev1.ResourceMemory: memory},
				},
			},
		},
	}
	key := &scimv1alpha1.ScimApiKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: name}},
	}
	for _, o := range []client.Object{object, key} {
		if err := c.client.Create(ctx, o); err != nil {
			return nil, fmt.Errorf("making %T %s; `make install` installs what it needs: %w", o, name, err)
		}
	}
	t := &Tenant{cluster: c, namespace: namespace, name: name, path: object.Path()}
	if err := t.awaitServed(ctx, replicas); err != nil {
		return nil, err
	}
	if t.token, err = t.awaitToken(ctx); err != nil {
		return nil, err
	}
	return t, t.expose(ctx)
}

// awaitServed waits until as many pods as are wanted, and no other, are there and ready.
func (t *Tenant) awaitServed(ctx context.Context, replicas int32) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	err := await(ctx, func(ctx context.Context) (bool, error) {
		deployment := &appsv1.Deployment{}
		key := client.ObjectKey{Namespace: t.namespace, Name: t.name + "-scim"}
		if err := t.cluster.client.Get(ctx, key, deployment); client.IgnoreNotFound(err) != nil {
			return false, fmt.Errorf("reading the Deployment: %w", err)
		}
		pods, err := t.pods(ctx)
		if err != nil {
			return false, err
		}
		status := deployment.Status
		return len(pods) == int(replicas) && status.ObservedGeneration >= deployment.Generation &&
			status.Replicas == replicas && status.AvailableReplicas == replicas && status.UpdatedReplicas == replicas, nil
	})
	if err != nil {
		return fmt.Errorf("waiting for %d server pods of the tenant %s: %w", replicas, t.name, err)
	}
	return nil
}

// awaitToken waits for the key and returns its token.
func (t *Tenant) awaitToken(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var token string
	err := await(ctx, func(ctx context.Context) (bool, error) {
		key := &scimv1alpha1.ScimApiKey{}
		if err := t.cluster.client.Get(ctx, client.ObjectKey{Namespace: t.namespace, Name: t.name}, key); err != nil {
			return false, fmt.Errorf("reading the ScimApiKey: %w", err)
		}
		if !meta.IsStatusConditionTrue(key.Status.Conditions, "Ready") {
			return false, nil
		}
		secret := &corev1.Secret{}
		if err := t.cluster.client.Get(ctx, client.ObjectKey{Namespace: t.namespace, Name: key.Status.SecretName}, secret); err != nil {
			return false, fmt.Errorf("reading the token: %w", err)
		}
		token = string(secret.Data["token"])
		return token != "", nil
	})
	if err != nil {
		return "", fmt.Errorf("waiting for the key of the tenant %s: %w", t.name, err)
	}
	return token, nil
}

// labels choose the pods of the tenant's server.
func (t *Tenant) labels() client.MatchingLabels {
	return client.MatchingLabels{"app.kubernetes.io/name": "kubescim-server", "app.kubernetes.io/instance": t.name}
}

// pods returns the pods of the tenant's server, those that are going away too.
func (t *Tenant) pods(ctx context.Context) ([]corev1.Pod, error) {
	list := &corev1.PodList{}
	if err := t.cluster.client.List(ctx, list, client.InNamespace(t.namespace), t.labels()); err != nil {
		return nil, fmt.Errorf("listing the server pods: %w", err)
	}
	return list.Items, nil
}

// Scale changes the number of server pods and waits until they are there, and those that are too many gone.
func (t *Tenant) Scale(ctx context.Context, replicas int32) error {
	object := &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: t.name}}
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"server":{"replicas":`+strconv.Itoa(int(replicas))+`}}}`))
	if err := t.cluster.client.Patch(ctx, object, patch); err != nil {
		return fmt.Errorf("scaling the tenant %s: %w", t.name, err)
	}
	deadline, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := await(deadline, func(ctx context.Context) (bool, error) {
		deployment := &appsv1.Deployment{}
		err := t.cluster.client.Get(ctx, client.ObjectKey{Namespace: t.namespace, Name: t.name + "-scim"}, deployment)
		return err == nil && *deployment.Spec.Replicas == replicas, err
	})
	if err != nil {
		return fmt.Errorf("waiting for the operator to scale the tenant %s: %w", t.name, err)
	}
	if err := t.awaitServed(ctx, replicas); err != nil {
		return err
	}
	return t.expose(ctx)
}

// ColdStart deletes a server pod and returns how long it takes until the one that takes its place is Ready.
func (t *Tenant) ColdStart(ctx context.Context) (time.Duration, error) {
	before, err := t.pods(ctx)
	if err != nil {
		return 0, err
	}
	known := map[string]bool{}
	for _, pod := range before {
		known[pod.Name] = true
	}
	watched, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	watch, err := t.cluster.client.Watch(watched, &corev1.PodList{}, client.InNamespace(t.namespace), t.labels())
	if err != nil {
		return 0, fmt.Errorf("watching the server pods: %w", err)
	}
	defer watch.Stop()
	began := time.Now()
	if err := t.cluster.client.Delete(ctx, &before[0]); err != nil {
		return 0, fmt.Errorf("deleting a server pod: %w", err)
	}
	for event := range watch.ResultChan() {
		if pod, ok := event.Object.(*corev1.Pod); ok && !known[pod.Name] && isReady(pod) {
			took := time.Since(began)
			if err := t.awaitServed(ctx, int32(len(before))); err != nil {
				return 0, err
			}
			return took, t.expose(ctx)
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
