package directory

import (
	"maps"
	"slices"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Group is a group with all of its members, however many objects they are in.
type Group struct {
	ID, DisplayName, ExternalID string
	// Members are the ids of users, and MemberGroups those of groups, in order. There may be ids that nobody has: look
	// them up.
	Members, MemberGroups []string
}

// equal reports whether two groups are the same.
func (g *Group) equal(other *Group) bool {
	return g.ID == other.ID && g.DisplayName == other.DisplayName && g.ExternalID == other.ExternalID &&
		slices.Equal(g.Members, other.Members) && slices.Equal(g.MemberGroups, other.MemberGroups)
}

// set is ids.
type set map[string]struct{}

// content is what there is of a tenant. Whoever uses it holds the lock of the directory.
type content struct {
	users  map[string]*scimv1alpha1.ScimUser
	names  map[string]string // ids by the folded userName
	emails map[string]set    // ids by the folded address
	groups map[string]*scimv1alpha1.ScimGroup
	titles map[string]string // ids by the folded displayName
	// slices are the ScimGroupMembers of a group, by its id and by their names; sliceOf is the group of each.
	slices  map[string]map[string]*scimv1alpha1.ScimGroupMembers
	sliceOf map[string]string
	// markers are the ids of those that stand for nobody.
	markers [kinds]set
}

func newContent() content {
	return content{
		users: map[string]*scimv1alpha1.ScimUser{}, names: map[string]string{}, emails: map[string]set{},
		groups: map[string]*scimv1alpha1.ScimGroup{}, titles: map[string]string{},
		slices: map[string]map[string]*scimv1alpha1.ScimGroupMembers{}, sliceOf: map[string]string{},
		markers: [kinds]set{{}, {}, {}},
	}
}

// put adds an object in place of what it was.
func (c *content) put(kind kind, o object) {
	id := o.GetName()
	c.remove(kind, id)
	if isMarker(o) {
		c.markers[kind][id] = struct{}{}
	}
	if !exists(o) {
		return
	}
	switch o := o.(type) {
	case *scimv1alpha1.ScimUser:
		c.users[id], c.names[Fold(o.Spec.UserName)] = o, id
		for address := range addresses(o) {
			if c.emails[address] == nil {
				c.emails[address] = set{}
			}
			c.emails[address][id] = struct{}{}
		}
	case *scimv1alpha1.ScimGroup:
		c.groups[id], c.titles[Fold(o.Spec.DisplayName)] = o, id
	case *scimv1alpha1.ScimGroupMembers:
		group := o.Spec.GroupRef.Name
		if c.slices[group] == nil {
			c.slices[group] = map[string]*scimv1alpha1.ScimGroupMembers{}
		}
		c.slices[group][id], c.sliceOf[id] = o, group
	}
}

// remove takes out an object.
func (c *content) remove(kind kind, id string) {
	delete(c.markers[kind], id)
	switch kind {
	case users:
		former := c.users[id]
		if former == nil {
			return
		}
		delete(c.users, id)
		forget(c.names, Fold(former.Spec.UserName), id)
		for address := range addresses(former) {
			delete(c.emails[address], id)
			if len(c.emails[address]) == 0 {
				delete(c.emails, address)
			}
		}
	case groups:
		if former := c.groups[id]; former != nil {
			delete(c.groups, id)
			forget(c.titles, Fold(former.Spec.DisplayName), id)
		}
	case members:
		group := c.sliceOf[id]
		delete(c.sliceOf, id)
		delete(c.slices[group], id)
		if len(c.slices[group]) == 0 {
			delete(c.slices, group)
		}
	}
}

// differs reports whether an object is another one than what is there of it.
func (c *content) differs(kind kind, o object) bool {
	var there object
	switch kind {
	case users:
		if user := c.users[o.GetName()]; user != nil {
			there = user
		}
	case groups:
		if group := c.groups[o.GetName()]; group != nil {
			there = group
		}
	case members:
		if slice := c.slices[c.sliceOf[o.GetName()]][o.GetName()]; slice != nil {
			there = slice
		}
	}
	if there == nil || !exists(o) {
		return (there == nil) == exists(o)
	}
	return there.GetResourceVersion() != o.GetResourceVersion()
}

// forget removes a name that is still that of the id: another one may have it by now.
func forget(ids map[string]string, name, id string) {
	if ids[name] == id {
		delete(ids, name)
	}
}

// names of a kind are those of all its objects that are there.
func (c *content) namesOf(kind kind) []string {
	var names []string
	switch kind {
	case users:
		names = slices.Collect(maps.Keys(c.users))
	case groups:
		names = slices.Collect(maps.Keys(c.groups))
	case members:
		names = slices.Collect(maps.Keys(c.sliceOf))
	}
	return names
}

// addresses are the folded e-mail addresses of a user.
func addresses(user *scimv1alpha1.ScimUser) set {
	found := set{}
	for _, email := range user.Spec.Emails {
		if email.Value != nil {
			found[Fold(*email.Value)] = struct{}{}
		}
	}
	return found
}

// group returns a group with its members; nil for none.
func (c *content) group(id string) *Group {
	o := c.groups[id]
	if o == nil {
		return nil
	}
	in, inGroups := set{}, set{}
	add := func(to set, ids []scimv1alpha1.MemberID) {
		for _, id := range ids {
			to[string(id)] = struct{}{}
		}
	}
	add(in, o.Spec.Members)
	add(inGroups, o.Spec.MemberGroups)
	for _, slice := range c.slices[id] {
		add(in, slice.Spec.Members)
		add(inGroups, slice.Spec.MemberGroups)
	}
	return &Group{
		ID: id, DisplayName: o.Spec.DisplayName, ExternalID: o.Spec.ExternalID,
		Members: slices.Sorted(maps.Keys(in)), MemberGroups: slices.Sorted(maps.Keys(inGroups)),
	}
}

// ids are those of all users and groups.
func (c *content) ids() IDs {
	return IDs{Users: slices.Sorted(maps.Keys(c.users)), Groups: slices.Sorted(maps.Keys(c.groups))}
}
