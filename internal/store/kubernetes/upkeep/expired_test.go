package upkeep

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/guard"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
)

// Markers of groups that come after them do not make a guard forget the users whom it counts.
func TestMarkersByWhichAGuardCountsStayForItsWindow(t *testing.T) {
	g, now := NewWithT(t), time.Now()
	marker := func(group bool, hours time.Duration) index.Kept {
		m := index.Kept{ID: uuid.New(), Group: group, Marker: true, Deleted: now.Add(-hours * time.Hour)}
		if !group {
			m.Left = m.Deleted.UnixMicro()
		}
		return m
	}
	former, user, group := marker(false, 13), marker(false, 11), marker(true, 10)
	young, youngest := marker(true, 9), marker(true, 0)
	all := func() []index.Kept { return []index.Kept{young, group, user, youngest, former} }
	policy := store.Policy{Tombstones: 24 * time.Hour, MostTombstones: 2, Guard: &guard.Guard{Window: 12 * time.Hour}}
	u := &Upkeep{Options: Options{Policy: func() store.Policy { return policy }}, MarkerAge: time.Hour}
	g.Expect(u.expired(all())).To(Equal([]index.Kept{former, group}))
	policy.Guard = nil
	g.Expect(u.expired(all())).To(Equal([]index.Kept{former, user, group}))
	policy.Tombstones = 9 * time.Hour
	g.Expect(u.expired(all())).To(Equal([]index.Kept{former, user, group, young}))
}
