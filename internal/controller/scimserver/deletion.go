package scimserver

import (
	"context"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// A ScimServer that serves tenants is not deleted before these are elsewhere, or are deleted too: as
// a PersistentVolumeClaim stays while pods use it. Whoever means otherwise says so by an annotation.

const (
	// heldInterval is how soon to look again at a server that is kept for its tenants: no watch tells
	// that its namespace is being deleted.
	heldInterval = 10 * time.Second
	// namedTenants bounds how many tenants a message names.
	namedTenants = 5
)

// reconcileDeletion stops the server, and lets it go, unless tenants keep it. Those that it leaves
// behind stay, with their users, and say that nobody serves them; they are served again by a server
// of the same name. A namespace that is being deleted takes all with it.
func (r *Reconciler) reconcileDeletion(ctx context.Context, s *scope) (ctrl.Result, error) {
	ends, err := reconcile.NamespaceEnds(ctx, r.Live, s.server.Namespace)
	if err != nil {
		return ctrl.Result{}, err
	}
	if err := r.gatherTenants(ctx, s); err != nil {
		return ctrl.Result{}, err
	}
	if !ends && len(s.staying) > 0 && !s.server.AbandonsTenants() {
		return r.hold(ctx, s)
	}
	if !ends {
		waiting, err := r.Keeper.Stop(ctx, s.running)
		if err != nil || waiting != "" {
			s.deletion = waiting
			return ctrl.Result{RequeueAfter: pollInterval}, err
		}
	}
	s.deletion = "the server is stopped, and goes"
	if err := s.pass.State(ctx, nil); err != nil {
		return ctrl.Result{}, err
	}
	if err := s.pass.Release(ctx); err != nil {
		return ctrl.Result{}, err
	}
	r.Keeper.Forget(s.server.UID)
	r.Publisher.Forget(s.server.UID)
	return ctrl.Result{}, nil
}

// hold keeps a server running as before that is to be deleted, for its tenants.
func (r *Reconciler) hold(ctx context.Context, s *scope) (ctrl.Result, error) {
	s.held = true
	if err := r.keepObjects(ctx, s.server); err != nil {
		return ctrl.Result{}, err
	}
	result, err := r.reconcileNormal(ctx, s)
	result.RequeueAfter = reconcile.Soonest(result.RequeueAfter, heldInterval)
	return result, err
}

// keepObjects has the garbage collector keep the server's objects until the ScimServer is gone. With
// kubectl delete --cascade=foreground, and with what Argo CD prunes, it would delete them first, and
// again whenever they are applied.
func (r *Reconciler) keepObjects(ctx context.Context, server *scimv1alpha1.ScimServer) error {
	kept := server.DeepCopy()
	if !controllerutil.RemoveFinalizer(kept, metav1.FinalizerDeleteDependents) {
		return nil
	}
	if err := r.Client.Patch(ctx, kept, reconcile.LockedPatch(server), apply.FieldManager); err != nil {
		return fmt.Errorf("keeping the objects of a server that has tenants from being collected: %w", err)
	}
	r.Keeper.Forget(server.UID) // Its signing keys, which are looked at now and then, may be gone already.
	return nil
}

// heldBy says which tenants keep the server, and how to go on.
func heldBy(tenants []string) string {
	var names []string
	for _, name := range tenants[:min(len(tenants), namedTenants)] {
		names = append(names, fmt.Sprintf("%q", name))
	}
	more := ""
	if rest := len(tenants) - len(names); rest > 0 {
		more = fmt.Sprintf(" and %d more", rest)
	}
	return fmt.Sprintf("the ScimServer is to be deleted, and goes on serving until it has no tenants any more: ScimTenants %s%s; "+
		"change spec.serverRef of each, or delete it; to delete the server all the same, after which nobody serves them, "+
		"set its annotation %s to \"true\"", strings.Join(names, ", "), more, scimv1alpha1.AnnotationAbandonTenants)
}
