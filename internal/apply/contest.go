package apply

import (
	"fmt"
	"time"

	"golang.org/x/time/rate"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// How often an object is put right that somebody else has changed: some times at
// once, as after edits by hand, and then once a minute. Two operators that both
// keep an object would else write it, and roll it out, several times a second.
const (
	rewriteBurst    = 5
	rewriteInterval = time.Minute
)

// ContestedError says that somebody else changes an object as often as the operator
// puts it right. It is left as it is for now. Somebody has to act; the message says
// what to do.
type ContestedError struct {
	Kind, Name string
}

func (e *ContestedError) Error() string {
	return fmt.Sprintf("somebody else changes %s %q again and again: its metadata.managedFields say who; "+
		"if that is another operator of Kubescim, let only one of them watch this namespace", e.Kind, e.Name)
}

// mayRewrite returns nil if an object may be written now: always, unless it would
// be put right, after a change by somebody else, once too often.
func (a *Applier) mayRewrite(id identity, wanted uint64) error {
	if last, ok := a.lastOf(id); !ok || last.intent != wanted {
		return nil
	}
	if limiter := a.rewritesOf(id); limiter != nil && limiter.TokensAt(a.now()) < 1 {
		return &ContestedError{Kind: id.gvk.Kind, Name: id.key.Name}
	}
	return nil
}

// countRewrite counts that an object was put right, unless that changed nothing. It
// was nil before if somebody had deleted it.
func (a *Applier) countRewrite(id identity, before, after client.Object, wanted uint64) {
	last, ok := a.lastOf(id)
	if !ok || last.intent != wanted || last.version == after.GetResourceVersion() {
		return
	}
	if before != nil && isAlike(before, after) {
		return
	}
	limiter := a.rewritesOf(id)
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Every(rewriteInterval), rewriteBurst)
		a.rewrites.Add(id, limiter)
	}
	limiter.AllowN(a.now(), 1)
}

// isAlike reports whether an apply has changed nothing.
func isAlike(before, after client.Object) bool {
	was, err := stateOf(before)
	if err != nil {
		return false
	}
	is, err := stateOf(after)
	return err == nil && was == is
}

func (a *Applier) rewritesOf(id identity) *rate.Limiter {
	value, ok := a.rewrites.Get(id)
	if !ok {
		return nil
	}
	limiter, _ := value.(*rate.Limiter)
	return limiter
}
