package kubernetes

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
	"github.com/kubescim/kubescim/internal/store/kubernetes/slice"
)

// gathering moves members of one group to their places.
type gathering struct {
	store *Store
	group *scimv1alpha1.ScimGroup
	state *slice.State
	write *slice.Writer
}

// gather begins to move members of a group, or returns nil if there is no such group.
func (s *Store) gather(ctx context.Context, group uuid.UUID) (*gathering, error) {
	t, id := s.groupType(), group.String()
	read, err := s.objects.ReadShown(ctx, t, id)
	if failure.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	object, isGroup := read.Object.(*scimv1alpha1.ScimGroup)
	if !isGroup {
		return nil, nil
	}
	slices, err := s.objects.SlicesOf(ctx, id)
	if err != nil {
		return nil, err
	}
	u := &update{store: s, t: t, id: id, by: codec.WriterOf(ctx)}
	return &gathering{store: s, group: object, state: slice.StateOf(read, object, slices), write: u.slices(codec.TagOf(object))}, nil
}

// acknowledge makes later readers know what was written.
func (g *gathering) acknowledge() {
	var written readindex.Revisions
	written[readindex.GroupMembers] = g.write.Written
	g.store.cache.AcknowledgeAll(written)
}

// gatherStrays moves the strays in a slice to their places.
func (s *Store) gatherStrays(ctx context.Context, from *index.Slice) error {
	t, id := s.groupType(), from.Group.String()
	state := slice.StateIn(s.cache.Index(), t, id)
	if state == nil || !slices.Contains(state.Slices, from) {
		return nil // It has changed since.
	}
	u := &update{store: s, t: t, id: id, by: codec.WriterOf(ctx)}
	g := &gathering{store: s, write: u.slices(state.Tag)}
	err := g.write.Gather(ctx, from, state.Slices)
	g.acknowledge()
	return failure.IgnoreRaces(err)
}

// copyInline marks a group and copies the members in its own object to their places.
func (s *Store) copyInline(ctx context.Context, group uuid.UUID) error {
	g, err := s.gather(ctx, group)
	if err != nil || g == nil {
		return err
	}
	if !g.state.Marked {
		codec.MarkSliced(g.group)
		if err := s.putGroup(ctx, g.group); err != nil {
			return err
		}
	}
	listed := func(ctx context.Context) ([]index.Member, error) {
		read, err := s.objects.ReadShown(ctx, s.groupType(), group.String())
		if err != nil {
			return nil, err
		}
		object, isGroup := read.Object.(*scimv1alpha1.ScimGroup)
		if !isGroup {
			return nil, nil
		}
		return membersInline(object), nil
	}
	err = g.write.Copy(ctx, membersInline(g.group), g.group.Spec.Meta.LastModifiedTime, g.state.Slices, listed)
	g.acknowledge()
	return failure.IgnoreRaces(err)
}

// emptyInline takes those members out of a group's own object that slices list too.
func (s *Store) emptyInline(ctx context.Context, group uuid.UUID) error {
	g, err := s.gather(ctx, group)
	if err != nil || g == nil {
		return err
	}
	left := slices.DeleteFunc(membersInline(g.group), func(m index.Member) bool {
		return slices.ContainsFunc(g.state.Slices, func(one *index.Slice) bool { return slices.Contains(one.Members, m) })
	})
	g.group.Spec.Members, g.group.Spec.MemberGroups = codec.MemberLists(left)
	g.group.Spec.MemberCount = ptr.To(int32(len(left)))
	return s.putGroup(ctx, g.group)
}

// membersInline are those in the group itself.
func membersInline(group *scimv1alpha1.ScimGroup) []index.Member {
	return codec.MembersOf(group.Spec.Members, group.Spec.MemberGroups)
}

// putGroup writes a group that is for a client what it was.
func (s *Store) putGroup(ctx context.Context, group *scimv1alpha1.ScimGroup) error {
	err := s.client.Update(ctx, group, codec.WriterOf(ctx).Owner)
	if err == nil {
		s.cache.Acknowledge(readindex.Groups, group)
	}
	return failure.IgnoreRaces(failure.Wrap(err, "moving the members of the group %s", group.Name))
}
