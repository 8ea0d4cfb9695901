package readindex

// Kind is one of the kinds of objects that a tenant's store keeps.
type Kind int

// The kinds, and how many there are.
const (
	Users Kind = iota
	Groups
	GroupMembers
	Kinds
)

// Revisions has a resourceVersion for each kind. Those of a replica are the highest that
// anything rests on which it has acknowledged; a store that has reached them is as new.
// resourceVersions are comparable as numbers since Kubernetes 1.35 (KEP-5504).
type Revisions [Kinds]uint64

// Max returns the least Revisions that are at least r and at least o.
func (r Revisions) Max(o Revisions) Revisions {
	for kind := range r {
		r[kind] = max(r[kind], o[kind])
	}
	return r
}

// Covers reports whether r is at least o.
func (r Revisions) Covers(o Revisions) bool { return r.Max(o) == r }
