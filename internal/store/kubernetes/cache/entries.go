package cache

import (
	"fmt"

	"github.com/google/uuid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim/compact"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

// target is the part of the index that a reflector fills.
type target interface {
	// put puts an object in, or takes it out when nobody is to see it. It reports whether selectors
	// find it by what follows from its content.
	put(object client.Object) (selectable bool, err error)
	// remove takes the object of that name out.
	remove(name string)
	// each calls back for the names of all objects that are in it.
	each(yield func(name string))
}

// users are those of a tenant, as of that type.
type users struct {
	tenant string
	as     *schema.ResourceType
	index  *index.Index
	labels *labelling
}

func (u users) put(object client.Object) (selectable bool, err error) {
	id, err := codec.ParseID(object.GetName())
	if err != nil {
		return false, err
	}
	read, err := codec.Decode(u.tenant, u.as, object)
	switch {
	case err != nil:
		return false, err
	case read.Known():
		entry := userEntry(u.tenant, id, read)
		u.index.PutUser(entry)
		return u.labels.right(entry, read.Resource), nil
	case read.Kept():
		u.index.PutKept(keptEntry(id, read))
		return codec.HasNoSelectors(u.tenant, object), nil
	default:
		u.index.RemoveUser(id)
		return true, nil
	}
}

func (u users) remove(name string) {
	if id, err := codec.ParseID(name); err == nil {
		u.index.RemoveUser(id)
	}
}

func (u users) each(yield func(string)) {
	u.index.EachUser(func(id uuid.UUID) { yield(id.String()) })
}

// hasLabels reports whether an object has the labels that it should have, whatever else is in it.
func hasLabels(tenant string, object client.Object) bool {
	return len(codec.Mislabelled(tenant, object)) == 0
}

// keptEntry is what is kept of what SCIM does not know any more.
func keptEntry(id uuid.UUID, read *codec.Record) index.Kept {
	_, released := read.Object.GetAnnotations()[codec.AnnotationReleased]
	t := read.Resource.Type()
	kept := index.Kept{
		ID: id, Group: store.IsGroup(t), Name: store.NameOf(read.Resource), Revision: codec.RevisionOf(read.Object),
		Deleted: codec.MetaOf(read.Object).DeletedTime.Time, Left: codec.LeftAt(read.Object, false), Released: released, Marker: codec.IsMarker(read.Object),
		Bytes: codec.BytesOf(read.Object, store.SizeOf(read.Resource), 0),
	}
	if kept.Marker {
		kept.Name, kept.Released = "", true
	}
	return kept
}

// userEntry is what is kept of a user.
func userEntry(tenant string, id uuid.UUID, read *codec.Record) *index.Entry {
	user := read.Resource
	form := compact.Of(user)
	e := &index.Entry{
		ID: id, Compact: *form, Revision: codec.RevisionOf(read.Object),
		Name:       compact.Shared(form.Text(), user.UserName()),
		ExternalID: compact.Shared(form.Text(), user.ExternalID()),
		Active:     store.TakesSeat(user),
		Left:       codec.LeftAt(read.Object, store.TakesSeat(user)),
		Bytes:      codec.BytesOf(read.Object, len(form.Text()), 0),
		Labels:     codec.SelectorDigest(tenant, read.Object),
	}
	for _, address := range user.Emails() {
		e.Emails = append(e.Emails, compact.Shared(form.Text(), address))
	}
	return e
}

// groups are those of a tenant, as of that type, with the members in their own objects.
type groups struct {
	tenant string
	as     *schema.ResourceType
	index  *index.Index
}

func (g groups) put(object client.Object) (selectable bool, err error) {
	id, err := codec.ParseID(object.GetName())
	if err != nil {
		return false, err
	}
	read, err := codec.DecodeWithoutMembers(g.tenant, g.as, object)
	if err != nil {
		return false, err
	}
	switch {
	case read.Kept():
		g.index.PutKept(keptEntry(id, read))
		return hasLabels(g.tenant, object), nil
	case !read.Known():
		g.index.RemoveGroup(id)
		return true, nil
	}
	group, isGroup := object.(*scimv1alpha1.ScimGroup)
	if !isGroup {
		return false, fmt.Errorf("%T is no ScimGroup", object)
	}
	g.index.PutGroup(groupEntry(id, read, group))
	return hasLabels(g.tenant, object), nil
}

func (g groups) remove(name string) {
	if id, err := codec.ParseID(name); err == nil {
		g.index.RemoveGroup(id)
	}
}

func (g groups) each(yield func(string)) {
	g.index.EachGroup(func(id uuid.UUID) { yield(id.String()) })
}

// groupEntry is what is kept of a group.
func groupEntry(id uuid.UUID, read *codec.Record, group *scimv1alpha1.ScimGroup) *index.Entry {
	form := compact.Of(read.Resource)
	return &index.Entry{
		ID: id, Compact: *form, Revision: codec.RevisionOf(group),
		Name:       compact.Shared(form.Text(), read.Resource.DisplayName()),
		ExternalID: compact.Shared(form.Text(), read.Resource.ExternalID()),
		Bytes:      codec.BytesOf(group, len(form.Text()), len(group.Spec.Members)+len(group.Spec.MemberGroups)),
		Group: &index.Group{
			Generation: group.GetGeneration(),
			Tag:        codec.TagOf(group),
			Sliced:     codec.IsSliced(group),
			Members:    codec.MembersOf(group.Spec.Members, group.Spec.MemberGroups),
		},
	}
}

// groupMembers are those beyond one object of a group.
type groupMembers struct {
	tenant string
	index  *index.Index
}

func (m groupMembers) put(object client.Object) (selectable bool, err error) {
	slice, isSlice := object.(*scimv1alpha1.ScimGroupMembers)
	if !isSlice {
		return false, fmt.Errorf("%T is no ScimGroupMembers", object)
	}
	if slice.Spec.TenantRef.Name != m.tenant || slice.GetDeletionTimestamp() != nil {
		m.index.RemoveSlice(slice.GetName())
		return true, nil
	}
	group, err := codec.ParseID(slice.Spec.GroupRef.Name)
	if err != nil {
		return false, err
	}
	m.index.PutSlice(codec.SliceEntry(group, slice))
	return hasLabels(m.tenant, object), nil
}

func (m groupMembers) remove(name string) { m.index.RemoveSlice(name) }

func (m groupMembers) each(yield func(string)) { m.index.EachSlice(yield) }
