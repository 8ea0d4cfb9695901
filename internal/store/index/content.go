package index

import (
	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/scim/compact"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
)

// content is what is in an index. Whoever uses it holds the index's lock.
type content struct {
	users   collection
	groups  collection
	kept    keptSet
	members memberships
	// latest are the highest revisions that were put in.
	latest Position
}

func newContent() content {
	return content{users: newCollection(), groups: newCollection(), kept: newKeptSet(), members: newMemberships()}
}

// of is the collection of a resource type.
func (c *content) of(t *schema.ResourceType) *collection {
	if store.IsGroup(t) {
		return &c.groups
	}
	return &c.users
}

// note takes note of the revision of an object that is put in.
func (c *content) note(kind Kind, revision uint64) { c.latest[kind] = max(c.latest[kind], revision) }

// exists reports whether a user or group that SCIM knows has the id.
func (c *content) exists(id uuid.UUID) bool { return c.users.get(id) != nil || c.groups.get(id) != nil }

// each calls back for the ids of all groups, or else of all users, kept ones too.
func (c *content) each(groups bool, yield func(id uuid.UUID)) {
	among := &c.users
	if groups {
		among = &c.groups
	}
	for e := range among.all() {
		yield(e.ID)
	}
	c.kept.each(groups, func(k Kept) { yield(k.ID) })
}

func (c *content) removeUser(id uuid.UUID) {
	c.users.remove(id)
	c.kept.remove(id)
}

// putGroup adds a group that is not there.
func (c *content) putGroup(e *Entry) {
	c.complete(e)
	c.groups.put(e)
	c.members.list(e.ID, e.Group.Members)
}

func (c *content) removeGroup(id uuid.UUID) {
	if former := c.groups.remove(id); former != nil {
		c.members.unlist(id, former.Group.Members)
	}
	c.kept.remove(id)
}

// refresh takes a group anew after its slices have changed. Readers may still have
// the entry, so that another one takes its place.
func (c *content) refresh(group uuid.UUID) {
	former := c.groups.remove(group)
	if former == nil {
		return
	}
	e, g := *former, *former.Group
	e.Group = &g
	c.complete(&e)
	c.groups.put(&e)
}

// complete gives an entry that is not in the index yet the meta of all of its group.
func (c *content) complete(e *Entry) {
	e.Group.whole = nil
	of := c.members.slices[e.ID]
	if len(of) == 0 {
		return
	}
	resource := e.Compact.Expand(nil)
	resource.SetMeta(MetaWithSlices(e.Compact.Meta(), e.Group.Generation, of))
	e.Group.whole = compact.Of(resource)
}
