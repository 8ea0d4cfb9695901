package barrier

import "context"

// Kind is one of the kinds of objects that a tenant's store keeps.
type Kind int

// The kinds, and how many there are.
const (
	Users Kind = iota
	Groups
	GroupMembers
	Kinds
)

// Mark says how far everything goes that a replica has told clients.
type Mark struct {
	// Revisions has, for each kind, the resourceVersion that a store must have
	// reached to be as new. They are comparable as numbers since Kubernetes 1.35
	// (KEP-5504).
	Revisions [Kinds]uint64
}

// Max returns the least Mark that is at least m and at least o.
func (m Mark) Max(o Mark) Mark {
	for kind := range m.Revisions {
		m.Revisions[kind] = max(m.Revisions[kind], o.Revisions[kind])
	}
	return m
}

// Log is the store of this replica as the barrier sees it. It is used from
// several goroutines.
type Log interface {
	// Mark covers every answer that has been given to a client, and every Raise.
	Mark() Mark
	// Raise makes every later Mark at least m, which Latest returned: it was called after
	// the last Restart.
	Raise(m Mark)
	// Latest returns the resourceVersions as of now, by a consistent read at the
	// API server.
	Latest(ctx context.Context) (Mark, error)
	// Restart is called when history was rewritten, so that no resourceVersion of before
	// says anything: etcd was restored to an older state. The store is to read everything
	// anew. Until the next Raise, Mark covers what was told before, too; then it covers no
	// more than that Raise and what was told after Restart.
	Restart()
}
