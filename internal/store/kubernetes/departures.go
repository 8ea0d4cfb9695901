package kubernetes

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// departing is how long a user whom this process lets go counts as one who has gone, before memory shows it.
// It does at once when the write succeeds.
const departing = 10 * time.Second

// departures decide who may be deactivated or deleted, and taken out of groups, under the guard of a
// tenant. When users went is in their objects, so that all replicas count alike. Those count, too, whom
// this process is about to let go; other replicas can exceed the limit by what they have under way at the
// same moment.
type departures struct {
	store *Store

	mu       sync.Mutex
	underWay map[uuid.UUID]leave
}

// leave is that a user is let go: since when, and when it was found that the user has gone, if it was. What
// was read before that shows the user still.
type leave struct{ begun, found time.Time }

// admit refuses a write that makes next of a user, nil when it deletes it, and for whom the guard is shut.
func (d *departures) admit(ctx context.Context, policy store.Policy, id string, next, current *scim.Resource) error {
	now := time.Now()
	if policy.Guard.Open(now) || !store.Departs(next, current) {
		return nil
	}
	key, err := codec.ParseID(id)
	if err != nil {
		return store.NotFound(current.Type(), id)
	}
	_, known, err := d.read(ctx, current.Type(), func(x *index.Index) (int, error) {
		return 0, d.decide(policy, key, now, time.Now(), x.Departures)
	})
	if known {
		return err
	}
	live, err := d.readLive(ctx, policy, now)
	if err != nil {
		return err
	}
	return d.decide(policy, key, now, now, live.departures)
}

// count returns how many went after a time, and which of the users have not.
type count func(after time.Time, among []uuid.UUID) (store.Departures, []uuid.UUID)

// decide decides about one user by what was read at a time or later, and notes who may go.
func (d *departures) decide(policy store.Policy, id uuid.UUID, now, read time.Time, count count) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.underWay, id) // It is another try.
	maps.DeleteFunc(d.underWay, func(_ uuid.UUID, l leave) bool { return now.Sub(l.begun) > departing })
	var going []uuid.UUID // but for those who have gone, and may be active again
	for other, l := range d.underWay {
		if l.found.IsZero() || read.Before(l.found) {
			going = append(going, other)
		}
	}
	so, left := count(policy.Guard.Since(now), slices.Clone(going))
	for _, other := range going {
		if l := d.underWay[other]; l.found.IsZero() && !slices.Contains(left, other) {
			d.underWay[other] = leave{begun: l.begun, found: time.Now()}
		}
	}
	so.Left += len(left)
	so.Active -= len(left)
	if err := policy.AdmitDeparture(so, now); err != nil {
		return err
	}
	d.underWay[id] = leave{begun: now}
	return nil
}

// admitRemoval refuses a write that takes those members out of groups. It is judged by itself: when
// somebody left a group is nowhere.
func (d *departures) admitRemoval(ctx context.Context, policy store.Policy, gone func() []uuid.UUID) error {
	now := time.Now()
	if policy.Guard.Open(now) {
		return nil
	}
	ids := gone()
	if len(ids) == 0 {
		return nil
	}
	var active int
	going, known, err := d.read(ctx, d.store.groupType(), func(x *index.Index) (int, error) {
		active = x.Counts().ActiveUsers
		return x.Members().ActiveUsers(ids, policy.Guard.Allowed(active)), nil
	})
	if !known {
		var live *liveDepartures
		if live, err = d.readLive(ctx, policy, now); err == nil {
			active = live.Active
			going, err = d.activeAmong(ctx, live, ids, policy.Guard.Allowed(active))
		}
	}
	if err != nil {
		return err
	}
	return policy.AdmitRemoval(going, active, now)
}

// read asks memory, once that is new enough.
func (d *departures) read(ctx context.Context, t *schema.ResourceType, ask func(*index.Index) (int, error)) (answer int, known bool, err error) {
	c := d.store.consistency
	ready := func() bool {
		return c.current(ctx, t) || c.caughtUp(ctx, t, c.cache.Counts().Users)
	}
	return cache.Read(c.cache, ready, ask)
}

// liveDepartures is what the API server has of users.
type liveDepartures struct {
	store.Departures
	active map[uuid.UUID]bool // by the user's id
}

// departures implements count, of the time for which it was read.
func (l *liveDepartures) departures(_ time.Time, among []uuid.UUID) (store.Departures, []uuid.UUID) {
	return l.Departures, slices.DeleteFunc(among, func(id uuid.UUID) bool { return !l.active[id] })
}

func (d *departures) readLive(ctx context.Context, policy store.Policy, now time.Time) (*liveDepartures, error) {
	found, since := &liveDepartures{active: map[uuid.UUID]bool{}}, policy.Guard.Since(now).UnixMicro()
	err := d.store.objects.Each(ctx, readindex.Users, codec.OfTenant(d.store.tenant.Name), func(object client.Object) error {
		user, isUser := object.(*scimv1alpha1.ScimUser)
		id, err := codec.ParseID(object.GetName())
		if !isUser || err != nil {
			return nil //nolint:nilerr // Memory would not show it either.
		}
		active := codec.IsActive(user)
		if codec.Exists(object) {
			found.active[id] = active
		}
		if active {
			found.Active++
		}
		if codec.LeftAt(object, active) > since {
			found.Left++
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("counting the users of the tenant: %w", err)
	}
	return found, nil
}

// activeAmong is index.Members.ActiveUsers at the API server.
func (d *departures) activeAmong(ctx context.Context, live *liveDepartures, ids []uuid.UUID, enough int) (count int, err error) {
	seen := map[uuid.UUID]struct{}{}
	for level := slices.Clone(ids); len(level) > 0 && count <= enough; {
		id := level[len(level)-1]
		level = level[:len(level)-1]
		if _, again := seen[id]; again {
			continue
		}
		seen[id] = struct{}{}
		if active, isUser := live.active[id]; isUser {
			if active {
				count++
			}
			continue
		}
		group, err := d.store.live.get(ctx, d.store.groupType(), id.String(), store.View{})
		if failure.IsNotFound(err) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("counting the members of groups: %w", err)
		}
		for _, member := range idsOf(group) {
			if _, again := seen[member]; !again {
				level = append(level, member)
			}
		}
	}
	return count, nil
}

// idsOf are the ids of the members of a group.
func idsOf(group *scim.Resource) (ids []uuid.UUID) {
	for _, member := range codec.MembersOfResource(group) {
		ids = append(ids, member.ID)
	}
	return ids
}

// leftOut are the ids of the members of a group of which next has no more.
func leftOut(next, current *scim.Resource) []uuid.UUID {
	stay := map[uuid.UUID]struct{}{}
	for _, id := range idsOf(next) {
		stay[id] = struct{}{}
	}
	return slices.DeleteFunc(idsOf(current), func(id uuid.UUID) bool {
		_, stays := stay[id]
		return stays
	})
}
