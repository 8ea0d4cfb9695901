package usage

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
)

// The status of a tenant is written only because its usage has changed once in
// tenantInterval, but tenantBurst times in a row after a quiet time, so that the
// first users of a tenant show soon; and those of all tenants together once in
// allInterval.
const (
	tenantInterval = time.Minute
	tenantBurst    = 3
	allInterval    = time.Second
)

// Pace bounds how often usage is written. Its zero value is ready for use.
type Pace struct {
	mu       sync.Mutex
	limiters map[types.UID]*rate.Limiter
	// turns are when those may write that wait for it, and next is when the one after them may.
	turns map[types.UID]time.Time
	next  time.Time
}

// Reserve lets the caller write the usage of a tenant now when it returns 0, and
// else returns how long to wait before asking again. Who waits for others has its turn then.
func (p *Pace) Reserve(tenant types.UID, now time.Time) (wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if turn, waits := p.turns[tenant]; waits {
		if wait = turn.Sub(now); wait <= 0 {
			delete(p.turns, tenant)
		}
		return max(wait, 0)
	}
	if wait = p.reserveOwn(tenant, now); wait > 0 {
		return wait
	}
	turn := p.next
	if turn.Before(now) {
		turn = now
	}
	p.next = turn.Add(allInterval)
	if turn.Equal(now) {
		return 0
	}
	p.turns[tenant] = turn
	return turn.Sub(now)
}

// reserveOwn returns how long a tenant is to wait for itself.
func (p *Pace) reserveOwn(tenant types.UID, now time.Time) (wait time.Duration) {
	if p.limiters == nil {
		p.limiters, p.turns = map[types.UID]*rate.Limiter{}, map[types.UID]time.Time{}
	}
	limiter, ok := p.limiters[tenant]
	if !ok {
		limiter = rate.NewLimiter(rate.Every(tenantInterval), tenantBurst)
		p.limiters[tenant] = limiter
	}
	reservation := limiter.ReserveN(now, 1)
	wait = reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

// Forget forgets a tenant that is gone.
func (p *Pace) Forget(tenant types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.limiters, tenant)
	delete(p.turns, tenant)
}
