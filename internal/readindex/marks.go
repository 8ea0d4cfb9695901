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

const (
	// maxMarked bounds for how many tenants marks are kept apart.
	maxMarked = 4096
	// MaxChanges bounds how many tenants Changes have apart.
	MaxChanges = 512
)

// Mark is that of one tenant.
type Mark struct {
	Tenant    Tenant
	Revisions Revisions
}

// Changes are what has changed in a replica's Marks from one version to another. Whoever knows
// them as of Base, or of a later version, knows them as of Version with the changes: each
// tenant's are at least the Floor and what is among Marks. Base is 0 for all that there is.
type Changes struct {
	Base, Version uint64
	Floor         Revisions
	Marks         []Mark
}

// Marks are the Revisions of what one replica has acknowledged to clients, for each tenant.
// They are safe for concurrent use.
type Marks struct {
	mu sync.Mutex
	// version counts changes, from 1; floored is the last one at which the floor was raised. Of
	// one before anew nothing counts any more.
	version, floored, anew uint64
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

// mark is that of a tenant that is above the floor, and the version at which it was raised last.
type mark struct {
	Mark
	version uint64
}

// NewMarks returns the Marks of a replica that has acknowledged nothing.
func NewMarks() *Marks {
	return &Marks{version: 1, floored: 1, anew: 1, above: map[Tenant]*list.Element{}, changed: list.New()}
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
		at = m.changed.PushBack(&mark{Mark: Mark{Tenant: tenant}})
		m.above[tenant] = at
	}
	m.version++
	raised := at.Value.(*mark)
	raised.Revisions[kind], raised.version = revision, m.version
	m.changed.MoveToBack(at)
	if len(m.above) > maxMarked {
		m.fold()
	}
}

// fold makes half of the tenants part of the floor: those that have not changed for the longest
// time. The mutex is held.
func (m *Marks) fold() {
	to := m.floor
	for range maxMarked / 2 {
		oldest := m.changed.Front()
		to = to.Max(oldest.Value.(*mark).Revisions)
		m.forget(oldest)
	}
	m.raiseFloor(to)
}

// RaiseAll makes the marks of all tenants at least what the API server has said to be its
// latest, after the last Forget if there was one.
func (m *Marks) RaiseAll(latest Revisions) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.void != (Revisions{}) {
		m.void, m.anew = Revisions{}, m.version+1
	}
	m.raiseFloor(latest)
}

// raiseFloor raises the floor, which those are not above any more that it reaches. The mutex
// is held.
func (m *Marks) raiseFloor(to Revisions) {
	m.version++
	m.floor, m.floored = m.floor.Max(to), m.version
	for at := m.changed.Front(); at != nil; {
		next := at.Next()
		if m.floor.Covers(at.Value.(*mark).Revisions) {
			m.forget(at)
		}
		at = next
	}
}

// forget keeps a tenant apart no more. The mutex is held.
func (m *Marks) forget(at *list.Element) {
	delete(m.above, at.Value.(*mark).Tenant)
	m.changed.Remove(at)
}

// Forget notes that history was rewritten, so that no revision of before says anything. Until
// the next RaiseAll, Of, Max and Since cover what was acknowledged before, too: something of
// the new history may be among it.
func (m *Marks) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.void = m.void.Max(m.max())
	m.version++
	m.floor, m.floored, m.anew = Revisions{}, m.version, m.version
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

// Floor returns what the marks of every tenant cover in the history as it is now.
func (m *Marks) Floor() Revisions {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.floor
}

// Shown returns what the API server is known to have shown in the history as it is now, as for
// one tenant.
func (m *Marks) Shown(tenant Tenant) Revisions {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.of(tenant)
}

// Version returns one that covers whatever Raise has been called with for a tenant.
func (m *Marks) Version(tenant Tenant) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at, is := m.above[tenant]; is {
		return at.Value.(*mark).version
	}
	return m.floored
}

// Since returns what has changed since a version that somebody knows; all, as the floor alone,
// if that is of no use, is 0, or if too much has.
func (m *Marks) Since(known uint64) Changes {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known < m.anew || known > m.version {
		return m.all()
	}
	since := Changes{Base: known, Version: m.version, Floor: m.floor.Max(m.void)}
	for at := m.changed.Back(); at != nil && at.Value.(*mark).version > known; at = at.Prev() {
		if len(since.Marks) == MaxChanges {
			return m.all()
		}
		since.Marks = append(since.Marks, at.Value.(*mark).Mark)
	}
	return since
}

// all is all that there is, as the floor alone. The mutex is held.
func (m *Marks) all() Changes { return Changes{Version: m.version, Floor: m.max().Max(m.void)} }

// of is Of without what is void. The mutex is held.
func (m *Marks) of(tenant Tenant) Revisions {
	if at, is := m.above[tenant]; is {
		return m.floor.Max(at.Value.(*mark).Revisions)
	}
	return m.floor
}

// max is Max without what is void. The mutex is held.
func (m *Marks) max() Revisions {
	highest := m.floor
	for at := m.changed.Front(); at != nil; at = at.Next() {
		highest = highest.Max(at.Value.(*mark).Revisions)
	}
	return highest
}
