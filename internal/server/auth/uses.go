package auth

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubescim/kubescim/internal/apikey"
)

// Uses knows when each key was used last. It is safe for concurrent use; the zero value
// knows of none.
type Uses struct {
	mu   sync.RWMutex
	last map[string]*atomic.Int64 // nanoseconds since 1970, by key id
}

// Note takes note that the key is used.
func (u *Uses) Note(keyID string, now time.Time) {
	last, at := u.of(keyID), now.UnixNano()
	for before := last.Load(); before < at && !last.CompareAndSwap(before, at); {
		before = last.Load()
	}
}

// of returns where it is written when a key was used.
func (u *Uses) of(keyID string) *atomic.Int64 {
	u.mu.RLock()
	last, known := u.last[keyID]
	u.mu.RUnlock()
	if known {
		return last
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.last == nil {
		u.last = map[string]*atomic.Int64{}
	}
	if u.last[keyID] == nil {
		u.last[keyID] = &atomic.Int64{}
	}
	return u.last[keyID]
}

// Keep forgets all keys but those.
func (u *Uses) Keep(keys Keys) {
	u.mu.Lock()
	defer u.mu.Unlock()
	maps.DeleteFunc(u.last, func(keyID string, _ *atomic.Int64) bool {
		_, kept := keys[keyID]
		return !kept
	})
}

// Last returns when keys were used last, for those that were used latest, and at most so
// many of them.
func (u *Uses) Last(most int) map[string]time.Time {
	u.mu.RLock()
	last := make(map[string]time.Time, len(u.last))
	for keyID, at := range u.last {
		if used := at.Load(); used > 0 { // It is about to be written otherwise.
			last[keyID] = time.Unix(0, used).UTC()
		}
	}
	u.mu.RUnlock()
	apikey.KeepLatest(last, most)
	return last
}
