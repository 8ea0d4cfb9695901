package auth

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Uses knows when each key was used last. It is safe for concurrent use; the zero value
// knows of none.
type Uses struct{ seen sync.Map } // of *atomic.Int64, nanoseconds since 1970, by key id

// Note takes note that the key is used.
func (u *Uses) Note(keyID string, now time.Time) {
	last, known := u.seen.Load(keyID)
	if !known {
		last, _ = u.seen.LoadOrStore(keyID, &atomic.Int64{})
	}
	at := last.(*atomic.Int64)
	for before := at.Load(); before < now.UnixNano() && !at.CompareAndSwap(before, now.UnixNano()); {
		before = at.Load()
	}
}

// Keep forgets all keys but those.
func (u *Uses) Keep(keys Keys) {
	for keyID := range u.seen.Range {
		if _, kept := keys[keyID.(string)]; !kept {
			u.seen.Delete(keyID)
		}
	}
}

// Last returns when keys were used last, for those that were used latest, and at most so
// many of them.
func (u *Uses) Last(most int) map[string]time.Time {
	last := map[string]time.Time{}
	for keyID, at := range u.seen.Range {
		last[keyID.(string)] = time.Unix(0, at.(*atomic.Int64).Load()).UTC()
	}
	latest := slices.SortedFunc(maps.Keys(last), func(a, b string) int {
		return cmp.Or(last[b].Compare(last[a]), cmp.Compare(a, b))
	})
	for _, keyID := range latest[min(most, len(latest)):] {
		delete(last, keyID)
	}
	return last
}
