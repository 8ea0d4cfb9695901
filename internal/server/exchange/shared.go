package exchange

import (
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/store"
)

// Shared is what the requests of one tenant have in common. Make it with NewShared.
type Shared struct {
	Store  store.Store
	Limits limit.Limits
	Log    *accesslog.Log
	// Keyring has the keys that requests are authenticated with.
	Keyring auth.Keyring
	// Slots has one for each request with a good token that may be under way.
	Slots *semaphore.Weighted
	// Memory is what requests may have together.
	Memory *limit.Memory
	// Writes bounds the bytes that are written.
	Writes limit.Writes
	// Rates bound how many requests with a good token are answered.
	Rates *ratelimit.Buckets
	// Unauthenticated bounds what requests without a good token cost.
	Unauthenticated *limit.Unauthenticated

	settings atomic.Pointer[Settings]
	signing  signing
}

// NewShared returns what the requests of a tenant over its store have in common.
func NewShared(backend store.Store, limits limit.Limits, rates *ratelimit.Buckets, log *accesslog.Log) *Shared {
	return &Shared{
		Rates: rates,
		Store: backend, Limits: limits, Log: log, Slots: semaphore.NewWeighted(int64(limits.Requests)),
		Memory: limit.NewMemory(limit.MemoryLeft), Unauthenticated: limit.NewUnauthenticated(limit.DefaultRates()),
	}
}

// Configure makes requests from now on be answered under the settings.
func (s *Shared) Configure(settings Settings) {
	settings.words = accesslog.WordsOf(settings.Registry)
	s.Writes.Resize(settings.WriteBytes)
	s.Rates.Resize(settings.Rate, time.Now())
	s.settings.Store(&settings)
	s.issueAs(settings.Issuer)
}

// Settings returns those that requests are answered under; nil before there are any.
func (s *Shared) Settings() *Settings { return s.settings.Load() }
