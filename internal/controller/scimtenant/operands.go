package scimtenant

import (
	"context"
	"errors"

	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/operand"
)

// reconcileServer applies the objects that make the SCIM server run. What the
// pods need comes before the Deployment.
func (r *Reconciler) reconcileServer(ctx context.Context, s *scope) error {
	var failures []error
	for _, intent := range []apply.Intent{
		operand.ServiceAccount(s.tenant),
		operand.Role(s.tenant),
		operand.RoleBinding(s.tenant),
		operand.Service(s.tenant),
		operand.PodDisruptionBudget(s.tenant),
		operand.Deployment(s.tenant, r.ServerImage),
	} {
		obj, err := r.applier.Apply(ctx, s.tenant, intent)
		problem, failure := problemOf(err)
		s.addServerProblem(problem)
		failures = append(failures, failure)
		if deployment, ok := obj.(*appsv1.Deployment); ok {
			s.deployment = deployment
		}
	}
	return errors.Join(failures...)
}

// reconcileEndpoint applies the Ingress of a tenant that has a host, and removes
// that of a tenant that has none or has lost it to another one.
func (r *Reconciler) reconcileEndpoint(ctx context.Context, s *scope) error {
	if s.tenant.Spec.Endpoint.Host == "" || s.hostHolder != nil {
		return r.applier.Delete(ctx, s.tenant, &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{
			Namespace: s.tenant.Namespace,
			Name:      operand.Name(s.tenant.Name),
		}})
	}
	if !s.ingressClass {
		// The cluster's default class is filled in when an Ingress is made, and
		// only then: one that is made too early never gets it.
		return nil
	}
	_, err := r.applier.Apply(ctx, s.tenant, operand.Ingress(s.tenant))
	problem, failure := problemOf(err)
	s.endpointProblem = problem
	return failure
}
