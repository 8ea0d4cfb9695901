package index

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/compact"
)

// Entry is one user or group. It does not change once it is in the index.
type Entry struct {
	ID      uuid.UUID
	Compact compact.Resource
	// Revision is the resourceVersion of the object that it was read from.
	Revision uint64
	// Name is the userName or displayName. It, the client's own id and the addresses
	// are best parts of the text of Compact.
	Name string
	// ExternalID is the client's own id, empty when there is none.
	ExternalID string
	// Emails are the addresses of a user.
	Emails []string
	// Group is what there is of a group besides; nil for a user.
	Group *Group
	// Active reports whether a user is active; false for a group.
	Active bool
	// Left is when a user became inactive, in microseconds since 1970; 0 for one who is active, or never was.
	Left int64
	// Bytes is about how much the object takes where it is stored, without slices.
	Bytes int32
	// Labels is a digest of the labels of a user's object that were made of attributes; 0 when
	// selectors do not find it by something else that it should have.
	Labels uint64
}

// Group is what an Entry of a group has and one of a user has not.
type Group struct {
	// Generation is that of the group's object.
	Generation int64
	// Tag is that of the group's own slices.
	Tag string
	// Sliced reports whether the object says that the group has, or has had, slices.
	Sliced bool
	// Members are those in the object itself.
	Members []Member

	whole *compact.Resource // with slices: with the meta of all of it
}

// Member is a member of a group by its id.
type Member struct {
	ID    uuid.UUID
	Group bool // a group, else a user
}

// Slice holds members of a group that its own object has no room for.
type Slice struct {
	Name       string
	Group      uuid.UUID
	Place      Place
	Strays     bool // whether it lists members for whom it is not
	Revision   uint64
	Generation int64
	Created    time.Time
	Modified   time.Time
	Members    []Member
	Bytes      int32 // about how much it takes where it is stored
}

// SortSlices brings slices into the order of their members: that of creation.
func SortSlices(of []*Slice) { slices.SortFunc(of, compareSlices) }

func compareSlices(a, b *Slice) int {
	return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name))
}

// MetaWithSlices is the meta of a group with all its slices: it was modified last
// when its object or a slice was, and its version counts the changes of both.
// Slices are never taken away while the group is there, so that the count grows.
func MetaWithSlices(meta scim.Meta, generation int64, of []*Slice) scim.Meta {
	if len(of) == 0 {
		return meta
	}
	changes := int64(0)
	for _, s := range of {
		changes += s.Generation
		if s.Modified.After(meta.LastModified) {
			meta.LastModified = s.Modified
		}
	}
	meta.Version = VersionWithSlices(generation, changes, meta.LastModified)
	return meta
}

// Version is the entity tag of an object: of its generation, which counts its changes, and
// of when it was modified last, since a backup that is restored makes it count again from
// where it was, or from 1.
func Version(generation int64, modified time.Time) string {
	return `W/"` + strconv.FormatInt(generation, 10) + "-" + strconv.FormatInt(modified.UnixMicro(), 36) + `"`
}

// VersionWithSlices is the entity tag of a group with slices: of the generation of
// its object, the sum of those of its slices, and when any of them was modified last.
func VersionWithSlices(generation, slices int64, modified time.Time) string {
	return `W/"` + strconv.FormatInt(generation, 10) + "-" + strconv.FormatInt(slices, 10) + "-" + strconv.FormatInt(modified.UnixMicro(), 36) + `"`
}

// compact is what a client gets of the entry.
func (e *Entry) compact() *compact.Resource {
	if e.Group != nil && e.Group.whole != nil {
		return e.Group.whole
	}
	return &e.Compact
}
