package scimrolebinding

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// carryOut makes the bindings be as decided. The last ones are written first, and what is not needed any more goes after
// that: when the subjects are spread over more or fewer bindings, everybody has the role meanwhile who had it. Whom a binding
// that could not be written leaves without the role stays where they were. What others have put in their place goes last, and
// some of it at a time, so that nobody's revocation waits for that.
func (r *Reconciler) carryOut(ctx context.Context, s *scope) error {
	target := s.target()
	s.stays, s.done = setOf(target), tallyOf(s.existing)
	var failures []error
	for i, names := range slices.Backward(target) {
		if len(names) > 0 {
			failures = append(failures, r.write(ctx, s, i, s.done.next(i, names, s.stays)))
		}
	}
	for _, i := range slices.Sorted(maps.Keys(s.existing)) {
		if i >= len(target) || len(target[i]) == 0 {
			failures = append(failures, r.write(ctx, s, i, s.done.next(i, nil, s.stays)))
		}
	}
	var err error
	s.more, err = r.deleteSome(ctx, s.strays, straysAtOnce)
	return errors.Join(append(failures, err)...)
}

// write makes a binding have these names; without any, it is deleted. One that cannot be written is kept from giving
// the role to who is to lose it.
func (r *Reconciler) write(ctx context.Context, s *scope, number int, names []string) error {
	if len(names) == 0 {
		return r.remove(ctx, s, number)
	}
	if isAsWanted(s.existing[number], s.binding, names) {
		return nil
	}
	if name := operand.ChunkName(s.binding, number); slices.ContainsFunc(s.strays, func(o client.Object) bool { return o.GetName() == name }) {
		s.taken = name // It is written when that has gone, of which there is an event.
		return nil
	}
	err := r.apply(ctx, s, number, names)
	if err == nil || reconcile.IsOfEndingNamespace(err) {
		return err
	}
	problem, failure := apply.ProblemOf(err)
	switch {
	case apierrors.IsForbidden(err):
		s.forbidden, failure = conditions.Quote(err.Error()), nil
	case problem != nil:
		s.problem = problem
	}
	return errors.Join(failure, r.revoke(ctx, s, number))
}

// revoke leaves in a binding only those who have the role by it, and are to have it. If the operator may not or can not
// write that either, the binding is deleted. One in which nobody is to lose the role is left alone.
func (r *Reconciler) revoke(ctx context.Context, s *scope, number int) error {
	if !s.existing[number].hasOthers(s.stays) {
		return nil
	}
	names := s.done.staying(number, s.stays)
	if len(names) == 0 {
		return r.remove(ctx, s, number)
	}
	err := r.apply(ctx, s, number, names)
	if problem, _ := apply.ProblemOf(err); problem != nil || apierrors.IsForbidden(err) {
		return r.remove(ctx, s, number)
	}
	return err
}

// isAsWanted reports whether a binding is what would be written. That is so for all of them when the operator starts, which
// then writes none.
func isAsWanted(now chunk, b *scimv1alpha1.ScimRoleBinding, names []string) bool {
	if now.object == nil {
		return false
	}
	if b.Spec.Scope != scimv1alpha1.ScopeCluster && !operand.RoleBindingOwner(b).Controls(now.object) {
		return false
	}
	return slices.EqualFunc(now.subjects, names, func(s rbacv1.Subject, name string) bool {
		return s.Kind == rbacv1.UserKind && s.Name == name
	})
}

// apply writes a binding.
func (r *Reconciler) apply(ctx context.Context, s *scope, number int, names []string) error {
	var intent apply.Intent = operand.GroupRoleBinding(s.binding, number, names)
	if s.binding.Spec.Scope == scimv1alpha1.ScopeCluster {
		intent = operand.GroupClusterRoleBinding(s.binding, number, names)
	}
	if _, err := r.applier.Apply(ctx, operand.RoleBindingOwner(s.binding), intent); err != nil {
		return err
	}
	s.done.put(number, names)
	return nil
}

// remove deletes a binding, if it is there.
func (r *Reconciler) remove(ctx context.Context, s *scope, number int) error {
	if one := s.existing[number].object; one != nil {
		if err := r.delete(ctx, one); err != nil {
			return fmt.Errorf("deleting %s: %w", one.GetName(), err)
		}
	}
	s.done.put(number, nil)
	return nil
}
