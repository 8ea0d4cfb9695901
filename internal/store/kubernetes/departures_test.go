package kubernetes

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/guard"
	"github.com/kubescim/kubescim/internal/store"
)

// Who has read the users before another one went, and decides after it was found that this one has, counts it.
func TestDeparturesByAnOlderRead(t *testing.T) {
	policy := store.Policy{Guard: &guard.Guard{MaxPercent: 10, MinUsers: 1, Window: time.Hour}}
	d := &departures{underWay: map[uuid.UUID]leave{}}
	first, second, third := uuid.New(), uuid.New(), uuid.New()
	reads := func(left int, active ...uuid.UUID) count {
		return func(_ time.Time, among []uuid.UUID) (store.Departures, []uuid.UUID) {
			return store.Departures{Left: left, Active: len(active)}, slices.DeleteFunc(among, func(id uuid.UUID) bool { return !slices.Contains(active, id) })
		}
	}
	before := time.Now()
	if err := d.decide(policy, first, before, before, reads(0, first, second, third)); err != nil {
		t.Fatal(err)
	}
	if d.decide(policy, second, before, time.Now(), reads(1, second, third)) == nil {
		t.Error("a second one may go")
	}
	if d.decide(policy, third, before, before, reads(0, first, second, third)) == nil {
		t.Error("a second one may go by an older read")
	}
	if err := d.decide(policy, third, before, time.Now(), reads(0, first, second, third)); err != nil {
		t.Errorf("who is active again has not gone: %v", err)
	}
}
