package cluster

import (
	"context"
	"fmt"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/hack/bench/internal/load"
)

// Next applies one more tenant with its key, and returns how long it takes until it is Ready, and, at a shared server,
// until it answers a client with its token. After that, the tenant is deleted again.
func (f *Fleet) Next(ctx context.Context) (ready, served time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	name := fmt.Sprintf("next%d", f.next)
	f.next++
	watch, err := f.cluster.client.Watch(ctx, &scimv1alpha1.ScimTenantList{}, client.InNamespace(f.namespace),
		client.MatchingFields{"metadata.name": name})
	if err != nil {
		return 0, 0, fmt.Errorf("watching the tenant %s: %w", name, err)
	}
	defer watch.Stop()
	began := time.Now()
	if err := f.create(ctx, name); err != nil {
		return 0, 0, err
	}
	for event := range watch.ResultChan() {
		if tenant, ok := event.Object.(*scimv1alpha1.ScimTenant); ok && meta.IsStatusConditionTrue(tenant.Status.Conditions, "Ready") {
			ready = time.Since(began)
			break
		}
	}
	if ready == 0 {
		return 0, 0, fmt.Errorf("the tenant %s was not Ready within %s, or the watch ended", name, readyTimeout)
	}
	if f.shared != "" {
		if err := f.awaitAnswer(ctx, name); err != nil {
			return 0, 0, err
		}
		served = time.Since(began)
	}
	return ready, served, f.remove(ctx, name)
}

// awaitAnswer waits until a tenant answers a client that has its token.
func (f *Fleet) awaitAnswer(ctx context.Context, name string) error {
	token, err := f.cluster.awaitToken(ctx, client.ObjectKey{Namespace: f.namespace, Name: name})
	if err != nil {
		return err
	}
	conn, err := load.NewConn(load.Target{Base: f.servers[0].all + f.path(name), Token: token})
	if err != nil {
		return err
	}
	defer conn.Close()
	return await(ctx, func(ctx context.Context) (bool, error) {
		_, err := conn.Do(ctx, load.Request{Method: http.MethodGet, Path: "/Users?count=1", Status: http.StatusOK})
		return err == nil, err
	})
}

// remove deletes a tenant with its key and waits until it is gone.
func (f *Fleet) remove(ctx context.Context, name string) error {
	at := metav1.ObjectMeta{Namespace: f.namespace, Name: name}
	tenant := &scimv1alpha1.ScimTenant{ObjectMeta: at}
	for _, o := range []client.Object{&scimv1alpha1.ScimApiKey{ObjectMeta: at}, tenant} {
		if err := f.cluster.client.Delete(ctx, o); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("deleting %T %s: %w", o, name, err)
		}
	}
	err := await(ctx, func(ctx context.Context) (bool, error) {
		err := f.cluster.client.Get(ctx, client.ObjectKeyFromObject(tenant), tenant)
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
	if err != nil {
		return fmt.Errorf("waiting for the end of the tenant %s: %w", name, err)
	}
	return nil
}

// Limit gives a tenant a limit of requests, and of writes, in a second. It is in force a moment later.
func (f *Fleet) Limit(ctx context.Context, i int, limit scimv1alpha1.RateLimit) error {
	tenant := &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: f.tenants[i]}}
	patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil,
		`{"spec":{"rateLimit":{"requestsPerSecond":%d,"writesPerSecond":%d}}}`, limit.RequestsPerSecond, limit.WritesPerSecond))
	if err := f.cluster.client.Patch(ctx, tenant, patch); err != nil {
		return fmt.Errorf("limiting the tenant %s: %w", tenant.Name, err)
	}
	return nil
}

// Unlimit takes the limit of a tenant away again.
func (f *Fleet) Unlimit(ctx context.Context, i int) error { return f.Limit(ctx, i, unlimited) }
