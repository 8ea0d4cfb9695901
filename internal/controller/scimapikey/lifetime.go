package scimapikey

import (
	"time"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/contract"
)

// rotationTime is how long a rotation may take, which is far more than it does, before
// somebody has to be told that a key ends without it.
const rotationTime = time.Hour

// limitLifetimes lets no credential last longer than the operator's configuration allows,
// whoever made it.
func limitLifetimes(s *scope) (d decision, applies bool) {
	if s.maxLifetime == 0 {
		return decision{}, false
	}
	for i := range s.credentials {
		credential := &s.credentials[i]
		if end := latestEnd(credential, s.maxLifetime); endsAfter(credential, end) {
			return decision{step: stepShorten, credential: credential, until: end}, true
		}
	}
	return decision{}, false
}

// latestEnd is when a credential has to end that may last for so long.
func latestEnd(credential *scimv1alpha1.ScimCredential, longest time.Duration) time.Time {
	return contract.MadeTime(credential).Add(longest)
}

// endsAfter reports whether a credential ends later than at a time, in whole seconds, or
// never.
func endsAfter(credential *scimv1alpha1.ScimCredential, at time.Time) bool {
	end := credential.Spec.ExpirationTime
	return end.IsZero() || end.After(at.Truncate(time.Second))
}

// isOver reports whether a credential's own expirationTime has passed.
func isOver(credential *scimv1alpha1.ScimCredential, now time.Time) bool {
	return !endsAfter(credential, now)
}

// lifetime is from when to when a key lets somebody in.
type lifetime struct {
	// start is when the token was issued that lasts longest, and end when it stops
	// working; zero: never.
	start, end time.Time
	// ofKey is true when it is the key's own expirationTime that ends it.
	ofKey bool
}

// lifetimeOf returns the lifetime of a key.
func lifetimeOf(s *scope) lifetime {
	var longest lifetime
	for i := range s.credentials {
		spec, first := s.credentials[i].Spec, longest.start.IsZero()
		if !mayLetIn(s, &s.credentials[i]) || !first && (longest.end.IsZero() || !endsAfter(&s.credentials[i], longest.end)) {
			continue
		}
		longest = lifetime{start: spec.IssueTime.Time, end: spec.ExpirationTime.Time}
	}
	if longest.start.IsZero() {
		longest.start = s.key.CreationTimestamp.Time
	}
	if end := s.key.Spec.ExpirationTime; !end.IsZero() && (longest.end.IsZero() || !end.After(longest.end)) {
		longest.end, longest.ofKey = end.Time, true
	}
	return longest
}

// mayLetIn reports whether a credential lets somebody in until its end.
func mayLetIn(s *scope, credential *scimv1alpha1.ScimCredential) bool {
	refusal := refusalOf(s, credential)
	return isDelivered(credential) && refusal != contract.RefusedDeleted && refusal != contract.RefusedIssue
}

// notice is from when a lifetime is about to end; zero if it has no end.
func (l lifetime) notice() time.Time {
	if l.end.IsZero() {
		return time.Time{}
	}
	return conditions.Notice(l.start, l.end)
}

// isRenewed reports whether the key gets another token before its lifetime ends.
func (l lifetime) isRenewed(s *scope) bool {
	return !l.ofKey && makesTokens(s.key) && s.key.Spec.Rotation.EveryDays > 0 && rotationHeldUp(s) == ""
}

// rotationHeldUp says why a rotation that is due does not come about; nothing when none is due,
// or it is only on its way.
func rotationHeldUp(s *scope) string {
	due, problem := nextRotation(s), s.decision.problem
	switch {
	case due.IsZero() || s.now.Before(due):
		return ""
	case !s.tenantExists():
		return tenantFound(s).Message
	case problem != nil && (!problem.passing || s.now.After(due.Add(rotationTime))):
		return problem.message
	}
	return ""
}
