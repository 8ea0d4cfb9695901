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

	server
	tenant string
	path   string
	token  string
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
	object := newScimTenant(namespace, name)
	object.Spec.Server = scimv1alpha1.ServerSpec{Replicas: replicas, Resources: resources(memory)}
	for _, o := range []client.Object{object, newKey(namespace, name)} {
		if err := c.client.Create(ctx, o); err != nil {
			return nil, fmt.Errorf("making %T %s; `make install` installs what it needs: %w", o, name, err)
		}
	}
	t := &Tenant{server: server{cluster: c, namespace: namespace, name: name + "-scim"}, tenant: name, path: object.Path()}
	if err := t.awaitServed(ctx, replicas); err != nil {
		return nil, err
	}
	if t.token, err = c.awaitToken(ctx, client.ObjectKey{Namespace: namespace, Name: name}); err != nil {
		return nil, err
	}
	return t, t.expose(ctx)
}

// resources are the default ones of a server pod, but for the limit of its memory.
func resources(memory resource.Quantity) *corev1.ResourceRequirements {
	return &corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: memory},
	}
}

// newScimTenant is a tenant whose limits nobody reaches.
func newScimTenant(namespace, name string) *scimv1alpha1.ScimTenant {
	return &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: scimv1alpha1.ScimTenantSpec{
			IdentityProvider: scimv1alpha1.IdentityProviderGeneric,
			RateLimit:        unlimited,
			StorageLimit:     resource.NewQuantity(storageLimit, resource.BinarySI),
		},
	}
}

// newKey is a key of a tenant, of the same name.
func newKey(namespace, tenant string) *scimv1alpha1.ScimApiKey {
	return &scimv1alpha1.ScimApiKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: tenant},
		Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: tenant}},
	}
}

// expose makes the server, and each of its pods alone, reachable on loopback.
func (t *Tenant) expose(ctx context.Context) error {
	pods, err := t.pods(ctx)
	if err != nil {
		return err
	}
	if err := t.server.expose(ctx, len(pods)); err != nil {
		return err
	}
	t.All, t.Replicas = load.Target{Base: t.all + t.path, Token: t.token}, nil
	for _, replica := range t.replicas {
		t.Replicas = append(t.Replicas, load.Target{Base: replica + t.path, Token: t.token})
	}
	return nil
}

// awaitToken waits for a key and returns its token.
func (c *Cluster) awaitToken(ctx context.Context, at client.ObjectKey) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	var token string
	err := await(ctx, func(ctx context.Context) (bool, error) {
		key := &scimv1alpha1.ScimApiKey{}
		if err := c.client.Get(ctx, at, key); err != nil {
			return false, fmt.Errorf("reading the ScimApiKey: %w", err)
		}
		if !meta.IsStatusConditionTrue(key.Status.Conditions, "Ready") {
			return false, nil
		}
		secret := &corev1.Secret{}
		if err := c.client.Get(ctx, client.ObjectKey{Namespace: at.Namespace, Name: key.Status.SecretName}, secret); err != nil {
			return false, fmt.Errorf("reading the token: %w", err)
		}
		token = string(secret.Data["token"])
		return token != "", nil
	})
	if err != nil {
		return "", fmt.Errorf("waiting for the key of the tenant %s: %w", at.Name, err)
	}
	return token, nil
}

// Scale changes the number of server pods and waits until they are there, and those that are too many gone.
func (t *Tenant) Scale(ctx context.Context, replicas int32) error {
	object := &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: t.tenant}}
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"server":{"replicas":`+strconv.Itoa(int(replicas))+`}}}`))
	if err := t.cluster.client.Patch(ctx, object, patch); err != nil {
		return fmt.Errorf("scaling the tenant %s: %w", t.tenant, err)
	}
	deadline, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := await(deadline, func(ctx context.Context) (bool, error) {
		deployment := &appsv1.Deployment{}
		err := t.cluster.client.Get(ctx, client.ObjectKey{Namespace: t.namespace, Name: t.name}, deployment)
		return err == nil && *deployment.Spec.Replicas == replicas, err
	})
	if err != nil {
		return fmt.Errorf("waiting for the operator to scale the tenant %s: %w", t.tenant, err)
	}
	if err := t.awaitServed(ctx, replicas); err != nil {
		return err
	}
	return t.expose(ctx)
}

// ColdStart deletes a server pod and returns how long it takes until the one that takes its place is Ready.
func (t *Tenant) ColdStart(ctx context.Context) (time.Duration, error) {
	took, err := t.coldStart(ctx)
	if err != nil {
		return 0, err
	}
	return took, t.expose(ctx)
}
