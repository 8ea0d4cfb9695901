package erase

import (
	"context"
	"fmt"
	"strconv"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/directory"
)

const (
	// pageSize is how many Leases are read at a time.
	pageSize = 500
	// mostEvents is how many events are counted.
	mostEvents = 500
	// hidden stands for a number that may not be seen.
	hidden = -1
)

// Place is where something of a user can be.
type Place struct {
	Place string `json:"place"`
	// Found is what is there.
	Found string `json:"found"`
	// Becomes is what becomes of it; empty where nothing is there.
	Becomes string `json:"becomes,omitempty"`
}

// found is what there is of a user.
type found struct {
	user *scimv1alpha1.ScimUser
	// groups is how many groups list the user, claims how many Leases name it as their holder, and
	// events how many are about it; hidden where that may not be seen.
	groups, claims, events int
}

func gather(ctx context.Context, c client.Client, user *scimv1alpha1.ScimUser) (*found, error) {
	f := &found{user: user}
	var err error
	if f.groups, err = directory.GroupsOf(ctx, c, user); err != nil {
		return nil, err
	}
	if f.claims, err = countClaims(ctx, c, user); err != nil {
		return nil, err
	}
	f.events, err = countEvents(ctx, c, user)
	return f, err
}

func countClaims(ctx context.Context, c client.Client, user *scimv1alpha1.ScimUser) (int, error) {
	count := 0
	claims := client.MatchingLabels{scimv1alpha1.LabelLease: scimv1alpha1.LeaseClaim}
	for next := ""; ; {
		list := &coordinationv1.LeaseList{}
		err := c.List(ctx, list, client.InNamespace(user.Namespace), claims, client.Limit(pageSize), client.Continue(next))
		if apierrors.IsForbidden(err) {
			return hidden, nil
		}
		if err != nil {
			return 0, command.Failed("listing the claims of names", "", err)
		}
		for i := range list.Items {
			if ptr.Deref(list.Items[i].Spec.HolderIdentity, "") == user.Name {
				count++
			}
		}
		if next = list.Continue; next == "" {
			return count, nil
		}
	}
}

func countEvents(ctx context.Context, c client.Client, user *scimv1alpha1.ScimUser) (int, error) {
	list := &corev1.EventList{}
	ofUser := client.MatchingFields{"involvedObject.kind": "ScimUser", "involvedObject.name": user.Name}
	err := c.List(ctx, list, client.InNamespace(user.Namespace), ofUser, client.Limit(mostEvents))
	if apierrors.IsForbidden(err) {
		return hidden, nil
	}
	return len(list.Items), command.Failed("listing the events of the user", "", err)
}

// counted writes a number of things.
func counted(number int, noun string) string {
	switch number {
	case hidden:
		return "you may not see"
	case 0:
		return "none"
	case 1:
		return "1 " + noun
	default:
		return strconv.Itoa(number) + " " + noun + "s"
	}
}

// ifAny is what becomes of things, if there are any.
func ifAny(number int, becomes string) string {
	if number == 0 {
		return ""
	}
	return becomes
}

// places says what becomes of all that there is, once the user is deleted for good.
func (f *found) places(deleted bool) []Place {
	object, what := "--yes deletes it", "ScimUser"
	switch {
	case command.IsMarker(f.user):
		what = "a marker, which stands for nobody: ScimUser"
		if object = "it has the id and times, and nothing else; the server deletes it after spec.tombstoneDays of the tenant, and --yes does now"; deleted {
			object = "it is deleted; a program that was away since before it was made does not learn of the deletion by it"
		}
	case deleted:
		object = "it is deleted"
	case f.user.Spec.Meta.DeletedTime.IsZero():
		object = "it stays: the identity provider has not deleted the user, which comes first"
	}
	return []Place{
		{"the object", fmt.Sprintf("%s %s of the tenant %s", what, f.user.Name, f.user.Spec.TenantRef.Name), object},
		{"memberships", counted(f.groups, "group"), ifAny(f.groups, "they have the id alone; the server takes it out, within minutes of the deletion by the identity provider")},
		{"claims of names", counted(f.claims, "Lease"), ifAny(f.claims, "they have the id, and a hash of the user name; the server deletes them within a day, or when somebody else takes the name")},
		{"events", counted(f.events, "event"), ifAny(f.events, "they have the id alone, and end by themselves, after an hour by default")},
		{"logs of servers", "not looked at", "they have ids, and no names, addresses or other values"},
		{"etcd", "not looked at", "versions of before remain until etcd is compacted, every five minutes by default, and in its snapshots"},
		{"audit log of the API server", "not looked at", "it remains, where the cluster's audit policy records bodies of ScimUsers"},
		{"backups and exports", "not looked at", "what was saved before remains there, until you delete it"},
	}
}
