package scimrolebinding

import (
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// scope is everything that one reconciliation of one binding reads and finds.
type scope struct {
	// binding is the ScimRoleBinding as the cache has it; its status is set last.
	binding *scimv1alpha1.ScimRoleBinding
	// pass writes the binding.
	pass *reconcile.Pass[*scimv1alpha1.ScimRoleBinding]

	// withdraws is true if nobody may get the role in this reconciliation. Set by withdraw.
	withdraws bool
	// refused says why the operator does not bind the role. Set by gather.
	refused string
	// noTenant is true if there is no such tenant, or it is being deleted, and paused if nothing may change. Set by gather.
	noTenant, paused bool
	// reading is true while not all users and groups of the tenant have been read. Set by gather.
	reading bool
	// hadGroup is true if there was the group when the status was last written.
	hadGroup bool
	// unreadable says since when they cannot be read, and why, if that is so for long. Set by gather.
	unreadable string
	// groups are the ids of the groups that the spec means. Set by gather.
	groups []string
	// wanted is who is to have the role, and without how many members have no name at the API server. Set by gather.
	wanted  wanted
	without int
	// existing are the bindings that there are, and strays those in their place that are not as the operator writes them. Set by gather.
	existing chunks
	strays   []client.Object
	// unvouched says why nobody may get the role who has it not, with its reason. Set by gather.
	unvouched *doubt
	// unknown is why that could not be found out. Set by gather.
	unknown error

	// stays is who is to have the role, and done who has it, while the bindings are written and afterwards. Set by carryOut.
	stays map[string]struct{}
	done  *tally
	// problem is what keeps a binding from being written, forbidden why the API server does, and taken is the name of one in whose
	// place there is still something else. Set by carryOut.
	problem          error
	forbidden, taken string
	// more is true if there are strays that have not been deleted yet. Set by carryOut.
	more bool
	// failure is the error that this reconciliation ends with. Set last.
	failure error
}

// doubt is why a spec is not known to be of somebody who may bind the role.
type doubt struct {
	reason, message string
}

func newScope(frame reconcile.Frame, binding *scimv1alpha1.ScimRoleBinding) *scope {
	return &scope{pass: reconcile.Begin(frame, binding), binding: binding, hadGroup: hadGroup(binding)}
}

// waits reports whether all stays as it is for now.
func (s *scope) waits() bool { return !s.revokes() && (s.paused || s.reading) }

// revokes reports whether nobody is to have the role, whoever is in the group.
func (s *scope) revokes() bool { return s.refused != "" || s.noTenant }

// doubted reports whether nobody may get the role who has it not.
func (s *scope) doubted() bool { return s.unvouched != nil || s.unknown != nil }

// dryRun reports whether nothing is to be done.
func (s *scope) dryRun() bool { return s.binding.Spec.Mode == scimv1alpha1.ModeDryRun }

// target is what the bindings are to be: the subjects of each.
func (s *scope) target() [][]string {
	switch {
	case s.revokes(), len(s.groups) != 1, s.dryRun():
		return nil
	case s.withdraws, s.doubted(), s.wanted.tooMany():
		return s.existing.keeping(s.wanted)
	default:
		return s.wanted.split(s.wanted.count(s.existing.count()))
	}
}

// requeueAfter is when to look again for what no watch tells about; 0 when there is no such thing.
func (s *scope) requeueAfter() time.Duration {
	if s.more {
		return afterConflict
	}
	if s.unvouched != nil || s.forbidden != "" || apply.IsContested(s.problem) {
		return lookInterval
	}
	return 0
}

// state writes into the binding's status what the scope has found, and returns what to tell.
func (s *scope) state(failure error) []reconcile.Event {
	s.failure = failure
	if ready, changed := setStatus(s); changed {
		return []reconcile.Event{reconcile.ReadyEvent(ready)}
	}
	return nil
}

func because(outcome conditions.Outcome, reason, message string) conditions.Summary {
	return conditions.Summary{Outcome: outcome, Reason: reason, Message: message}
}
