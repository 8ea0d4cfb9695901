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
	mu       sync.Mutex
	bytes    int64
	replicas int
	limiter  *rate.Limiter // nil for any number of bytes
}

// Resize makes it so many bytes in a WritePeriod, of all replicas together; 0 is any number.
func (w *Writes) Resize(bytes int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resize(bytes, w.replicas)
}

// Among says how many replicas there are, this one included, which has its share of the bytes.
func (w *Writes) Among(replicas int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if replicas != w.replicas {
		w.resize(w.bytes, replicas)
	}
}

// resize divides the bytes. The mutex is held.
func (w *Writes) resize(bytes int64, replicas int) {
	w.bytes, w.replicas = bytes, replicas
	share := bytes / int64(max(replicas, 1))
	perSecond := rate.Limit(float64(share) / WritePeriod.Seconds())
	switch {
	case bytes == 0:
		w.limiter = nil
	case w.limiter == nil:
		w.limiter = rate.NewLimiter(perSecond, int(share))
	default:
		w.limiter.SetLimit(perSecond)
		w.limiter.SetBurst(int(share))
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
