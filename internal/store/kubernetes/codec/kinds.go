package codec

import (
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
)

// KindOf is the kind of the objects that hold resources of the type.
func KindOf(t *schema.ResourceType) readindex.Kind {
	if store.IsGroup(t) {
		return readindex.Groups
	}
	return readindex.Users
}

// KindOfMember is the kind of the objects that hold members of a type.
func KindOfMember(memberType string) readindex.Kind {
	if memberType == store.MemberGroup {
		return readindex.Groups
	}
	return readindex.Users
}

// KindOfObject is the kind of an object, if a cache holds such.
func KindOfObject(object client.Object) (kind readindex.Kind, is bool) {
	switch object.(type) {
	case *scimv1alpha1.ScimUser:
		return readindex.Users, true
	case *scimv1alpha1.ScimGroup:
		return readindex.Groups, true
	case *scimv1alpha1.ScimGroupMembers:
		return readindex.GroupMembers, true
	default:
		return 0, false
	}
}

// NewObjectOf returns an empty object of a kind.
func NewObjectOf(kind readindex.Kind) client.Object {
	switch kind {
	case readindex.Groups:
		return &scimv1alpha1.ScimGroup{}
	case readindex.GroupMembers:
		return &scimv1alpha1.ScimGroupMembers{}
	default:
		return &scimv1alpha1.ScimUser{}
	}
}

// NewObject returns an empty object of the resource type's kind.
func NewObject(t *schema.ResourceType) client.Object { return NewObjectOf(KindOf(t)) }

// NewList returns an empty list of a kind.
func NewList(kind readindex.Kind) client.ObjectList {
	switch kind {
	case readindex.Groups:
		return &scimv1alpha1.ScimGroupList{}
	case readindex.GroupMembers:
		return &scimv1alpha1.ScimGroupMembersList{}
	default:
		return &scimv1alpha1.ScimUserList{}
	}
}

// ItemsOf returns the items of a list as objects.
func ItemsOf(list client.ObjectList) []client.Object {
	switch l := list.(type) {
	case *scimv1alpha1.ScimGroupList:
		return pointers[*scimv1alpha1.ScimGroup](l.Items)
	case *scimv1alpha1.ScimGroupMembersList:
		return pointers[*scimv1alpha1.ScimGroupMembers](l.Items)
	case *scimv1alpha1.ScimUserList:
		return pointers[*scimv1alpha1.ScimUser](l.Items)
	default:
		return nil
	}
}

func pointers[P interface {
	client.Object
	*T
}, T any](items []T) []client.Object {
	objects := make([]client.Object, len(items))
	for i := range items {
		objects[i] = P(&items[i])
	}
	return objects
}
