package limit

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// WritePeriod is how often the API server by default compacts etcd: it throws away what
// was overwritten before the last time (--etcd-compaction-interval of kube-apiserver).
const WritePeriod = 5 * time.Minute

// Writes bounds how many bytes are written for a tenant, since what is overwritten takes
// room in etcd too until it is compacted. It is a bucket that holds what may be written
// in a WritePeriod and fills in as long. A write that has begun is not stopped, so that
// the bucket may have less than nothing for a while; then others wait.
type Writes struct {
	mu      sync.Mutex
	limiter *rate.Limiter // nil for any number of bytes
}

// Resize makes it so many bytes in a WritePeriod; 0 is any number.
func (w *Writes) Resize(bytes int64) {
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

// Charge counts bytes that were written.
func (w *Writes) Charge(bytes int64, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.limiter != nil && bytes > 0 {
		// What is reserved need not be there yet.
		part := min(bytes, int64(w.limiter.Burst()))
		w.limiter.ReserveN(now, int(part))
		bytes -= part
	}
}

// Wait returns how long it takes until something may be written; 0 when it may be now.
func (w *Writes) Wait(now time.Time) time.Duration {
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
