package readindex

import (
	"container/list"
	"hash/fnv"
	"sync"
)

// Tenant stands for a tenant between replicas. Two tenants that share one share their marks,
// which is only cautious.
type Tenant uint64

// TenantOf returns what stands for the tenant of that name: FNV-1a, 64 bits.
func TenantOf(name string) Tenant {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // It never fails.
	return Tenant(h.Sum64())
}

// maxMarked bounds for how many tenants marks are kept apart.
const maxMarked = 4096

// Marks are the Revisions of what one replica has acknowledged to clients, for each tenant.
// They are safe for concurrent use.
type Marks struct {
	mu sync.Mutex
	// floor is for all tenants.
	floor Revisions
	// void is what was acknowledged of a history that was rewritten since, until it is known
	// what may have been acknowledged of the new one before that was known.
	void Revisions
	// above are the tenants that are above the floor. Their marks are in the order in which
	// they changed, the last one at the end.
	above   map[Tenant]*list.Element // of a *mark
	changed *list.List
}

// mark is that of a tenant that is above the floor.
type mark struct {
	tenant    Tenant
	revisions Revisions
}

// NewMarks returns the Marks of a replica that has acknowledged nothing.
func NewMarks() *Marks {
	return &Marks{above: map[Tenant]*list.Element{}, changed: list.New()}
}

// Raise notes that answers to clients of a tenant may rest on the revision from now on.
func (m *Marks) Raise(tenant Tenant, kind Kind, revision uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if revision <= m.of(tenant)[kind] {
		return
	}
	at, is := m.above[tenant]
	if !is {
		at = m.changed.PushBack(&mark{tenant: tenant})
		m.above[tenant] = at
	}
	at.Value.(*mark).revisions[kind] = revision
	m.changed.MoveToBack(at)
	if len(m.above) > maxMarked {
		oldest := m.changed.Front().Value.(*mark)
		m.raiseFloor(oldest.revisions)
	}
}

// RaiseAll makes the marks of all tenants at least what the API server has said to be its
// latest, after the last Forget if there was one.
func (m *Marks) RaiseAll(latest Revisions) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.void = Revisions{}
	m.raiseFloor(latest)
}

// raiseFloor raises the floor, which those are not above any more that it reaches. The mutex
// is held.
func (m *Marks) raiseFloor(to Revisions) {
	m.floor = m.floor.Max(to)
	for tenant, at := range m.above {
		if m.floor.Covers(at.Value.(*mark).revisions) {
			m.changed.Remove(at)
			delete(m.above, tenant)
		}
	}
}

// Forget notes that history was rewritten, so that no revision of before says anything. Until
// the next RaiseAll, Of and Max cover what was acknowledged before, too: something of the new
// history may be among it.
func (m *Marks) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.void = m.void.Max(m.max())
	m.floor = Revisions{}
	clear(m.above)
	m.changed.Init()
}

// Of returns how far another replica must have come to be as new, as for one tenant.
func (m *Marks) Of(tenant Tenant) Revisions {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of(tenant).Max(m.void)
}

// Max is the same, as for all tenants.
func (m *Marks) Max() Revisions {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.max().Max(m.void)
}

// Shown returns what the API server is known to have shown in the history as it is now, as for
// one tenant.
func (m *Marks) Shown(tenant Tenant) Revisions {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of(tenant)
}

// of is Of without what is void. The mutex is held.
func (m *Marks) of(tenant Tenant) Revisions {
	if at, is := m.above[tenant]; is {
		return m.floor.Max(at.Value.(*mark).revisions)
	}
	return m.floor
}

// max is Max without what is void. The mutex is held.
func (m *Marks) max() Revisions {
	highest := m.floor
	for _, at := range m.above {
		highest = highest.Max(at.Value.(*mark).revisions)
	}
	return highest
}
