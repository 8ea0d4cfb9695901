package scimapikey

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
)

// A rotation goes in this order, and after a crash goes on where it was:
//
//  1. a ScimCredential is created with the annotation that says undelivered, and with one
//     that names those that it takes the place of;
//  2. once every live replica has acknowledged it, the hand-over Secret gets its token;
//  3. the annotation that says undelivered goes;
//  4. those before get an expirationTime, the overlap from then;
//  5. once that has passed, they are deleted.
//
// There is no other one before the third of these is done.

// mostLive is how many ScimCredentials of a key may let somebody in at a time, those that
// were applied included.
const mostLive = 16

// trigger is one reason to make another token for a key: at is when; zero if it is none.
type trigger func(s *scope, newest *scimv1alpha1.ScimCredential) (at time.Time)

// triggers are all of them. Whichever comes first counts.
var triggers = []trigger{requested, scheduled, renewed}

// requested is that somebody asks for it, by a time that is later than the newest token.
// Tokens are issued in whole seconds, and so is what is asked for.
func requested(s *scope, newest *scimv1alpha1.ScimCredential) (at time.Time) {
	at, err := rotateAt(s.key)
	if err != nil || !at.After(madeTime(s, newest)) {
		return time.Time{}
	}
	return at
}

// scheduled is that the newest token gets as old as it may.
func scheduled(s *scope, newest *scimv1alpha1.ScimCredential) (at time.Time) {
	days := s.key.Spec.Rotation.EveryDays
	if days == 0 {
		return time.Time{}
	}
	return madeTime(s, newest).AddDate(0, 0, int(days))
}

// renewed is that the newest token of a key that is rotated by schedule ends before that:
// early enough for the whole overlap, but when two thirds of its life are over at the
// soonest, so that a life that is shorter than the overlap does not rotate all the time.
func renewed(s *scope, newest *scimv1alpha1.ScimCredential) (at time.Time) {
	made, end := madeTime(s, newest), newest.Spec.ExpirationTime
	if s.key.Spec.Rotation.EveryDays == 0 || end.IsZero() {
		return time.Time{}
	}
	return end.Add(-min(s.key.Overlap(), end.Sub(made)/3))
}

// rotateAt returns the time in the annotation that asks for a rotation, in whole seconds;
// zero if there is none, and an error if it is no time.
func rotateAt(key *scimv1alpha1.ScimApiKey) (time.Time, error) {
	text, asked := key.Annotations[scimv1alpha1.AnnotationRotateAt]
	if !asked {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, err
	}
	return at.Truncate(time.Second), nil
}

// nextRotation is when another token is made for a key that has one; zero: never, as far
// as is known.
func nextRotation(s *scope) (at time.Time) {
	newest := newestDelivered(s.credentials)
	if newest == nil || !makesTokens(s.key) {
		return time.Time{}
	}
	for _, trigger := range triggers {
		if t := trigger(s, newest); !t.IsZero() && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	return at
}

// makesTokens reports whether the operator makes the tokens of a key.
func makesTokens(key *scimv1alpha1.ScimApiKey) bool {
	return !key.IsFederated() && key.TokenIssuer() == scimv1alpha1.TokenIssuerOperator
}

// rotate makes another token when it is time, and hands over the one that it has made.
func rotate(s *scope) (d decision, applies bool) {
	if pending := pendingOf(s); pending != nil {
		return decideHandOver(s, pending), true
	}
	if at := nextRotation(s); at.IsZero() || s.now.Before(at) {
		return decision{}, false
	}
	switch blocked := handoverBlocked(s, true); {
	case !s.tenantExists():
		return decision{}, false
	case blocked != nil:
		return decision{problem: blocked}, true
	case s.tenant.Spec.CredentialsNotBefore.After(s.now):
		return decision{problem: tooEarly(s)}, true
	case countLive(s) >= mostLive:
		return decision{problem: tooMany(s)}, true
	default:
		return decision{step: stepIssue}, true
	}
}

// pendingOf returns the credential whose token is in memory, to be handed over; nil if
// there is none.
func pendingOf(s *scope) *scimv1alpha1.ScimCredential {
	for i := range s.credentials {
		if stageOf(s, &s.credentials[i]) == stagePending {
			return &s.credentials[i]
		}
	}
	return nil
}

// handoverBlocked returns why the hand-over Secret cannot get a token; nil if it can. That
// of an earlier token of the key is rewritten in a rotation.
func handoverBlocked(s *scope, rotation bool) *problem {
	switch {
	case s.handover == nil:
		return nil
	case !rotation || !hasHandover(s) || !s.handover.DeletionTimestamp.IsZero():
		return inTheWay(s)
	case ptr.Deref(s.handover.Immutable, false):
		return immutableHandover(s)
	default:
		return nil
	}
}

// countLive returns how many of the key's credentials have not ended and stay.
func countLive(s *scope) (live int) {
	for i := range s.credentials {
		if !isOver(&s.credentials[i], s.now) && stays(s.credentials[i]) {
			live++
		}
	}
	return live
}

// supersede returns the value of the annotation on a credential that takes the place of
// all that the holder of the key has, those first whose tokens work: there may be more that are
// over, and fewer than mostLive that are not when another one is made.
func supersede(s *scope) string {
	var working, over []string
	for i := range s.credentials {
		switch credential := &s.credentials[i]; {
		case !isDelivered(credential):
		case isOver(credential, s.now):
			over = append(over, credential.Name)
		default:
			working = append(working, credential.Name)
		}
	}
	names := slices.Concat(working, over)
	return strings.Join(names[:min(len(names), mostLive)], ",")
}

// isRotation reports whether a credential was made to take the place of others.
func isRotation(credential *scimv1alpha1.ScimCredential) bool {
	return credential.Annotations[scimv1alpha1.AnnotationSupersedes] != ""
}

// superseded returns those of the key's credentials whose place another one has taken that
// is handed over.
func superseded(s *scope) (all []*scimv1alpha1.ScimCredential) {
	names := map[string]bool{}
	for i := range s.credentials {
		if successor := &s.credentials[i]; isDelivered(successor) {
			for name := range strings.SplitSeq(successor.Annotations[scimv1alpha1.AnnotationSupersedes], ",") {
				names[name] = name != successor.Name
			}
		}
	}
	for i := range s.credentials {
		if names[s.credentials[i].Name] {
			all = append(all, &s.credentials[i])
		}
	}
	return all
}

// retireSuperseded lets the credentials before end after the overlap. A shorter overlap
// than there was brings the end forward, and a longer one puts nothing off.
func retireSuperseded(s *scope) (d decision, applies bool) {
	end := s.now.Add(s.key.Overlap())
	for _, credential := range superseded(s) {
		if endsAfter(credential, end) {
			return decision{step: stepShorten, credential: credential, until: end}, true
		}
	}
	return decision{}, false
}

// removeEnded deletes what has been superseded and has ended, once every replica goes by
// that: a deletion would leave nothing to wait for. One that was applied stays: it would
// be applied once more, without its end.
func removeEnded(s *scope) (d decision, applies bool) {
	acknowledging, live := s.acknowledging(true)
	for _, credential := range superseded(s) {
		if isOver(credential, s.now) && acknowledging == live && operand.IsOwnCredential(credential) && stays(*credential) {
			return decision{step: stepRetire, credential: credential}, true
		}
	}
	return decision{}, false
}

// tooMany is the problem of a key that may have no more credentials.
func tooMany(s *scope) *problem {
	return &problem{
		reason: scimv1alpha1.ReasonTooManyCredentials,
		message: fmt.Sprintf("another %s is due, and the key has %d ScimCredentials that let somebody in, which is the most: "+
			"delete those that are not needed, or make spec.rotation.overlapHours shorter", secretWord(s.key), countLive(s)),
	}
}

// immutableHandover is the problem of a hand-over Secret that takes no other token.
func immutableHandover(s *scope) *problem {
	return &problem{
		reason: scimv1alpha1.ReasonObjectInvalid,
		message: fmt.Sprintf("another %s is due, and Secret %q is immutable, so that it cannot get it: "+
			"delete the Secret, and the operator writes it anew", secretWord(s.key), s.handover.Name),
	}
}
