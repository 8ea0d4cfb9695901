package scimapikey

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
)

// lifetimeConditions returns the conditions about what comes of the key with time, and
// takes those away that there is nothing to say of.
func lifetimeConditions(s *scope) (parts []metav1.Condition) {
	for _, part := range []struct {
		conditionType string
		state         func(*scope) (metav1.Condition, bool)
	}{
		{scimv1alpha1.ConditionExpiringSoon, expiringSoon},
		{scimv1alpha1.ConditionRotating, rotating},
	} {
		if condition, applies := part.state(s); applies {
			parts = append(parts, condition)
		} else {
			meta.RemoveStatusCondition(&s.key.Status.Conditions, part.conditionType)
		}
	}
	return parts
}

// expiringSoon reports whether the key stops working soon, unless somebody acts.
func expiringSoon(s *scope) (c metav1.Condition, applies bool) {
	const conditionType = scimv1alpha1.ConditionExpiringSoon
	life := lifetimeOf(s)
	if life.end.IsZero() {
		return metav1.Condition{}, false
	}
	end := life.end.UTC().Format(time.RFC3339)
	switch {
	case !s.now.Before(life.end):
		return conditions.False(conditionType, scimv1alpha1.ReasonExpired, "the key stopped working at "+end), true
	case life.isRenewed(s):
		return conditions.False(conditionType, scimv1alpha1.ReasonRenewed,
			fmt.Sprintf("the newest %s stops working at %s, and another one is made before", secretWord(s.key), end)), true
	case s.now.Before(life.notice()):
		return conditions.False(conditionType, scimv1alpha1.ReasonLater, fmt.Sprintf("the key stops working at %s%s", end, limited(s))), true
	default:
		return conditions.True(conditionType, scimv1alpha1.ReasonSoon,
			fmt.Sprintf("the key stops working at %s%s: %s", end, limited(s), renewal(s, life))), true
	}
}

// limited says that the operator's configuration limits the life of credentials, if it does.
func limited(s *scope) string {
	if s.maxLifetime == 0 {
		return ""
	}
	return fmt.Sprintf(" (the operator's configuration lets no %s last longer than %d days)", secretWord(s.key), s.maxLifetime/(24*time.Hour))
}

// renewal says what to do so that a key goes on working.
func renewal(s *scope, life lifetime) string {
	switch heldUp := rotationHeldUp(s); {
	case life.ofKey:
		return "set spec.expirationTime to a later time, or create another ScimApiKey"
	case heldUp != "":
		return fmt.Sprintf("another %s is due, but %s", secretWord(s.key), heldUp)
	case makesTokens(s.key):
		return fmt.Sprintf("have another %s made, by setting annotation %s to the time now", secretWord(s.key), scimv1alpha1.AnnotationRotateAt)
	default:
		return makeElsewhere(s.key)
	}
}

// rotating reports whether another token is on its way to the holder of the key. Of a key
// that is not rotated, nothing is said.
func rotating(s *scope) (c metav1.Condition, applies bool) {
	const conditionType = scimv1alpha1.ConditionRotating
	_, asked := s.key.Annotations[scimv1alpha1.AnnotationRotateAt]
	_, err := rotateAt(s.key)
	next, pending, problem, word := nextRotation(s), pendingOf(s), s.decision.problem, secretWord(s.key)
	overlap := overlapping(s)
	switch rotation := pending != nil && isRotation(pending); {
	case rotation && problem != nil:
		return conditions.True(conditionType, problem.reason, problem.message), true
	case rotation:
		return conditions.True(conditionType, scimv1alpha1.ReasonProgressing, fmt.Sprintf("another %s is being handed over", word)), true
	case overlap != "":
		return conditions.True(conditionType, scimv1alpha1.ReasonOverlap, overlap), true
	case err != nil:
		return conditions.False(conditionType, scimv1alpha1.ReasonInvalidTime, invalidTime(s.key)), true
	case asked && !makesTokens(s.key):
		return conditions.False(conditionType, scimv1alpha1.ReasonMadeElsewhere, noEffect(s.key)), true
	case !next.IsZero() && !s.now.Before(next) && problem != nil:
		return conditions.False(conditionType, problem.reason, problem.message), true
	case !next.IsZero():
		return conditions.False(conditionType, scimv1alpha1.ReasonScheduled,
			fmt.Sprintf("another %s is made at %s", word, next.UTC().Format(time.RFC3339))), true
	case newestDelivered(s.credentials) != nil && (asked || s.key.Spec.Rotation != scimv1alpha1.Rotation{}):
		return conditions.False(conditionType, scimv1alpha1.ReasonOnDemand,
			fmt.Sprintf("another %[1]s is made when annotation %[2]s has a time that is later than the newest %[1]s", word, scimv1alpha1.AnnotationRotateAt)), true
	default:
		return metav1.Condition{}, false
	}
}

// makeElsewhere says how a key gets another token that the operator does not make.
func makeElsewhere(key *scimv1alpha1.ScimApiKey) string {
	return fmt.Sprintf("make another %s with kubectl scim key generate, and apply its ScimCredential", secretWord(key))
}

// noEffect says what to do instead of asking for a rotation, of a key whose tokens the operator
// does not make.
func noEffect(key *scimv1alpha1.ScimApiKey) string {
	const annotation = "annotation " + scimv1alpha1.AnnotationRotateAt + " has no effect, since "
	if key.IsFederated() {
		return annotation + "the key is federated, and has no secret to rotate: take it out"
	}
	return fmt.Sprintf("%sthe operator does not make the %ss of this key: %s", annotation, secretWord(key), makeElsewhere(key))
}

// overlapping says which tokens still work though another one was handed over, and for how
// long; nothing when none does.
func overlapping(s *scope) string {
	var names []string
	var last time.Time
	for _, credential := range superseded(s) {
		if isOver(credential, s.now) {
			continue
		}
		names = append(names, credential.Name)
		if end := credential.Spec.ExpirationTime; end.After(last) {
			last = end.Time
		}
	}
	if len(names) == 0 {
		return ""
	}
	before := fmt.Sprintf("before %s, when that of %s stops working", last.UTC().Format(time.RFC3339), names[0])
	if len(names) > 1 {
		before = fmt.Sprintf("before %s, when the last of those of %s stops working", last.UTC().Format(time.RFC3339), strings.Join(names, ", "))
	}
	// One that was applied, or restored without its Secret, somebody else has.
	if verifier, there := s.handedOver(); !there || verifier.KeyID != s.key.Status.KeyID {
		return fmt.Sprintf("the %s of key id %s is in no Secret: see that the identity provider has it %s", secretWord(s.key), s.key.Status.KeyID, before)
	}
	return fmt.Sprintf("the %s of key id %s is handed over: give it to the identity provider %s", secretWord(s.key), s.key.Status.KeyID, before)
}

// invalidTime says how to ask for a rotation. The value is somebody else's, of any length.
func invalidTime(key *scimv1alpha1.ScimApiKey) string {
	return fmt.Sprintf("annotation %s is %.40q, which is no time: write it like 2026-05-01T12:00:00Z, for example with "+
		`kubectl annotate scimapikey %s -n %s %[1]s="$(date -u +%%FT%%TZ)" --overwrite`, scimv1alpha1.AnnotationRotateAt,
		key.Annotations[scimv1alpha1.AnnotationRotateAt], key.Name, key.Namespace)
}
