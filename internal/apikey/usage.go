package apikey

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// KeepLatest deletes from the times at which keys were last used, by key id, all but so many of
// the latest.
func KeepLatest(used map[string]time.Time, most int) {
	if len(used) <= most {
		return
	}
	latest := slices.SortedFunc(maps.Keys(used), func(a, b string) int {
		return cmp.Or(used[b].Compare(used[a]), cmp.Compare(a, b))
	})
	for _, keyID := range latest[most:] {
		delete(used, keyID)
	}
}
