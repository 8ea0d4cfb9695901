package slice

import (
	"context"
	"slices"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

// Gather moves the strays in one of the group's slices, as they were, to their places. In
// between, a member is listed twice. For a client nothing has changed, but for the version.
func (w *Writer) Gather(ctx context.Context, from *index.Slice, there []*index.Slice) error {
	var members []index.Member
	for _, m := range from.Members {
		if from.Place.Tag != w.Tag || !from.Place.Covers(m.ID) {
			members = append(members, m)
		}
	}
	listed := func(ctx context.Context) ([]index.Member, error) {
		var now []index.Member
		err := w.swap(ctx, from.Name, func(slice *scimv1alpha1.ScimGroupMembers) (write, error) {
			now = codec.MembersOf(slice.Spec.Members, slice.Spec.MemberGroups)
			return write{}, nil
		})
		return now, err
	}
	modified := metav1.NewMicroTime(from.Modified)
	if err := w.Copy(ctx, members, modified, there, listed); err != nil {
		return err
	}
	return w.swap(ctx, from.Name, func(slice *scimv1alpha1.ScimGroupMembers) (write, error) {
		place := codec.PlaceOf(slice)
		return without(slice, func(id uuid.UUID) bool {
			moved := slices.ContainsFunc(members, func(m index.Member) bool { return m.ID == id })
			return moved && (place.Tag != w.Tag || !place.Covers(id))
		}), nil
	})
}

// Copy writes members of the group to their places, while they are still listed where they were.
// That is read after each slice that is written: see the package comment.
func (w *Writer) Copy(ctx context.Context, members []index.Member, modified metav1.MicroTime, there []*index.Slice, listed func(context.Context) ([]index.Member, error)) error {
	meta := codec.Stamp(modified, modified, w.By)
	w.moved = &meta
	first, changes := w.start(there), map[uint32][]change{}
	for _, m := range members {
		number := first(m.ID)
		changes[number] = append(changes[number], change{Member: m, add: true})
	}
	return w.walk(ctx, changes, func(ctx context.Context, asked []change) ([]change, error) {
		now, err := listed(ctx)
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(slices.Clone(asked), func(one change) bool { return !slices.Contains(now, one.Member) }), nil
	})
}
