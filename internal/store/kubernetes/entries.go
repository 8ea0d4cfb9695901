package kubernetes

import (
	"fmt"

	"github.com/google/uuid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
)

// byID removes an object whose name is an id.
func (c *Cache) byID(remove func(uuid.UUID)) func(string) {
	return func(name string) {
		if id, err := idOf(name); err == nil {
			remove(id)
		}
	}
}

func (c *Cache) putUser(t *scim.ResourceType, object client.Object) error {
	id, err := idOf(object.GetName())
	if err != nil {
		return err
	}
	read, err := decode(c.tenant.Name, t, object)
	switch {
	case err != nil:
		return err
	case read.known():
		c.index.PutUser(userEntry(id, read))
	case read.kept():
		c.index.PutKept(keptEntry(id, read))
	default:
		c.index.RemoveUser(id)
	}
	return nil
}

// keptEntry is what is kept of what SCIM does not know any more.
func keptEntry(id uuid.UUID, read *record) index.Kept {
	_, released := read.object.GetAnnotations()[annotationReleased]
	t := read.resource.Type()
	return index.Kept{
		ID: id, Group: store.IsGroup(t), Name: store.NameOf(read.resource),
		Deleted: metaOf(read.object).DeletedTime.Time, Released: released, Marker: isMarker(read.object),
		Bytes: bytesOf(read.object, store.SizeOf(read.resource), 0),
	}
}

// userEntry is what is kept of a user.
func userEntry(id uuid.UUID, read *record) *index.Entry {
	user := read.resource
	frozen := user.Freeze()
	e := &index.Entry{
		ID: id, Frozen: *frozen, Revision: revisionOf(read.object),
		Name:       scim.Shared(frozen.Text(), user.UserName()),
		ExternalID: scim.Shared(frozen.Text(), user.ExternalID()),
		Active:     store.TakesSeat(user),
		Bytes:      bytesOf(read.object, len(frozen.Text()), 0),
	}
	emails, _ := user.Attributes()["emails"].([]any)
	for _, email := range emails {
		complex, _ := email.(scim.Complex)
		if address, _ := complex["value"].(string); address != "" {
			e.Emails = append(e.Emails, scim.Shared(frozen.Text(), address))
		}
	}
	return e
}

func (c *Cache) putGroup(t *scim.ResourceType, object client.Object) error {
	id, err := idOf(object.GetName())
	if err != nil {
		return err
	}
	read, err := decodeWithoutMembers(c.tenant.Name, t, object)
	if err != nil {
		return err
	}
	switch {
	case read.kept():
		c.index.PutKept(keptEntry(id, read))
		return nil
	case !read.known():
		c.index.RemoveGroup(id)
		return nil
	}
	group, isGroup := object.(*v1alpha1.ScimGroup)
	if !isGroup {
		return fmt.Errorf("%T is no ScimGroup", object)
	}
	c.index.PutGroup(groupEntry(id, read, group))
	return nil
}

func groupEntry(id uuid.UUID, read *record, group *v1alpha1.ScimGroup) *index.Entry {
	frozen := read.resource.Freeze()
	return &index.Entry{
		ID: id, Frozen: *frozen, Revision: revisionOf(group),
		Name:       scim.Shared(frozen.Text(), read.resource.DisplayName()),
		ExternalID: scim.Shared(frozen.Text(), read.resource.ExternalID()),
		Bytes:      bytesOf(group, len(frozen.Text()), len(group.Spec.Members)+len(group.Spec.MemberGroups)),
		Group: &index.Group{
			Generation: group.GetGeneration(),
			Sliced:     isSliced(group),
			Members:    membersOf(group.Spec.Members, group.Spec.MemberGroups),
		},
	}
}

func (c *Cache) putSlice(object client.Object) error {
	slice, isSlice := object.(*v1alpha1.ScimGroupMembers)
	if !isSlice {
		return fmt.Errorf("%T is no ScimGroupMembers", object)
	}
	if slice.Spec.TenantRef.Name != c.tenant.Name || slice.GetDeletionTimestamp() != nil {
		c.index.RemoveSlice(slice.GetName())
		return nil
	}
	group, err := idOf(slice.Spec.GroupRef.Name)
	if err != nil {
		return err
	}
	c.index.PutSlice(sliceEntry(group, slice))
	return nil
}

func sliceEntry(group uuid.UUID, slice *v1alpha1.ScimGroupMembers) *index.Slice {
	return &index.Slice{
		Name: slice.GetName(), Group: group, Revision: revisionOf(slice), Generation: slice.GetGeneration(),
		Created: slice.Spec.Meta.CreatedTime.UTC(), Modified: slice.Spec.Meta.LastModifiedTime.UTC(),
		Members: membersOf(slice.Spec.Members, slice.Spec.MemberGroups),
		Bytes:   bytesOf(slice, 0, len(slice.Spec.Members)+len(slice.Spec.MemberGroups)),
	}
}

// bytesOf is about how much an object takes in etcd, whose own content has so many bytes
// of JSON and so many members.
func bytesOf(object client.Object, content, members int) int32 {
	bytes := store.ObjectOverhead + content + members*store.MemberSize
	for key, value := range object.GetAnnotations() {
		bytes += len(key) + len(value)
	}
	return int32(bytes)
}

// membersOf returns the members that two lists of ids name.
func membersOf(users, groups []v1alpha1.MemberID) []index.Member {
	members := make([]index.Member, 0, len(users)+len(groups))
	for i, ids := range [][]v1alpha1.MemberID{users, groups} {
		for _, text := range ids {
			// What is no id was not written by a server, and is nobody's.
			if id, err := idOf(string(text)); err == nil {
				members = append(members, index.Member{ID: id, Group: i == 1})
			}
		}
	}
	return members
}

// memberKind is the SCIM type of a member.
func memberKind(m index.Member) string {
	if m.Group {
		return store.MemberGroup
	}
	return store.MemberUser
}

// kindsOf returns the kinds of those ids that SCIM knows.
func kindsOf(x *index.Index, ids []string) map[string]string {
	kinds := make(map[string]string, len(ids))
	for _, text := range ids {
		id, err := idOf(text)
		if err != nil {
			continue
		}
		if kind, known := x.KindOf(id); known {
			kinds[text] = kind
		}
	}
	return kinds
}
