package index

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// refresh takes a group anew after its slices have changed. Readers may still have
// the entry, so that another one takes its place.
func (x *Index) refresh(group uuid.UUID) {
	former := x.groups.remove(group)
	if former == nil {
		return
	}
	e, g := *former, *former.Group
	e.Group = &g
	x.complete(&e)
	x.groups.put(&e)
}

// complete gives an entry that is not in the index yet the meta of all of its group.
func (x *Index) complete(e *Entry) {
	e.Group.whole = nil
	of := x.slices[e.ID]
	if len(of) == 0 {
		return
	}
	resource := e.Frozen.Thaw(nil)
	resource.SetMeta(MetaWithSlices(e.Frozen.Meta(), e.Group.Generation, of))
	e.Group.whole = resource.Freeze()
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

// frozen is what a client gets of the entry.
func (e *Entry) frozen() *scim.Frozen {
	if e.Group != nil && e.Group.whole != nil {
		return e.Group.whole
	}
	return &e.Frozen
}

// resource makes the resource of an entry, with what the view wants of its derived
// attribute.
func (x *Index) resource(e *Entry, view store.View) *scim.Resource {
	return e.frozen().Thaw(x.references(e, view))
}

// references are the values of an entry's derived attribute that the view wants.
func (x *Index) references(e *Entry, view store.View) []scim.Reference {
	switch group := store.IsGroup(e.Frozen.Type()); {
	case group && !view.WithoutMembers:
		return x.membersOf(e)
	case !group && !view.WithoutGroups:
		return x.groupsOf(e.ID)
	}
	return nil
}

// membersOf are a group's members: those in its object and then those in its
// slices, each once, and only those that exist. A member that was deleted, but
// could not be taken out of the group yet, is none.
func (x *Index) membersOf(e *Entry) []scim.Reference {
	of := x.slices[e.ID]
	size := len(e.Group.Members)
	for _, s := range of {
		size += len(s.Members)
	}
	if size == 0 {
		return nil
	}
	references := make([]scim.Reference, 0, size)
	var seen map[uuid.UUID]struct{}
	if len(of) > 0 { // Within one object nothing is listed twice.
		seen = make(map[uuid.UUID]struct{}, size)
	}
	add := func(members []Member) {
		for _, m := range members {
			if seen != nil {
				if _, again := seen[m.ID]; again {
					continue
				}
				seen[m.ID] = struct{}{}
			}
			kind, from := store.MemberUser, &x.users
			if m.Group {
				kind, from = store.MemberGroup, &x.groups
			}
			if member := from.get(m.ID); member != nil {
				references = append(references, scim.Reference{Value: member.Frozen.ID(), Type: kind})
			}
		}
	}
	add(e.Group.Members)
	for _, s := range of {
		add(s.Members)
	}
	return references
}

// groupsOf are the groups of a user (RFC 7643 section 4.1.2): those that list it
// as direct, those that hold these as indirect, each once.
func (x *Index) groupsOf(user uuid.UUID) []scim.Reference {
	level := x.parents[user]
	if len(level) == 0 {
		return nil
	}
	var references []scim.Reference
	seen := map[uuid.UUID]bool{}
	// seen bounds the walk: groups may hold each other in a circle.
	for kind := "direct"; len(level) > 0; kind = "indirect" {
		var above []uuid.UUID
		start := len(references)
		for _, id := range level {
			group := x.groups.get(id)
			if group == nil || seen[id] {
				continue
			}
			seen[id] = true
			references = append(references, scim.Reference{Value: group.Frozen.ID(), Type: kind, Display: group.Name})
			above = append(above, x.parents[id]...)
		}
		slices.SortFunc(references[start:], func(a, b scim.Reference) int { return strings.Compare(a.Value, b.Value) })
		level = above
	}
	return references
}

// ParentsOf returns the ids of the groups that list the id as a member.
func (x *Index) ParentsOf(id uuid.UUID) []uuid.UUID {
	x.mu.RLock()
	defer x.mu.RUnlock()
	parents := slices.Clone(x.parents[id])
	slices.SortFunc(parents, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(parents)
}

// KindOf returns MemberUser or MemberGroup for an id that SCIM knows.
func (x *Index) KindOf(id uuid.UUID) (kind string, known bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.users.get(id) != nil {
		return store.MemberUser, true
	}
	return store.MemberGroup, x.groups.get(id) != nil
}

// SlicesOf returns the slices of a group, in order.
func (x *Index) SlicesOf(group uuid.UUID) []*Slice {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return slices.Clone(x.slices[group])
}

// HasSlices reports whether any slice is of the group.
func (x *Index) HasSlices(group uuid.UUID) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.slices[group]) > 0
}

// Unmarked returns the ids of the groups that have slices, although they do not say so.
func (x *Index) Unmarked() (ids []uuid.UUID) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for id, of := range x.slices {
		if e := x.groups.get(id); e != nil && len(of) > 0 && !e.Group.Sliced {
			ids = append(ids, id)
		}
	}
	return ids
}

// Complete sets the groups of a user to what they are now.
func (x *Index) Complete(user *scim.Resource) {
	id, err := uuid.Parse(user.ID())
	if err != nil {
		return
	}
	x.mu.RLock()
	references := x.groupsOf(id)
	x.mu.RUnlock()
	user.SetDerived(references)
}
