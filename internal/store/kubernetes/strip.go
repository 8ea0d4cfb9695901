package kubernetes

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
	"github.com/kubescim/kubescim/internal/store/kubernetes/objects"
)

// strip takes the id out of the members of every group, and returns the ids of the
// groups that listed it. Whether it may is asked for each object that is written, after
// that was read: who comes back has been taken out of it before, so that everybody who
// adds it again writes the object, and this write fails.
func (s *Store) strip(ctx context.Context, id string, may func(objects.Presence) bool) (from []string, err error) {
	groups, err := s.listing(ctx, id)
	if err != nil {
		return nil, err
	}
	evidence := func(ctx context.Context) error {
		is, err := s.objects.Presence(ctx, id)
		if err == nil && !may(is) {
			err = objects.ErrPresent
		}
		return err
	}
	unchanged := func(current *scim.Resource) (*scim.Resource, error) { return current, nil }
	for _, group := range groups {
		_, err := s.update(ctx, &update{
			store: s, t: s.groupType(), id: group, by: codec.WriterOf(ctx), change: unchanged, evidence: evidence,
			options: store.UpdateOptions{Members: []scim.MemberChange{{ID: id}}, View: store.View{WithoutMembers: true}},
		})
		switch {
		case err == nil:
			from = append(from, group)
		case !failure.IsNotFound(err):
			return from, fmt.Errorf("taking %s out of the group %s: %w", id, group, err)
		}
	}
	return from, nil
}

// listing returns the ids of the groups that list the id as a member.
func (s *Store) listing(ctx context.Context, id string) (groups []string, err error) {
	key, err := codec.ParseID(id)
	if err != nil {
		return nil, nil //nolint:nilerr // What is no id is no member.
	}
	t := s.groupType()
	parents, known, _ := cache.Read(s.cache, func() bool { return s.consistency.current(ctx, t) }, func(x *index.Index) ([]uuid.UUID, error) {
		return x.Members().ParentsOf(key), nil
	})
	if known {
		return textsOf(parents), nil
	}
	all, err := s.live.all(ctx, t, store.View{}, keepAll)
	if err != nil {
		return nil, err
	}
	for _, group := range all {
		if slices.Contains(group.Members().IDs(), id) {
			groups = append(groups, group.ID())
		}
	}
	return groups, nil
}
