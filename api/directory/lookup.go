package directory

import (
	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// User returns the user with the id; nil for none. What lookups return is not to be changed.
func (d *Directory) User(id string) *scimv1alpha1.ScimUser {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.content.users[id]
}

// UserByName returns the user with the userName, in any case; nil for none.
func (d *Directory) UserByName(userName string) *scimv1alpha1.ScimUser {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.content.users[d.content.names[Fold(userName)]]
}

// UsersByEmail returns the users who have the e-mail address, in any case.
func (d *Directory) UsersByEmail(address string) []*scimv1alpha1.ScimUser {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var found []*scimv1alpha1.ScimUser
	for id := range d.content.emails[Fold(address)] {
		found = append(found, d.content.users[id])
	}
	return found
}

// Group returns the group with the id; nil for none.
func (d *Directory) Group(id string) *Group {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.content.group(id)
}

// GroupByName returns the group with the displayName, in any case; nil for none.
func (d *Directory) GroupByName(displayName string) *Group {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.content.group(d.content.titles[Fold(displayName)])
}

// Members returns the users in a group, active or not, without those of groups in it.
func (d *Directory) Members(groupID string) []*scimv1alpha1.ScimUser {
	d.mu.RLock()
	defer d.mu.RUnlock()
	group := d.content.group(groupID)
	if group == nil {
		return nil
	}
	var found []*scimv1alpha1.ScimUser
	for _, id := range group.Members {
		if user := d.content.users[id]; user != nil {
			found = append(found, user)
		}
	}
	return found
}
