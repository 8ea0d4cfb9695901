package codec

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/userlabels"
)

// IsSliced reports whether the group is marked.
func IsSliced(group *scimv1alpha1.ScimGroup) bool {
	return group.GetLabels()[scimv1alpha1.LabelSliced] != ""
}

// MarkSliced marks a group as one that may have slices.
func MarkSliced(object client.Object) {
	labels := object.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[scimv1alpha1.LabelSliced] = "true"
	object.SetLabels(labels)
}

// annotationMadeEmpty is on a slice that listed nobody when it was made: for a client, nothing has changed by that.
const annotationMadeEmpty = "scim.kubescim.dev/made-empty"

// MarkMadeEmpty marks a slice that is about to be made and lists nobody.
func MarkMadeEmpty(slice client.Object, by Writer) { Annotate(slice, annotationMadeEmpty, by) }

// ChangesOf is how many changes of a group's members were made in a slice.
func ChangesOf(slice client.Object) int64 {
	changes := slice.GetGeneration()
	if wasMadeEmpty(slice) && changes > 0 {
		changes--
	}
	return changes
}

// IsUntouched reports whether a slice that listed nobody when it was made never listed others.
func IsUntouched(slice client.Object) bool { return wasMadeEmpty(slice) && ChangesOf(slice) == 0 }

func wasMadeEmpty(slice client.Object) bool {
	_, empty := slice.GetAnnotations()[annotationMadeEmpty]
	return empty
}

// SliceEntry is what memory keeps of a slice of a group. One that is untouched was never modified.
func SliceEntry(group uuid.UUID, slice *scimv1alpha1.ScimGroupMembers) *index.Slice {
	place, members := PlaceOf(slice), MembersOf(slice.Spec.Members, slice.Spec.MemberGroups)
	entry := &index.Slice{
		Name: slice.GetName(), Group: group, Place: place, Revision: RevisionOf(slice), Generation: ChangesOf(slice),
		Created: slice.Spec.Meta.CreatedTime.UTC(), Modified: slice.Spec.Meta.LastModifiedTime.UTC(),
		Members: members,
		Strays:  slices.ContainsFunc(members, func(m index.Member) bool { return !place.Covers(m.ID) }),
		Bytes:   BytesOf(slice, 0, len(slice.Spec.Members)+len(slice.Spec.MemberGroups)),
	}
	if IsUntouched(slice) {
		entry.Modified = time.Time{}
	}
	return entry
}

// BytesOf is about how much an object takes in etcd, whose own content has so many bytes
// of JSON and so many members.
func BytesOf(object client.Object, content, members int) int32 {
	bytes := store.ObjectOverhead + content + members*store.MemberSize
	for key, value := range object.GetAnnotations() {
		bytes += len(key) + len(value)
	}
	for key, value := range object.GetLabels() {
		if !userlabels.Reserved(key) { // The server's own are part of what every object has.
			bytes += len(key) + len(value)
		}
	}
	return int32(bytes)
}

// MembersOf returns the members that two lists of ids name.
func MembersOf(users, groups []scimv1alpha1.MemberID) []index.Member {
	members := make([]index.Member, 0, len(users)+len(groups))
	for i, ids := range [][]scimv1alpha1.MemberID{users, groups} {
		for _, text := range ids {
			// What is no id was not written by a server, and is nobody's.
			if id, err := ParseID(string(text)); err == nil {
				members = append(members, index.Member{ID: id, Group: i == 1})
			}
		}
	}
	return members
}

// MemberType is the SCIM type of a member.
func MemberType(m index.Member) string {
	if m.Group {
		return store.MemberGroup
	}
	return store.MemberUser
}

// Distinct returns the members, each once.
func Distinct(members []index.Member) []index.Member {
	seen := make(map[uuid.UUID]struct{}, len(members))
	return slices.DeleteFunc(members, func(m index.Member) bool {
		_, again := seen[m.ID]
		seen[m.ID] = struct{}{}
		return again
	})
}

// MemberLists is the reverse of MembersOf.
func MemberLists(members []index.Member) (users, groups []scimv1alpha1.MemberID) {
	for _, m := range members {
		if id := scimv1alpha1.MemberID(m.ID.String()); m.Group {
			groups = append(groups, id)
		} else {
			users = append(users, id)
		}
	}
	return users, groups
}

// MembersOfResource returns the settled members of a group.
func MembersOfResource(group *scim.Resource) []index.Member {
	types := store.MemberTypes(group)
	var members []index.Member
	for _, text := range group.Members().IDs() {
		if id, err := ParseID(text); err == nil {
			members = append(members, index.Member{ID: id, Group: types[text] == store.MemberGroup})
		}
	}
	return members
}

// decodeMembers returns the members that the spec holds.
func decodeMembers(spec *scimv1alpha1.ScimGroupSpec) scim.Members {
	members := scim.MakeMembers(len(spec.Members) + len(spec.MemberGroups))
	for _, id := range spec.Members {
		members.Add(store.Member(string(id), store.MemberUser))
	}
	for _, id := range spec.MemberGroups {
		members.Add(store.Member(string(id), store.MemberGroup))
	}
	return members
}
