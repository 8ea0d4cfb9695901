package scimrolebinding

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/roster"
)

// unreadableAfter is for how long users and groups of a tenant may not be readable before its bindings say so. Less than that
// it takes an API server to start again.
const unreadableAfter = time.Minute

// trouble is that the objects of one kind cannot be read: since when, and why that was so first.
type trouble struct {
	since time.Time
	why   error
}

// note takes note of how a call for the objects of a kind has ended. One that failed for long, and one that did not after that,
// start a reconciliation of the bindings.
func (r *rosters) note(ctx context.Context, kept *keptRoster, of roster.Kind, err error) {
	if ctx.Err() != nil || apierrors.IsResourceExpired(err) || apierrors.IsGone(err) { // All is listed anew then.
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, fails := kept.troubles[of]
	switch {
	case err == nil && fails:
		delete(kept.troubles, of)
		r.startAll(kept, 0)
	case err != nil && !fails:
		kept.troubles[of] = trouble{since: time.Now(), why: err}
		r.startAll(kept, unreadableAfter)
	}
}

// unreadable says since when users and groups of the tenant of a binding cannot be read, and why; nothing unless that is so
// for long.
func (r *rosters) unreadable(binding client.ObjectKey, now time.Time) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.kept[r.tenantOf[binding]]
	if kept == nil {
		return ""
	}
	var first trouble
	for _, one := range kept.troubles {
		if first.why == nil || one.since.Before(first.since) {
			first = one
		}
	}
	if first.why == nil || now.Sub(first.since) < unreadableAfter {
		return ""
	}
	return fmt.Sprintf("since %s, users or groups of the tenant cannot be read, so that who has the role keeps it, and nobody else gets it: %s",
		first.since.UTC().Format(time.RFC3339), conditions.Quote(first.why.Error()))
}
