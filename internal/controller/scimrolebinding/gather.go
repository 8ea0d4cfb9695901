package scimrolebinding

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// gather reads what decides about who has the role.
func (r *Reconciler) gather(ctx context.Context, s *scope) error {
	s.refused = r.refusal(s.binding.Spec)
	if err := r.gatherTenant(ctx, s); err != nil {
		return err
	}
	r.gatherDoubt(ctx, s)
	var err error
	if s.existing, s.strays, err = r.chunks(ctx, r.Client, s.binding); err != nil {
		return err
	}
	key := client.ObjectKeyFromObject(s.binding)
	if s.revokes() {
		r.rosters.release(key)
		return nil
	}
	if s.paused {
		return nil
	}
	known := r.rosters.acquire(key, s.binding.Spec.TenantRef.Name)
	s.unreadable = r.rosters.unreadable(key, time.Now())
	if s.reading = known == nil; s.reading {
		return nil
	}
	if s.groups = known.Find(s.binding.Spec.Group); len(s.groups) != 1 {
		return nil
	}
	s.wanted, s.without = subjectsOf(known.Members(s.groups[0], s.binding.Spec.Subject.Attribute), s.binding.Spec.Subject.Prefix)
	if !s.doubted() && !s.dryRun() && !s.wanted.allHave(s.existing) {
		s.unvouched, s.unknown = r.policy.doubt(ctx, s.binding)
	}
	return nil
}

// refusal says why the operator does not bind a role, and what to do; nothing if it does.
func (r *Reconciler) refusal(spec scimv1alpha1.ScimRoleBindingSpec) string {
	list := "allow.clusterRoles"
	if spec.RoleRef.Kind == scimv1alpha1.BoundRole {
		list = "allow.roles"
	}
	switch {
	case !r.Allow.BoundRole(spec.RoleRef):
		return fmt.Sprintf("the operator may not bind %s %q: add it to %s of the operator's configuration, which is the value config.%s of the chart",
			spec.RoleRef.Kind, spec.RoleRef.Name, list, list)
	case spec.Scope == scimv1alpha1.ScopeCluster && !r.WholeCluster:
		return "the operator works in some namespaces only (the value watchNamespaces of the chart), and may not bind roles in the whole cluster: " +
			"make a ScimRoleBinding without spec.scope in each namespace"
	default:
		return ""
	}
}

// gatherTenant reads the tenant. One that is not in the cache is asked for: that a tenant is gone takes the role from everybody.
func (r *Reconciler) gatherTenant(ctx context.Context, s *scope) error {
	tenant, key := &scimv1alpha1.ScimTenant{}, client.ObjectKey{Namespace: s.binding.Namespace, Name: s.binding.Spec.TenantRef.Name}
	err := r.Client.Get(ctx, key, tenant)
	if apierrors.IsNotFound(err) {
		err = r.Live.Get(ctx, key, tenant)
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading ScimTenant %s: %w", key.Name, err)
	}
	s.noTenant = err != nil || !tenant.DeletionTimestamp.IsZero()
	s.paused = !s.noTenant && tenant.State() == scimv1alpha1.TenantStatePaused
	return nil
}

// gatherDoubt finds out whether the API server has checked who wrote the spec. Unless that is known of this spec, it is found
// out whatever else keeps anybody from getting the role: the policy may be there again when nothing does any more.
func (r *Reconciler) gatherDoubt(ctx context.Context, s *scope) {
	allowed := allowedBefore(s.binding)
	if allowed != nil && allowed.Status == metav1.ConditionTrue {
		return
	}
	if s.unvouched, s.unknown = r.policy.doubt(ctx, s.binding); !s.doubted() {
		s.unvouched = doubtBefore(allowed)
	}
}
