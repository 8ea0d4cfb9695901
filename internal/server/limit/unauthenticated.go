package limit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/utils/lru"
)

const (
	// rememberedSources is of how many addresses it is known, those last seen. Who
	// comes from very many is bounded by what is allowed in all.
	rememberedSources = 1024
	// unloggedEvery is how often the log says how many lines were left out.
	unloggedEvery = 10 * time.Second
)

// Rates are how many requests without a good token are told so in a second, from one
// address and together, and how many at once.
type Rates struct {
	BySource       rate.Limit
	BySourceAtOnce int
	InAll          rate.Limit
	InAllAtOnce    int
}

// DefaultRates are the rates of a tenant. Behind an Ingress controller all requests come
// from one address.
func DefaultRates() Rates {
	return Rates{BySource: 5, BySourceAtOnce: 100, InAll: 50, InAllAtOnce: 500}
}

// Unauthenticated bounds what requests without a good token may cost: how many of them are
// written to the log and are told what to do. A request with a good token is none of its
// business, so that nobody is kept out by what others send from the same address. It does
// not guard the tokens, which nobody can guess.
type Unauthenticated struct {
	rates   Rates
	all     *rate.Limiter
	sources *lru.Cache

	mu       sync.Mutex
	unlogged int       // lines that were left out
	reported time.Time // when the log last said so
}

// NewUnauthenticated returns the bounds with the rates.
func NewUnauthenticated(rates Rates) *Unauthenticated {
	return &Unauthenticated{rates: rates, all: rate.NewLimiter(rates.InAll, rates.InAllAtOnce), sources: lru.New(rememberedSources)}
}

// Allow counts a request from the source, and reports whether it is within bounds.
func (u *Unauthenticated) Allow(source string, now time.Time) bool {
	u.mu.Lock()
	found, known := u.sources.Get(source)
	limiter, _ := found.(*rate.Limiter)
	if !known {
		limiter = rate.NewLimiter(u.rates.BySource, u.rates.BySourceAtOnce)
		u.sources.Add(source, limiter)
	}
	u.mu.Unlock()
	return limiter.AllowN(now, 1) && u.all.AllowN(now, 1)
}

// LeaveOut counts a line that is not written. It returns how many there were when it is
// time to say so, and else 0.
func (u *Unauthenticated) LeaveOut(now time.Time) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.unlogged++
	if now.Sub(u.reported) < unloggedEvery {
		return 0
	}
	count := u.unlogged
	u.unlogged, u.reported = 0, now
	return count
}
