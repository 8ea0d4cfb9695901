package cache

import (
	"fmt"

	"github.com/google/uuid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

// byID removes an object whose name is an id.
func (c *Cache) byID(remove func(uuid.UUID)) func(string) {
	return func(name string) {
		if id, err := codec.ParseID(name); err == nil {
			remove(id)
		}
	}
}

func (c *Cache) putUser(t *scim.ResourceType, object client.Object) error {
	id, err := codec.ParseID(object.GetName())
	if err != nil {
		return err
	}
	read, err := codec.Decode(c.tenant.Name, t, object)
	switch {
	case err != nil:
		return err
	case read.Known():
		c.index.PutUser(userEntry(id, read))
	case read.Kept():
		c.index.PutKept(keptEntry(id, read))
	default:
		c.index.RemoveUser(id)
	}
	return nil
}

// keptEntry is what is kept of what SCIM does not know any more.
func keptEntry(id uuid.UUID, read *codec.Record) index.Kept {
	_, released := read.Object.GetAnnotations()[codec.AnnotationReleased]
	t := read.Resource.Type()
	return index.Kept{
		ID: id, Group: store.IsGroup(t), Name: store.NameOf(read.Resource),
		Deleted: codec.MetaOf(read.Object).DeletedTime.Time, Released: released, Marker: codec.IsMarker(read.Object),
		Bytes: codec.BytesOf(read.Object, store.SizeOf(read.Resource), 0),
	}
}

// userEntry is what is kept of a user.
func userEntry(id uuid.UUID, read *codec.Record) *index.Entry {
	user := read.Resource
	frozen := user.Freeze()
	e := &index.Entry{
		ID: id, Frozen: *frozen, Revision: codec.RevisionOf(read.Object),
		Name:       scim.Shared(frozen.Text(), user.UserName()),
		ExternalID: scim.Shared(frozen.Text(), user.ExternalID()),
		Active:     store.TakesSeat(user),
		Bytes:      codec.BytesOf(read.Object, len(frozen.Text()), 0),
	}
	emails, _ := user.Attributes()["emails"].([]any)
	for _, email := range emails {
		fields, _ := email.(scim.Complex)
		if address, _ := fields["value"].(string); address != "" {
			e.Emails = append(e.Emails, scim.Shared(frozen.Text(), address))
		}
	}
	return e
}

func (c *Cache) putGroup(t *scim.ResourceType, object client.Object) error {
	id, err := codec.ParseID(object.GetName())
	if err != nil {
		return err
	}
	read, err := codec.DecodeWithoutMembers(c.tenant.Name, t, object)
	if err != nil {
		return err
	}
	switch {
	case read.Kept():
		c.index.PutKept(keptEntry(id, read))
		return nil
	case !read.Known():
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

func groupEntry(id uuid.UUID, read *codec.Record, group *v1alpha1.ScimGroup) *index.Entry {
	frozen := read.Resource.Freeze()
	return &index.Entry{
		ID: id, Frozen: *frozen, Revision: codec.RevisionOf(group),
		Name:       scim.Shared(frozen.Text(), read.Resource.DisplayName()),
		ExternalID: scim.Shared(frozen.Text(), read.Resource.ExternalID()),
		Bytes:      codec.BytesOf(group, len(frozen.Text()), len(group.Spec.Members)+len(group.Spec.MemberGroups)),
		Group: &index.Group{
			Generation: group.GetGeneration(),
			Sliced:     codec.IsSliced(group),
			Members:    codec.MembersOf(group.Spec.Members, group.Spec.MemberGroups),
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
	group, err := codec.ParseID(slice.Spec.GroupRef.Name)
	if err != nil {
		return err
	}
	c.index.PutSlice(codec.SliceEntry(group, slice))
	return nil
}
