package objects

import (
	"context"
	"errors"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// Presence is what the API server has under an id. It is the evidence that anything is
// taken away on: what memory shows is none, since it may be behind, or leave out an
// object that it cannot read.
type Presence int

const (
	// Absent is what has no object. It may have been deleted by hand, or come yet: from
	// a backup, or from a process that is slow.
	Absent Presence = iota
	// Deleted is what a request has deleted: it is kept, or a marker stands for it.
	Deleted
	// Present is everything else that has an object.
	Present
)

// Presence returns the presence of a user or group.
func (r *Reader) Presence(ctx context.Context, id string) (Presence, error) {
	found := Absent
	for _, memberType := range []string{store.MemberUser, store.MemberGroup} {
		object := &metav1.PartialObjectMetadata{}
		object.SetGroupVersionKind(scimv1alpha1.GroupVersion.WithKind("Scim" + memberType))
		err := r.Client.Get(ctx, client.ObjectKey{Namespace: r.Tenant.Namespace, Name: id}, object)
		switch {
		case apierrors.IsNotFound(err):
			continue
		case err != nil:
			return Present, failure.Wrap(err, "looking up whether %s exists", id)
		}
		r.Cache.Acknowledge(codec.KindOfMember(memberType), object)
		if object.GetLabels()[scimv1alpha1.LabelDeleted] == "" {
			return Present, nil
		}
		found = Deleted
	}
	return found, nil
}

// IsDeleted is the evidence of requests: somebody has deleted the member.
func IsDeleted(is Presence) bool { return is == Deleted }

// IsGone is the evidence of the upkeep for what has been absent for long.
func IsGone(is Presence) bool { return is != Present }

// ErrPresent says that a member is not to be taken out of a group after all.
var ErrPresent = errors.New("the member exists")
