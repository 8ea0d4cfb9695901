package server

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// WritePeriod is how often the API server by default compacts etcd: it throws away what
// was overwritten before the last time (--etcd-compaction-interval of kube-apiserver).
const WritePeriod = 5 * time.Minute

// writes bounds how many bytes are written for a tenant, since what is overwritten takes
// room in etcd too until it is compacted. It is a bucket that holds what may be written
// in a WritePeriod and fills in as long. A write that has begun is not stopped, so that
// the bucket may have less than nothing for a while; then others wait.
type writes struct {
	mu      sync.Mutex
	limiter *rate.Limiter // nil for any number of bytes
}

// resize makes it so many bytes in a WritePeriod; 0 is any number.
func (w *writes) resize(bytes int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	perSecond := rate.Limit(float64(bytes) / WritePeriod.Seconds())
	switch {
	case bytes == 0:
		w.limiter = nil
	case w.limiter == nil:
		w.limiter = rate.NewLimiter(perSecond, int(bytes))
	default:
		w.limiter.SetLimit(perSecond)
		w.limiter.SetBurst(int(bytes))
	}
}

// charge counts bytes that were written.
func (w *writes) charge(bytes int64, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.limiter != nil && bytes > 0 {
		// What is reserved need not be there yet.
		part := min(bytes, int64(w.limiter.Burst()))
		w.limiter.ReserveN(now, int(part))
		bytes -= part
	}
}

// wait returns how long it takes until something may be written; 0 when it may be now.
func (w *writes) wait(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.limiter == nil {
		return 0
	}
	missing := 1 - w.limiter.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(math.Ceil(missing/float64(w.limiter.Limit()))) * time.Second
}

// Wrote tells that so many bytes of an object were written for the tenant.
func (t *Tenant) Wrote(bytes int64) { t.writes.charge(bytes+store.ObjectOverhead/2, time.Now()) }

// mayWrite refuses a request that writes while too much has been written lately.
func (x *exchange) mayWrite() error {
	wait := x.tenant.writes.wait(time.Now())
	if wait == 0 {
		return nil
	}
	x.retry = wait
	return fmt.Errorf("the share of this pod is used up: %w", scim.Errorf(http.StatusTooManyRequests, "",
		"more has been written in this tenant lately than it has room for; nothing was changed, send this again in %d seconds, and less at a time", int(wait.Seconds())))
}

// deactivates reports whether a change makes a user inactive who is not. Nothing that was
// written before keeps that out, like deletions. It cannot be done again and again: to make
// the user active is a write like any other.
func deactivates(current, next *scim.Resource) bool {
	was, assigned := current.Active()
	is, said := next.Active()
	return store.IsUser(next.Type()) && (was || !assigned) && said && !is
}

// onlyRemoves reports whether a change does no more than to take members out of a group.
func onlyRemoves(members []scim.MemberChange, current, next *scim.Resource) bool {
	return next.Equal(current) && !slices.ContainsFunc(members, func(m scim.MemberChange) bool { return m.Add })
}
