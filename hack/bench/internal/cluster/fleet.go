package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/hack/bench/internal/load"
)

// Fleet is tenants in a namespace of their own. They share one server, or have one each.
type Fleet struct {
	// All[i] reaches all pods of the server of the i-th tenant, and First[i] its first pod.
	All, First []load.Target

	cluster   *Cluster
	namespace string
	// shared is the name of the ScimServer; empty if there is none.
	shared   string
	replicas int32
	servers  []*server
	tenants  []string
	tokens   []string
	next     int
}

const (
	// growTimeout bounds the wait for many tenants, of which each takes some requests of the API server.
	growTimeout = 20 * time.Minute
	// growPoll is how often all of them are looked at.
	growPoll = 2 * time.Second
)

// NewFleet makes a namespace, and in it a ScimServer with so many pods if the tenants are to share one; else each of
// them has so many. memory is the limit of a pod of the ScimServer; other servers have the default.
func (c *Cluster) NewFleet(ctx context.Context, purpose string, shared bool, replicas int32, memory resource.Quantity) (*Fleet, error) {
	namespace, err := c.newNamespace(ctx, purpose)
	if err != nil {
		return nil, err
	}
	f := &Fleet{cluster: c, namespace: namespace, replicas: replicas}
	if !shared {
		return f, nil
	}
	f.shared = "shared"
	object := &scimv1alpha1.ScimServer{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: f.shared}}
	object.Spec.Replicas, object.Spec.Resources = replicas, resources(memory)
	if err := c.client.Create(ctx, object); err != nil {
		return nil, fmt.Errorf("making a ScimServer; `make install` installs what it needs: %w", err)
	}
	s := &server{cluster: c, namespace: namespace, name: f.shared + "-scim-server"}
	f.servers = append(f.servers, s)
	return f, s.awaitServed(ctx, replicas)
}

// Namespace is where the tenants are.
func (f *Fleet) Namespace() string { return f.namespace }

// Size is how many tenants there are.
func (f *Fleet) Size() int { return len(f.tenants) }

// Grow makes tenants with a key each until there are so many, and waits until all are served.
func (f *Fleet) Grow(ctx context.Context, size int) error {
	ctx, cancel := context.WithTimeout(ctx, growTimeout)
	defer cancel()
	for i := len(f.tenants); i < size; i++ {
		name := fmt.Sprintf("t%04d", i)
		if err := f.create(ctx, name); err != nil {
			return err
		}
		f.tenants = append(f.tenants, name)
		if f.shared == "" {
			f.servers = append(f.servers, &server{cluster: f.cluster, namespace: f.namespace, name: name + "-scim"})
		}
	}
	for _, s := range f.servers {
		if err := s.awaitServed(ctx, f.replicas); err != nil {
			return err
		}
	}
	if err := f.awaitReady(ctx); err != nil {
		return err
	}
	if err := f.readTokens(ctx); err != nil {
		return err
	}
	return f.expose(ctx)
}

// create applies a tenant and its key.
func (f *Fleet) create(ctx context.Context, name string) error {
	tenant := newScimTenant(f.namespace, name)
	if f.shared == "" {
		tenant.Spec.Server.Replicas = f.replicas
	} else {
		tenant.Spec.ServerRef.Name = f.shared
	}
	for _, o := range []client.Object{tenant, newKey(f.namespace, name)} {
		if err := f.cluster.client.Create(ctx, o); err != nil {
			return fmt.Errorf("making %T %s; `make install` installs what it needs: %w", o, name, err)
		}
	}
	return nil
}

// awaitReady waits until all tenants and keys are Ready.
func (f *Fleet) awaitReady(ctx context.Context) error {
	var tenants, keys int
	err := awaitEvery(ctx, growPoll, func(ctx context.Context) (bool, error) {
		list := &scimv1alpha1.ScimTenantList{}
		keyList := &scimv1alpha1.ScimApiKeyList{}
		if err := errors.Join(f.list(ctx, list), f.list(ctx, keyList)); err != nil {
			return false, err
		}
		tenants, keys = 0, 0
		for i := range list.Items {
			if meta.IsStatusConditionTrue(list.Items[i].Status.Conditions, "Ready") {
				tenants++
			}
		}
		for i := range keyList.Items {
			if meta.IsStatusConditionTrue(keyList.Items[i].Status.Conditions, "Ready") {
				keys++
			}
		}
		return tenants == len(f.tenants) && keys == len(f.tenants), nil
	})
	if err != nil {
		return fmt.Errorf("waiting for %d tenants, of which %d are Ready, and their keys, of which %d are: %w",
			len(f.tenants), tenants, keys, err)
	}
	return nil
}

// readTokens reads the tokens of all keys.
func (f *Fleet) readTokens(ctx context.Context) error {
	keys, secrets := &scimv1alpha1.ScimApiKeyList{}, &corev1.SecretList{}
	if err := errors.Join(f.list(ctx, keys), f.list(ctx, secrets)); err != nil {
		return err
	}
	tokens := map[string]string{}
	for _, secret := range secrets.Items {
		tokens[secret.Name] = string(secret.Data["token"])
	}
	of := map[string]string{}
	for i := range keys.Items {
		of[keys.Items[i].Name] = tokens[keys.Items[i].Status.SecretName]
	}
	f.tokens = nil
	for _, tenant := range f.tenants {
		if of[tenant] == "" {
			return fmt.Errorf("the key of the tenant %s has no token", tenant)
		}
		f.tokens = append(f.tokens, of[tenant])
	}
	return nil
}

// list lists the objects of a kind in the namespace.
func (f *Fleet) list(ctx context.Context, list client.ObjectList) error {
	if err := f.cluster.client.List(ctx, list, client.InNamespace(f.namespace)); err != nil {
		return fmt.Errorf("listing %T: %w", list, err)
	}
	return nil
}

// expose makes the servers reachable on loopback.
func (f *Fleet) expose(ctx context.Context) error {
	for _, s := range f.servers {
		if err := s.expose(ctx, 1); err != nil {
			return err
		}
	}
	f.All, f.First = nil, nil
	for i, tenant := range f.tenants {
		s := f.serverOf(i)
		f.All = append(f.All, load.Target{Base: s.all + f.path(tenant), Token: f.tokens[i]})
		f.First = append(f.First, load.Target{Base: s.replicas[0] + f.path(tenant), Token: f.tokens[i]})
	}
	return nil
}

// Delete deletes the namespace of the tenants and waits until it is gone.
func (f *Fleet) Delete(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, growTimeout)
	defer cancel()
	return f.cluster.deleteNamespaces(ctx, f.namespace)
}

// serverOf is the server of the i-th tenant.
func (f *Fleet) serverOf(i int) *server {
	if f.shared != "" {
		return f.servers[0]
	}
	return f.servers[i]
}

// path is the path of a tenant's SCIM API. That of a tenant of a shared server begins with its name.
func (f *Fleet) path(tenant string) string {
	if f.shared != "" {
		return "/" + tenant + scimv1alpha1.DefaultPath
	}
	return scimv1alpha1.DefaultPath
}

// ColdStart deletes a server pod and returns how long it takes until the one that takes its place is Ready.
func (f *Fleet) ColdStart(ctx context.Context) (time.Duration, error) {
	took, err := f.servers[0].coldStart(ctx)
	if err != nil {
		return 0, err
	}
	return took, f.expose(ctx)
}

// Processes returns the processes of all server pods.
func (f *Fleet) Processes(ctx context.Context) ([]Process, error) {
	var all []Process
	for _, s := range f.servers {
		processes, err := s.processes(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, processes...)
	}
	return all, nil
}

// Requested returns what all server pods request: memory in bytes, and processors.
func (f *Fleet) Requested(ctx context.Context) (memory, cpu float64, err error) {
	for _, s := range f.servers {
		pods, err := s.pods(ctx)
		if err != nil {
			return 0, 0, err
		}
		m, c := requested(pods)
		memory, cpu = memory+m, cpu+c
	}
	return memory, cpu, nil
}

// Restarts returns how often containers of server pods were started again, as those are that took too much memory.
func (f *Fleet) Restarts(ctx context.Context) (int, error) {
	restarts := 0
	for _, s := range f.servers {
		pods, err := s.pods(ctx)
		if err != nil {
			return 0, err
		}
		for i := range pods {
			for _, status := range pods[i].Status.ContainerStatuses {
				restarts += int(status.RestartCount)
			}
		}
	}
	return restarts, nil
}

// requested sums up what pods request: memory in bytes, and processors.
func requested(pods []corev1.Pod) (memory, cpu float64) {
	for i := range pods {
		for j := range pods[i].Spec.Containers {
			requests := pods[i].Spec.Containers[j].Resources.Requests
			memory += requests.Memory().AsApproximateFloat64()
			cpu += requests.Cpu().AsApproximateFloat64()
		}
	}
	return memory, cpu
}
