package transfer

import (
	"context"
	"crypto/sha256"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/scim/fold"
)

// names are who has which name in a tenant: no two users may have one, and no two groups. A name is kept as a part
// of its hash, so that those of a million users have room.
type names map[[16]byte]string

// add takes note of the name of an object, and fails if another one has it.
func (n names) add(object client.Object) error {
	attribute, name := nameOf(object)
	if name == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(attribute + "\x00" + fold.Key(name)))
	hash := [16]byte(sum[:])
	switch holder, held := n[hash]; {
	case held && holder != object.GetName():
		return fmt.Errorf("%s has the %s that %s has already: no two of a tenant may have one, so rename or delete one of both, or take out this line",
			object.GetName(), attribute, holder)
	default:
		n[hash] = object.GetName()
		return nil
	}
}

// nameOf returns the attribute of an object that is unique in a tenant, and its value; none of one that has none,
// or that was deleted and is kept, whose name is free.
func nameOf(object client.Object) (attribute, name string) {
	switch o := object.(type) {
	case *scimv1alpha1.ScimUser:
		if o.Spec.Meta.DeletedTime.IsZero() {
			return "userName", o.Spec.UserName
		}
	case *scimv1alpha1.ScimGroup:
		if o.Spec.Meta.DeletedTime.IsZero() {
			return "displayName", o.Spec.DisplayName
		}
	}
	return "", ""
}

// gather takes note of the names that a tenant has. Whoever may not list them goes without, and the server says
// afterwards who has a name twice.
func (n names) gather(ctx context.Context, c client.Client, namespace, tenant string) error {
	for _, newList := range []func() client.ObjectList{
		func() client.ObjectList { return &scimv1alpha1.ScimUserList{} },
		func() client.ObjectList { return &scimv1alpha1.ScimGroupList{} },
	} {
		err := eachPage(ctx, c, namespace, tenant, newList, func(list client.ObjectList) error {
			return meta.EachListItem(list, func(item runtime.Object) error {
				_ = n.add(item.(client.Object)) // What is there already is not of the import.
				return nil
			})
		})
		if apierrors.IsForbidden(err) {
			return nil
		}
		if err != nil {
			return command.Failed("listing who has which name", command.RoleUserViewer, err)
		}
	}
	return nil
}

// eachPage reads the objects of a tenant page by page. Each page is a new list: what is decoded into one that was
// used keeps fields of the objects before.
func eachPage(ctx context.Context, c client.Client, namespace, tenant string, newList func() client.ObjectList, each func(client.ObjectList) error) error {
	for next := ""; ; {
		list := newList()
		ofTenant := client.MatchingFields{"spec.tenantRef.name": tenant}
		if err := c.List(ctx, list, client.InNamespace(namespace), ofTenant, client.Limit(pageSize), client.Continue(next)); err != nil {
			return err
		}
		if err := each(list); err != nil {
			return err
		}
		if next = list.GetContinue(); next == "" {
			return nil
		}
	}
}
