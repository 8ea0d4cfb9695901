package scimrolebinding

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/conditions"
)

// setStatus writes into the binding's status what the scope has found. It returns what Ready says, and whether that
// has changed. While users and groups are read after a start of the operator, a binding says what it said before.
func setStatus(s *scope) (ready conditions.Summary, changed bool) {
	status := &s.binding.Status
	if s.failure == nil && s.waits() && s.reading && s.unreadable == "" && status.ObservedGeneration == s.binding.Generation {
		return conditions.Summary{}, false
	}
	wasReady := meta.IsStatusConditionTrue(status.Conditions, scimv1alpha1.ConditionReady) && status.ObservedGeneration == s.binding.Generation
	if s.failure == nil && !s.waits() {
		status.ObservedGeneration = s.binding.Generation
	}
	if s.done != nil {
		setCounts(s)
	}
	allowed, found := roleAllowed(s), groupFound(s)
	ready = decideReady(s, allowed, found, wasReady)
	switch {
	case s.failure == nil && !s.goes() && !s.waits():
		return ready, conditions.Set(s.binding, ready, allowed, found)
	case s.unvouched != nil: // a later pass goes by that
		return ready, conditions.Set(s.binding, ready, allowed)
	default:
		return ready, conditions.Set(s.binding, ready)
	}
}

// goes reports whether the binding is being deleted.
func (s *scope) goes() bool { return !s.binding.DeletionTimestamp.IsZero() }

// setCounts writes who has the role now, or would have it.
func setCounts(s *scope) {
	status := &s.binding.Status
	status.Group, status.DryRun = "", scimv1alpha1.RoleBindingDryRun{}
	if len(s.groups) == 1 {
		status.Group = s.groups[0]
	}
	have, generated := s.done.count()
	status.Subjects, status.GeneratedBindings, status.WithoutSubject = ptr.To(have), ptr.To(generated), ptr.To(int32(s.without))
	if !s.dryRun() {
		return
	}
	names := s.wanted.names()
	generated = bindingsFor(s.wanted.split(s.wanted.count(0)))
	status.Subjects = ptr.To(int32(len(names)))
	status.DryRun = scimv1alpha1.RoleBindingDryRun{GeneratedBindings: ptr.To(generated)}
	// Whose spec nothing has checked, may not be somebody who may know the names.
	if !s.doubted() {
		status.DryRun.Subjects = names[:min(len(names), scimv1alpha1.MaxListedSubjects)]
	}
}

// bindingsFor returns how many bindings there are for the parts: one without a subject is not made.
func bindingsFor(parts [][]string) (bindings int32) {
	for _, names := range parts {
		if len(names) > 0 {
			bindings++
		}
	}
	return bindings
}

// roleAllowed reports whether the role may be given.
func roleAllowed(s *scope) metav1.Condition {
	no := func(reason, message string) metav1.Condition {
		return conditions.False(scimv1alpha1.ConditionRoleAllowed, reason, message)
	}
	switch {
	case s.unvouched != nil: // first, since a later pass goes by that
		return no(s.unvouched.reason, s.unvouched.message)
	case s.refused != "":
		return no(scimv1alpha1.ReasonNotAllowed, "nobody has the role: "+s.refused)
	case s.forbidden != "":
		return no(scimv1alpha1.ReasonNotAllowed, fmt.Sprintf(
			"the API server does not let the operator give the role; it needs `bind` on %s %q, which the chart gives it for the roles in its values config.allow: %s",
			s.binding.Spec.RoleRef.Kind, s.binding.Spec.RoleRef.Name, s.forbidden))
	default:
		return conditions.True(scimv1alpha1.ConditionRoleAllowed, scimv1alpha1.ReasonSucceeded,
			"the operator may bind the role, and the API server checks that who writes the spec may")
	}
}

// groupFound reports whether there is one such group.
func groupFound(s *scope) metav1.Condition {
	no := func(reason, message string) metav1.Condition {
		return conditions.False(scimv1alpha1.ConditionGroupFound, reason, message)
	}
	tenant := s.binding.Spec.TenantRef.Name
	switch {
	case s.refused != "":
		return conditions.Unknown(scimv1alpha1.ConditionGroupFound, scimv1alpha1.ReasonNotAllowed, "the group has not been looked for")
	case s.noTenant:
		return no(scimv1alpha1.ReasonTenantNotFound, fmt.Sprintf("nobody has the role: there is no ScimTenant %q in this namespace, or it is being deleted", tenant))
	case len(s.groups) == 0 && s.hadGroup:
		return no(scimv1alpha1.ReasonGroupGone, fmt.Sprintf(
			"nobody has the role any more: in ScimTenant %q, the group is gone or has another name now; name one in spec.group that there is, by its id", tenant))
	case len(s.groups) == 0:
		return no(scimv1alpha1.ReasonGroupNotFound, fmt.Sprintf("nobody has the role: ScimTenant %q has no such group; once the identity provider has sent it, its members get the role", tenant))
	case len(s.groups) > 1:
		return no(scimv1alpha1.ReasonGroupAmbiguous, fmt.Sprintf(
			"nobody has the role: ScimTenant %q has %d such groups; name one by its id, as `kubectl get scimgroups` shows it, in spec.group.id", tenant, len(s.groups)))
	default:
		return conditions.True(scimv1alpha1.ConditionGroupFound, scimv1alpha1.ReasonSucceeded, "the group is ScimGroup "+s.groups[0])
	}
}

// decideReady weighs the conditions: what needs somebody comes before what only needs time.
func decideReady(s *scope, allowed, found metav1.Condition, wasReady bool) conditions.Summary {
	stalled := func(c metav1.Condition) conditions.Summary { return because(conditions.Stalled, c.Reason, c.Message) }
	switch {
	case s.failure != nil:
		return because(conditions.Reconciling, scimv1alpha1.ReasonReconcileFailed, s.failure.Error())
	case s.goes():
		return because(conditions.Reconciling, scimv1alpha1.ReasonDeleting, "the role is taken from all who have it")
	case s.refused != "":
		return because(conditions.Stalled, scimv1alpha1.ReasonNotAllowed, "nobody has the role: "+s.refused)
	case s.noTenant:
		return stalled(found)
	case s.paused:
		return paused(wasReady)
	case s.unreadable != "":
		return because(conditions.Reconciling, scimv1alpha1.ReasonReconcileFailed, s.unreadable)
	case s.reading:
		return because(conditions.Reconciling, scimv1alpha1.ReasonProgressing, "reading the users and groups of the tenant")
	case found.Reason == scimv1alpha1.ReasonGroupNotFound:
		return because(conditions.Reconciling, found.Reason, found.Message)
	case found.Status == metav1.ConditionFalse:
		return stalled(found)
	case allowed.Status == metav1.ConditionFalse:
		return stalled(allowed)
	case s.wanted.tooMany():
		return because(conditions.Stalled, scimv1alpha1.ReasonGroupTooLarge, fmt.Sprintf(
			"the group has %d members, and %d can be bound: who has the role keeps it, and nobody else gets it; bind smaller groups", len(s.wanted), maxSubjects))
	case s.taken != "":
		return because(conditions.Reconciling, scimv1alpha1.ReasonProgressing, fmt.Sprintf("%q was not as the operator writes it, so it is deleted and made anew", s.taken))
	case s.problem != nil && apply.IsLeftover(s.problem):
		return because(conditions.Reconciling, apply.ReasonOf(s.problem), s.problem.Error())
	case s.problem != nil:
		return because(conditions.Stalled, apply.ReasonOf(s.problem), s.problem.Error())
	case s.dryRun():
		return because(conditions.Ready, scimv1alpha1.ReasonDryRun, "nothing is done, as spec.mode says; status.dryRun has who would get the role")
	default:
		return because(conditions.Ready, scimv1alpha1.ReasonSucceeded, success(s))
	}
}

// success says who has the role, and of whom the API server has no name.
func success(s *scope) string {
	const message = "the active members of the group have the role"
	if s.without == 0 {
		return message
	}
	return fmt.Sprintf("%s, but for %d without %s (spec.subject.attribute), or with one that is too long", message, s.without, s.binding.Spec.Subject.Attribute)
}

// hadGroup reports whether there was the group that this very spec means.
func hadGroup(b *scimv1alpha1.ScimRoleBinding) bool {
	found := meta.FindStatusCondition(b.Status.Conditions, scimv1alpha1.ConditionGroupFound)
	return found != nil && found.ObservedGeneration == b.Generation &&
		(found.Status == metav1.ConditionTrue || found.Reason == scimv1alpha1.ReasonGroupGone)
}

// paused is what a binding says whose tenant is paused. A spec that is new is not gone by.
func paused(wasReady bool) conditions.Summary {
	const message = "the tenant is paused (spec.state): who has the role keeps it, and nobody else gets it, until it is active"
	if wasReady {
		return because(conditions.Ready, scimv1alpha1.ReasonPaused, message)
	}
	return because(conditions.Reconciling, scimv1alpha1.ReasonPaused, message)
}
