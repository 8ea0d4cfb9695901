package scimtenant

import (
	"context"
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/running"
	"github.com/kubescim/kubescim/internal/operand"
)

// ownServer is the tenant's own server, whether it has one or not.
type ownServer struct {
	*running.Server
	reconciler *Reconciler
	scope      *scope
	// exists is true if there is one, or something of it, and hasService if there is a Service of its
	// name. left is true while that of an earlier tenant of the name has not been collected. Set by
	// gatherServers.
	exists, hasService, left bool
	// removing is what its removal waits for. Set by keepOwn.
	removing string
}

func (o *ownServer) operand() operand.Server { return o.Server.Server }

// gatherOwn looks what there is of the tenant's own server.
func (r *Reconciler) gatherOwn(ctx context.Context, s *scope) (err error) {
	if s.own.exists, s.own.left, err = r.Keeper.Exists(ctx, s.own.Server); err != nil {
		return err
	}
	s.own.hasService, err = r.Keeper.HasService(ctx, s.own.Server)
	return err
}

// gather reads what decides which rights its pods get, and whether they may be as the spec says.
func (o *ownServer) gather(ctx context.Context) error {
	o.Refused = o.reconciler.Publisher.Allow.RefusedOfServer("spec.server", o.Spec)
	gatherTLS := o.reconciler.Keeper.GatherTLS
	if o.scope.target != server(o) {
		gatherTLS = o.reconciler.Keeper.KeepTLS
	}
	return errors.Join(gatherTLS(ctx, o.Server), o.reconciler.gatherVerifiers(ctx, o.scope))
}

func (o *ownServer) gatherUsage(ctx context.Context, _ []contract.ServerUsage) (counted contract.Usage, known bool, err error) {
	leases, err := o.reconciler.Keeper.GatherReplicas(ctx, o.Server)
	if err != nil {
		return counted, false, err
	}
	// Pods of the release before say it in their Leases.
	counted, known = contract.LatestUsage(leases)
	return counted, known, nil
}

func (o *ownServer) available() metav1.Condition { return o.Available() }

func (o *ownServer) runs() metav1.Condition { return o.Available() }

func (o *ownServer) details() []metav1.Condition {
	details := []metav1.Condition{o.Connected(), o.UpToDate()}
	for _, detail := range []*metav1.Condition{o.Autoscaled(), o.TLSServed()} {
		if detail != nil {
			details = append(details, *detail)
		}
	}
	return details
}

func (o *ownServer) servesTLS() (asked, served bool) { return o.TLSAsked(), o.TLSServedByAll() }

func (o *ownServer) problem() error {
	if apply.IsLeftover(o.Problem) {
		return nil
	}
	return o.Problem
}

func (o *ownServer) stuck() bool { return o.IsStuck() }

func (o *ownServer) stop(ctx context.Context) (waiting string, err error) {
	return o.reconciler.Keeper.Stop(ctx, o.Server)
}

func (o *ownServer) ended(ctx context.Context) (waiting string, err error) {
	return o.reconciler.Keeper.Ended(ctx, o.Server)
}

func (o *ownServer) again() time.Duration {
	if o.removing != "" {
		return pollInterval
	}
	return o.Again()
}

// keepOwn keeps the tenant's own server running if it is to have one. One that it is moved away
// from keeps its shape, since the spec says nothing of it any more, and is removed once
// the tenant is elsewhere.
func (r *Reconciler) keepOwn(ctx context.Context, s *scope) error {
	switch {
	case s.wantsOwn():
		return r.runOwn(ctx, s)
	case s.isListed(s.own):
		return errors.Join(r.Keeper.Sign(ctx, s.own.Server), r.preserveOwn(ctx, s))
	case s.own.exists && s.settled():
		var err error
		s.own.removing, err = r.Keeper.Remove(ctx, s.own.Server)
		return err
	default:
		return nil
	}
}

// preserveOwn keeps the tenant's own server running while it has the traffic of a tenant that is to
// be elsewhere.
func (r *Reconciler) preserveOwn(ctx context.Context, s *scope) error {
	if err := r.readOwn(ctx, s.own); err != nil || s.first() != server(s.own) {
		return err
	}
	if err := r.makeCredentials(ctx, s); err != nil {
		return err
	}
	return r.Keeper.Preserve(ctx, s.own.Server, rights(s)...)
}

// readOwn reads the Deployment as it is. Its number of replicas is what was wanted last.
func (r *Reconciler) readOwn(ctx context.Context, own *ownServer) error {
	if err := r.Keeper.ReadDeployment(ctx, own.Server); err != nil || own.Deployment == nil {
		return err
	}
	own.Spec.Replicas = ptr.Deref(own.Deployment.Spec.Replicas, own.Spec.Replicas)
	return r.Keeper.GatherRollout(ctx, own.Server)
}

// wantsOwn reports whether the tenant is to have a server of its own, and may.
func (s *scope) wantsOwn() bool { return s.target == server(s.own) && !s.urlWouldChange() }

// runOwn keeps the tenant's own server running. The credentials of tokens that worked
// before must be there before anything else changes.
func (r *Reconciler) runOwn(ctx context.Context, s *scope) error {
	return errors.Join(
		r.Keeper.Sign(ctx, s.own.Server),
		r.applyOwn(ctx, s),
		r.Keeper.GatherRollout(ctx, s.own.Server),
		r.endMigration(ctx, s),
	)
}

func (r *Reconciler) applyOwn(ctx context.Context, s *scope) error {
	if failure := r.makeCredentials(ctx, s); failure != nil {
		return errors.Join(failure, r.Keeper.ReadDeployment(ctx, s.own.Server))
	}
	return r.Keeper.Apply(ctx, s.own.Server, rights(s)...)
}
