// Package running keeps SCIM servers running, whosever they are: it applies the objects of
// one, keeps the keys that its tenants' access tokens are signed with, and says how far its
// roll-out has come and whether its pods reach each other. What a server is for, and what
// becomes of it, is its reconciler's.
package running

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/certificates"
	"github.com/kubescim/kubescim/internal/controller/staging"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
	"github.com/kubescim/kubescim/internal/rollout"
)

const (
	// pollInterval is how soon to look again for what no watch tells about.
	pollInterval = 2 * time.Second
	// conflictInterval is how soon to look whether somebody has moved an object
	// out of the way. Objects of others are not watched.
	conflictInterval = time.Minute
	// turnInterval is how soon to look again whether the turn of a server has come.
	turnInterval = time.Minute
)

// Keeper keeps servers running. It is safe for concurrent use.
type Keeper struct {
	// Client reads through the manager's cache.
	Client client.Client
	// Live reads from and writes to the API server, past every cache.
	Live client.Client
	// Applier applies the objects of servers.
	Applier *apply.Applier
	// Settings are what all servers have in common.
	Settings operand.Settings
	// Isolation is what the NetworkPolicies of servers are made from; nil if they have none.
	Isolation *operand.Isolation
	// Stager says when a server gets what is new for all of them.
	Stager *staging.Stager
	// Replicas knows which pods are alive.
	Replicas contract.ReplicaObserver
	// Routes returns what reads the HTTPRoutes that lead to servers; nil while the cluster has none.
	Routes func(context.Context) (client.Reader, error)
	// Certificates looks at those that pods are to present.
	Certificates *certificates.Reader

	signings signings
}

// Server is one server, and what one pass has found about it.
type Server struct {
	operand.Server

	// Refused is what its spec asks for and is not allowed, in words for its author. It
	// keeps the Deployment from being written.
	Refused []string
	// Edited is true if the spec of its owner has changed since it was last acted upon.
	Edited bool
	// ServedTLS is true if its pods served TLS when that was last looked at, by TLSServed.
	ServedTLS bool
	// Waiting is why the Deployment is not of the operator's release yet; nil unless it
	// waits for its turn. Set by Apply.
	Waiting *rollout.Turn
	// Deployment is its Deployment as it was after the apply; nil when it could not be
	// applied. Set by Apply.
	Deployment *appsv1.Deployment
	// autoscaler is its HorizontalPodAutoscaler; nil when there is none. Set by Apply.
	autoscaler *autoscalingv2.HorizontalPodAutoscaler
	// Rollout is how far the Deployment's newest template has come, while it has not
	// come to all pods. Set by GatherRollout.
	Rollout Rollout
	// Unreachable are its pods that cannot reach each other. Set by GatherReplicas.
	Unreachable []contract.Unreachable
	// Problem is why an object was not written, when that is nothing that a retry mends.
	// Set by Apply.
	Problem error
	// tls is what is known of the certificate that its pods are to present. Set by GatherTLS or KeepTLS.
	tls tls

	// signingAfter is how soon to look again at the keys that access tokens are signed with, and
	// signingProblem why they are not written. Set by Sign.
	signingAfter   time.Duration
	signingProblem error
}

// Apply applies the objects that make the server run, with the rights that its pods need.
// What the pods need comes first: a ServiceAccount of somebody else must be given no rights,
// and no pod must run under it. Without signing keys (see Sign), the server runs. GatherTLS comes before.
func (k *Keeper) Apply(ctx context.Context, s *Server, rights ...apply.Intent) error {
	defer func() { s.AddProblem(s.signingProblem) }()
	if failure := k.applyRights(ctx, s, rights); failure != nil || s.Problem != nil {
		return errors.Join(failure, k.ReadDeployment(ctx, s))
	}
	failures := errors.Join(
		s.tls.failure,
		k.apply(ctx, s, operand.Service(s.Server)),
		k.apply(ctx, s, operand.PodDisruptionBudget(s.Server)),
		k.isolate(ctx, s),
		k.applyAutoscaler(ctx, s))
	if len(s.Refused) > 0 { // what runs already goes on as it is
		return errors.Join(failures, k.ReadDeployment(ctx, s))
	}
	failures = errors.Join(failures, k.applyDeployment(ctx, s))
	if s.Deployment == nil { // one that could not be written goes on as it is
		return errors.Join(failures, k.ReadDeployment(ctx, s))
	}
	return failures
}

// Preserve keeps a server running of which the spec of its owner says nothing any more. Its
// Deployment, which must have been read, stays as it is: one that is gone comes back in the default
// shape, since nobody knows that which it had.
func (k *Keeper) Preserve(ctx context.Context, s *Server, rights ...apply.Intent) error {
	if failure := k.applyRights(ctx, s, rights); failure != nil || s.Problem != nil {
		return failure
	}
	failure := errors.Join(k.apply(ctx, s, operand.PodDisruptionBudget(s.Server)), k.isolate(ctx, s))
	if s.Deployment != nil {
		return failure
	}
	return errors.Join(failure, k.applyDeployment(ctx, s))
}

// isolate applies the NetworkPolicy of a server, or deletes it where servers have none.
func (k *Keeper) isolate(ctx context.Context, s *Server) error {
	if k.Isolation == nil {
		return k.Applier.Delete(ctx, s.Owner, &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{
			Namespace: s.Namespace(), Name: s.Name,
		}})
	}
	return k.apply(ctx, s, operand.NetworkPolicy(s.Server, *k.Isolation))
}

// applyRights applies what the pods run under. When that leaves a problem, they must not run.
func (k *Keeper) applyRights(ctx context.Context, s *Server, rights []apply.Intent) error {
	for _, intent := range append([]apply.Intent{operand.ServiceAccount(s.Server)}, rights...) {
		if failure := k.apply(ctx, s, intent); failure != nil || s.Problem != nil {
			return failure
		}
	}
	return nil
}

// applyDeployment applies the Deployment, or only scales it until the turn of the server has
// come to get what the operator gives to all.
func (k *Keeper) applyDeployment(ctx context.Context, s *Server) error {
	intent, turn, err := k.Stager.Deployment(ctx, s.Server, s.Edited)
	if err != nil {
		return err
	}
	if intent != nil {
		return k.apply(ctx, s, intent)
	}
	s.Waiting = &turn
	if err := k.ReadDeployment(ctx, s); err != nil || s.Deployment == nil {
		return err
	}
	return k.Stager.Scale(ctx, s.Server, s.Deployment)
}

func (k *Keeper) apply(ctx context.Context, s *Server, intent apply.Intent) error {
	obj, err := k.Applier.Apply(ctx, s.Owner, intent)
	problem, failure := apply.ProblemOf(err)
	s.AddProblem(problem)
	if deployment, ok := obj.(*appsv1.Deployment); ok {
		s.Deployment = deployment
	}
	return failure
}

// AddProblem keeps the worst of the problems with the server's objects.
func (s *Server) AddProblem(problem error) {
	if problem != nil && (s.Problem == nil || apply.IsLeftover(s.Problem)) {
		s.Problem = problem
	}
}

// ReadDeployment finds the Deployment that is there, when it is not to be written.
func (k *Keeper) ReadDeployment(ctx context.Context, s *Server) error {
	deployment, err := k.deployment(ctx, s)
	if deployment != nil {
		s.Deployment = deployment
	}
	return err
}

// deployment reads the Deployment that is there; nil when there is none of the server's own.
func (k *Keeper) deployment(ctx context.Context, s *Server) (*appsv1.Deployment, error) {
	deployment := &appsv1.Deployment{}
	err := k.Client.Get(ctx, types.NamespacedName{Namespace: s.Namespace(), Name: s.Name}, deployment)
	if err := client.IgnoreNotFound(err); err != nil {
		return nil, fmt.Errorf("reading the Deployment: %w", err)
	}
	if deployment.Name == "" || !s.Owner.Made(deployment) { // It stays empty when there is none.
		return nil, nil
	}
	return deployment, nil
}

// GatherReplicas reads in the Leases of the server's pods whom these cannot reach, and returns
// the Leases.
func (k *Keeper) GatherReplicas(ctx context.Context, s *Server) ([]coordinationv1.Lease, error) {
	leases := &coordinationv1.LeaseList{}
	err := k.Client.List(ctx, leases, client.InNamespace(s.Namespace()), client.MatchingLabels(s.ReplicaLabels()))
	if err != nil {
		return nil, fmt.Errorf("listing the Leases of the server's pods: %w", err)
	}
	s.Unreachable = contract.UnreachablePeers(k.Replicas.Live(leases.Items, time.Now()))
	return leases.Items, nil
}

// LiveReplicas reads at the API server the Leases of those of the server's pods that are alive.
func (k *Keeper) LiveReplicas(ctx context.Context, s *Server) ([]coordinationv1.Lease, error) {
	leases := &coordinationv1.LeaseList{}
	if err := k.Live.List(ctx, leases, client.InNamespace(s.Namespace()), client.MatchingLabels(s.ReplicaLabels())); err != nil {
		return nil, fmt.Errorf("listing the Leases of the server's pods: %w", err)
	}
	return k.Replicas.Live(leases.Items, time.Now()), nil
}

// Stop deletes the server's Deployment and returns what is still to be waited for; nothing
// once it is gone.
func (k *Keeper) Stop(ctx context.Context, s *Server) (waiting string, err error) {
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace(), Name: s.Name}}
	if err := k.Applier.Delete(ctx, s.Owner, deployment); err != nil {
		return "", err
	}
	err = k.Live.Get(ctx, client.ObjectKeyFromObject(deployment), deployment)
	if err == nil && s.Owner.Made(deployment) {
		return fmt.Sprintf("waiting until Deployment %s is gone", s.Name), nil
	}
	if client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("reading whether Deployment %s is gone: %w", s.Name, err)
	}
	return "", nil
}

// Ended returns what is still to be waited for; nothing once no pod of the server can write any
// more.
func (k *Keeper) Ended(ctx context.Context, s *Server) (waiting string, err error) {
	pods := &corev1.PodList{}
	err = k.Live.List(ctx, pods, client.InNamespace(s.Namespace()), client.MatchingLabels(s.Selector), client.Limit(1))
	if err != nil {
		return "", fmt.Errorf("listing the server's pods: %w", err)
	}
	if len(pods.Items) > 0 {
		return fmt.Sprintf("waiting until the server's pods are gone, for example %s", pods.Items[0].Name), nil
	}
	live, err := k.LiveReplicas(ctx, s)
	if err != nil {
		return "", err
	}
	if len(live) > 0 {
		return fmt.Sprintf("waiting until the Leases of %d server replicas have run out", len(live)), nil
	}
	return "", nil
}

// Forget forgets what is remembered of an owner's server.
func (k *Keeper) Forget(owner types.UID) {
	k.signings.forget(owner)
	k.Certificates.Forget(owner)
}

// Again is how soon to look again for what no watch tells about; 0 when there is no such
// thing.
func (s *Server) Again() time.Duration {
	var waits []time.Duration
	switch {
	case apply.IsLeftover(s.Problem):
		waits = append(waits, pollInterval)
	case s.Problem != nil:
		waits = append(waits, conflictInterval)
	}
	if len(s.Unreachable) > 0 { // a pod that has died since complains no longer
		waits = append(waits, contract.ReplicaLeaseDuration)
	}
	if s.Deployment != nil && !s.RolledOut() {
		waits = append(waits, rolloutWait(s.Deployment))
	}
	if s.Waiting != nil { // a change of another server's Deployment tells sooner
		waits = append(waits, turnInterval)
		if again := s.Waiting.Again; !again.IsZero() {
			waits = append(waits, max(time.Until(again), time.Second))
		}
	}
	return reconcile.Soonest(append(waits, s.signingAfter, s.tls.again())...)
}
