package index

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/guard"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/compact"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Who left is counted by when, in whatever order that becomes known, once, and not any more once the user is
// back or gone for good.
func TestDepartures(t *testing.T) {
	registry, err := schema.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	ago := func(d time.Duration) int64 { return now.Add(-d).UnixMicro() }
	user := func(id uuid.UUID, left int64) *Entry {
		resource := scim.NewResource(registry.User(), scim.Complex{"id": id.String(), "userName": id.String()})
		return &Entry{ID: id, Compact: *compact.Of(resource), Name: id.String(), Active: left == 0, Left: left}
	}
	x := New()
	var ids []uuid.UUID
	for range 6 {
		ids = append(ids, uuid.New())
	}
	check := func(what string, within time.Duration, left, active int) {
		t.Helper()
		so, _ := x.Departures(now.Add(-within), nil)
		if so.Left != left || so.Active != active {
			t.Errorf("%s: %d left within %s and %d are active, not %d and %d", what, so.Left, within, so.Active, left, active)
		}
	}
	x.PutUser(user(ids[0], ago(time.Minute)))
	x.PutUser(user(ids[1], ago(2*time.Hour)))
	x.PutUser(user(ids[2], ago(time.Minute)))
	x.PutUser(user(ids[3], ago(guard.LongestWindow+time.Hour)))
	x.PutUser(user(ids[4], 0))
	x.PutUser(user(ids[5], 0))
	check("at first", time.Hour, 2, 2)
	check("at first", guard.LongestWindow, 3, 2)
	check("at that time", time.Minute, 0, 2)
	x.PutUser(user(ids[2], 0))
	check("one is back", time.Hour, 1, 3)
	x.PutKept(Kept{ID: ids[0], Name: ids[0].String(), Left: ago(time.Minute)})
	x.PutKept(Kept{ID: ids[4], Name: ids[4].String(), Left: ago(time.Second)})
	check("two are kept", time.Hour, 2, 2)
	x.RemoveUser(ids[0])
	x.RemoveUser(ids[3])
	check("one is gone for good", guard.LongestWindow, 2, 2)
	_, active := x.Departures(now, ids)
	if len(active) != 2 {
		t.Errorf("%d of them are active", len(active))
	}
	x.Reset()
	check("there is nobody", guard.LongestWindow, 0, 0)
}

// As many as there may be become known in the order of a LIST, and cost no more than to sort them.
func TestManyDepartures(t *testing.T) {
	var d departures
	now, times := time.Now(), []int64(nil)
	for i := range 5 * displaced {
		at := now.Add(-time.Duration((i*7919)%(5*displaced)) * time.Second).UnixMicro()
		d.add(at, now)
		times = append(times, at)
	}
	if got := d.since(now.Add(-1000 * time.Second)); got != 1000 {
		t.Errorf("%d left in the last 1000 seconds", got)
	}
	for _, at := range times {
		d.remove(at)
	}
	if len(d.times) != 0 {
		t.Errorf("%d stay", len(d.times))
	}
}

// A large group is not walked to its end for each request that is refused, nor a circle twice.
func TestActiveUsersAreCountedUntilThereAreEnough(t *testing.T) {
	registry, err := schema.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	x := New()
	var members []Member
	for n := range byte(10) {
		user := scim.NewResource(registry.User(), scim.Complex{"id": uuid.UUID{n}.String(), "userName": uuid.UUID{n}.String()})
		x.PutUser(&Entry{ID: uuid.UUID{n}, Compact: *compact.Of(user), Name: user.ID(), Active: n > 0})
		members = append(members, Member{ID: uuid.UUID{n}})
	}
	outer, inner := uuid.UUID{100}, uuid.UUID{101}
	for id, of := range map[uuid.UUID][]Member{outer: append([]Member{{ID: inner}}, members[:2]...), inner: append([]Member{{ID: outer}}, members...)} {
		group := scim.NewResource(registry.Group(), scim.Complex{"id": id.String(), "displayName": id.String()})
		x.PutGroup(&Entry{ID: id, Compact: *compact.Of(group), Name: id.String(), Group: &Group{Members: of}})
	}
	for enough, want := range map[int]int{0: 1, 4: 5, 8: 9, 9: 9, 100: 9} {
		if got := x.Members().ActiveUsers([]uuid.UUID{outer, outer}, enough); got != want {
			t.Errorf("there are %d where %d are enough, want %d", got, enough, want)
		}
	}
}
