package scimtenant

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// finalizersInterval is how soon to look again whether somebody has taken a finalizer
// off an object that is not watched.
const finalizersInterval = 10 * time.Second

// reconcileDeletion stops the server, does what the deletion policy says, and then lets
// the tenant go. Its other objects are collected by their owner references. A namespace
// that is deleted takes the server and the users with it, whatever the policy says.
func (r *Reconciler) reconcileDeletion(ctx context.Context, s *scope) (ctrl.Result, error) {
	ends, err := reconcile.NamespaceEnds(ctx, r.Live, s.tenant.Namespace)
	if err != nil {
		return ctrl.Result{}, err
	}
	if ends {
		return ctrl.Result{}, r.release(ctx, s)
	}
	// The Deployment may outlive the tenant: it is orphaned if somebody wants that, and
	// not collected while somebody else's finalizer keeps the tenant.
	waiting, err := r.stopServer(ctx, s)
	if err != nil || waiting != "" {
		s.deletion = waiting
		return ctrl.Result{RequeueAfter: pollInterval}, err
	}
	done := !controllerutil.ContainsFinalizer(s.tenant, scimv1alpha1.Finalizer)
	if done || s.tenant.DeletionPolicy() == scimv1alpha1.DeletionPolicyRetain {
		return ctrl.Result{}, r.release(ctx, s)
	}
	// Nobody may write users while they are swept.
	waiting, err = r.remainingWriters(ctx, s)
	if err != nil || waiting != "" {
		s.deletion = waiting
		return ctrl.Result{RequeueAfter: pollInterval}, err
	}
	again, err := r.sweeper.sweep(ctx, s)
	if err != nil || again > 0 {
		return ctrl.Result{RequeueAfter: again}, err
	}
	return ctrl.Result{}, r.release(ctx, s)
}

// stopServer deletes the server's Deployment and returns what is still to be waited
// for; nothing once it is gone.
func (r *Reconciler) stopServer(ctx context.Context, s *scope) (waiting string, err error) {
	name := operand.Name(s.tenant.Name)
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: s.tenant.Namespace, Name: name}}
	if err := r.applier.Delete(ctx, s.owner, deployment); err != nil {
		return "", err
	}
	err = r.Live.Get(ctx, client.ObjectKeyFromObject(deployment), deployment)
	if err == nil && s.owner.Made(deployment) {
		return fmt.Sprintf("waiting until Deployment %s is gone", name), nil
	}
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("reading whether Deployment %s is gone: %w", name, err)
	}
	return "", nil
}

// remainingWriters returns what is still to be waited for; nothing once no pod of the server
// can write any more.
func (r *Reconciler) remainingWriters(ctx context.Context, s *scope) (waiting string, err error) {
	namespace := s.tenant.Namespace
	pods := &corev1.PodList{}
	err = r.Live.List(ctx, pods, client.InNamespace(namespace),
		client.MatchingLabels(operand.SelectorLabels(s.tenant.Name)), client.Limit(1))
	if err != nil {
		return "", fmt.Errorf("listing the server's pods: %w", err)
	}
	if len(pods.Items) > 0 {
		return fmt.Sprintf("waiting until the server's pods are gone, for example %s", pods.Items[0].Name), nil
	}

	leases := &coordinationv1.LeaseList{}
	err = r.Live.List(ctx, leases, client.InNamespace(namespace), replicaLabels(s.tenant))
	if err != nil {
		return "", fmt.Errorf("listing the Leases of the server's pods: %w", err)
	}
	if live := r.replicas.Live(leases.Items, time.Now()); len(live) > 0 {
		return fmt.Sprintf("waiting until the Leases of %d server replicas have run out", len(live)), nil
	}
	return "", nil
}

// release removes the finalizer, and what is remembered about the tenant. The tenant
// stays for as long as others have finalizers on it, and says so before: afterwards,
// it may be gone.
func (r *Reconciler) release(ctx context.Context, s *scope) error {
	s.deletion = released(s.tenant.Finalizers)
	if !controllerutil.ContainsFinalizer(s.tenant, scimv1alpha1.Finalizer) {
		return nil
	}
	if err := s.pass.State(ctx, nil); err != nil {
		return err
	}
	if err := s.pass.Release(ctx); err != nil {
		return err
	}
	r.sweeper.progress.forget(s.tenant.UID)
	r.usage.forget(s.tenant.UID)
	r.certificates.forget(s.tenant.UID)
	r.migrations.forget(s.tenant.UID)
	r.signings.forget(s.tenant.UID)
	return nil
}

// released says what keeps a tenant with which the operator is done.
func released(finalizers []string) string {
	others := slices.DeleteFunc(slices.Clone(finalizers), func(f string) bool { return f == scimv1alpha1.Finalizer })
	if len(others) == 0 {
		return "the server is stopped, and the tenant goes"
	}
	return "the server is stopped, and the operator is done: waiting for finalizers of others: " + strings.Join(others, ", ")
}

func replicaLabels(tenant *scimv1alpha1.ScimTenant) client.MatchingLabels {
	return client.MatchingLabels{
		scimv1alpha1.LabelTenant: tenant.Name,
		scimv1alpha1.LabelLease:  scimv1alpha1.LeaseReplica,
	}
}
