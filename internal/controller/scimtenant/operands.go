package scimtenant

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
)

// reconcileServer applies the objects that make the SCIM server run. What the
// pods need comes first: the credentials of tokens that worked before must be
// there, a ServiceAccount of somebody else must be given no rights, and no pod must
// run under it.
func (r *Reconciler) reconcileServer(ctx context.Context, s *scope) error {
	if failure := r.makeCredentials(ctx, s); failure != nil {
		return errors.Join(failure, r.readDeployment(ctx, s))
	}
	for _, intent := range append([]apply.Intent{operand.ServiceAccount(s.server)}, rights(s)...) {
		if failure := r.applyForServer(ctx, s, intent); failure != nil || s.serverProblem != nil {
			return errors.Join(failure, r.readDeployment(ctx, s))
		}
	}
	failures := errors.Join(
		r.applyForServer(ctx, s, operand.Service(s.server)),
		r.applyForServer(ctx, s, operand.PodDisruptionBudget(s.server)),
		r.reconcileAutoscaler(ctx, s))
	if len(s.refused.server) > 0 { // what runs already goes on as it is
		return errors.Join(failures, r.readDeployment(ctx, s))
	}
	failures = errors.Join(failures, r.applyForServer(ctx, s, operand.Deployment(s.server, r.settings())))
	if s.deployment == nil { // one that could not be written goes on as it is
		return errors.Join(failures, r.readDeployment(ctx, s))
	}
	return failures
}

func (r *Reconciler) settings() operand.Settings {
	return operand.Settings{
		Image: r.ServerImage, ImagePullSecrets: r.Config.Servers.ImagePullSecrets, Absence: r.Config.Servers.Absence.Duration,
		Issuers:  contract.IssuersOf(r.Config.Allow.Issuers.Hosts, r.Config.Allow.Issuers.Networks),
		Defaults: r.Config.Servers.Defaults.Spec(), AssignedIDs: r.Config.Servers.UserIDs == config.UserIDsAssigned,
	}
}

func (r *Reconciler) applyForServer(ctx context.Context, s *scope, intent apply.Intent) error {
	obj, err := r.applier.Apply(ctx, s.owner, intent)
	problem, failure := problemOf(err)
	s.addServerProblem(problem)
	if deployment, ok := obj.(*appsv1.Deployment); ok {
		s.deployment = deployment
	}
	return failure
}

// readDeployment finds the Deployment that is there, when it is not to be written.
func (r *Reconciler) readDeployment(ctx context.Context, s *scope) error {
	deployment := &appsv1.Deployment{}
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: s.tenant.Namespace, Name: operand.Name(s.tenant.Name)}, deployment)
	if err == nil && s.owner.Made(deployment) {
		s.deployment = deployment
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading the Deployment: %w", err)
	}
	return nil
}

// reconcileEndpoint applies the Ingress of a tenant that has a host, and removes
// that of a tenant that has none, or whose host another one holds.
func (r *Reconciler) reconcileEndpoint(ctx context.Context, s *scope) error {
	if err := r.keepPublished(ctx, s); err != nil {
		return err
	}
	published := r.publish(ctx, s)
	var err error
	s.reservedFor, err = r.hosts.Release(ctx, client.ObjectKeyFromObject(s.tenant), s.tenant.Spec.Endpoint.Host)
	return errors.Join(published, err)
}

// keepPublished makes the tenant the holder of what its Ingress publishes, whatever
// the spec asks for by now. Of a host that another tenant holds, it must not have
// an Ingress.
func (r *Reconciler) keepPublished(ctx context.Context, s *scope) error {
	for _, host := range s.publishedHosts() {
		held, err := r.hosts.HoldsForSure(ctx, client.ObjectKeyFromObject(s.tenant), host)
		if err != nil {
			return err
		}
		if held {
			continue
		}
		byAnother, err := r.hosts.Hold(ctx, s.tenant, s.ingress, host)
		if err != nil {
			return err
		}
		if byAnother != nil {
			return r.unpublish(ctx, s)
		}
	}
	return nil
}

// publish applies the Ingress, where the spec asks for one and may. Else the one
// that there is stays: what the identity provider calls goes on working.
func (r *Reconciler) publish(ctx context.Context, s *scope) error {
	host := s.tenant.Spec.Endpoint.Host
	switch {
	case host == "":
		return r.unpublish(ctx, s)
	case len(s.refused.endpoint) > 0, s.lacksTLS():
		return nil
	case !s.ingressClass:
		// The cluster's default class is filled in when an Ingress is made, and
		// only then: one that is made too early never gets it.
		return nil
	}
	intent := operand.Ingress(s.tenant)
	applied, err := r.applier.IsApplied(ctx, s.owner, intent)
	if err == nil && applied {
		applied, err = r.hosts.HoldsForSure(ctx, client.ObjectKeyFromObject(s.tenant), host)
	}
	if err != nil || applied {
		return err
	}
	s.hostTaken, err = r.hosts.Hold(ctx, s.tenant, s.ingress, host)
	if err != nil || s.hostTaken != nil {
		return err
	}
	obj, err := r.applier.Apply(ctx, s.owner, intent)
	problem, failure := problemOf(err)
	s.endpointProblem = problem
	if ingress, ok := obj.(*networkingv1.Ingress); ok {
		s.ingress = ingress
	}
	return failure
}

// unpublish deletes the tenant's Ingress.
func (r *Reconciler) unpublish(ctx context.Context, s *scope) error {
	s.ingress = nil
	return r.applier.Delete(ctx, s.owner, &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{
		Namespace: s.tenant.Namespace,
		Name:      operand.Name(s.tenant.Name),
	}})
}
