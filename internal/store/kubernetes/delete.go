package kubernetes

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// Delete implements store.Store: out of all groups, then the object, then the
// claim. A user that is kept keeps its claim too, by which Create finds it.
func (s *Store) Delete(ctx context.Context, t *scim.ResourceType, id string, options store.DeleteOptions) (err error) {
	defer s.guard(&err)
	by, unsure := writerOf(ctx), false
	for tries := newAttempt(); ; {
		read, err := s.read(ctx, t, id)
		if err != nil {
			return err
		}
		if unsure && !read.known() {
			return nil
		}
		if !read.known() {
			return store.NotFound(t, id)
		}
		if version := read.resource.Meta().Version; options.Precondition != nil && !options.Precondition(version) {
			return store.PreconditionFailed(version)
		}
		if err := s.strip(ctx, id); err != nil {
			return fmt.Errorf("taking the %s %s out of its groups: %w", t.Name, id, err)
		}
		err = s.remove(ctx, read, options.Policy, by)
		if err == nil {
			return nil
		}
		if settled(err) && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
			return err
		}
		unsure = unsure || !settled(err)
		if !tries.again(ctx) {
			return err
		}
	}
}

// remove makes the record unknown to SCIM, at the revision that was read.
func (s *Store) remove(ctx context.Context, read *record, policy store.Policy, by writer) error {
	t, id := read.resource.Type(), read.object.GetName()
	if store.IsUser(t) && policy.KeepDeletedUsers {
		kept := read.resource.Clone()
		kept.SetActive(false)
		now := metav1.NowMicro()
		meta := stamp(metaOf(read.object).CreatedTime, now, by)
		meta.DeletedTime = now
		object, err := s.encode(read.object, kept, meta)
		if err != nil {
			return err
		}
		if err := s.client.Update(ctx, object, by.owner); err != nil {
			return wrap(err, "marking the %s %s as deleted", t.Name, id)
		}
		s.tell(t, object)
		return nil
	}
	claim, err := s.claims.held(ctx, t, store.NameOf(read.resource), id)
	if err != nil {
		return wrap(err, "reading the claim of the %s %s", t.Name, id)
	}
	err = s.client.Delete(ctx, read.object, client.Preconditions{
		UID:             ptr.To(read.object.GetUID()),
		ResourceVersion: ptr.To(read.object.GetResourceVersion()),
	})
	if err != nil {
		return wrap(err, "deleting the %s %s", t.Name, id)
	}
	s.tellDeleted(ctx, t, id)
	return s.claims.release(ctx, claim)
}

// strip takes the id out of the members of every group.
func (s *Store) strip(ctx context.Context, id string) error {
	groups, err := s.listing(ctx, id)
	if err != nil {
		return err
	}
	unchanged := func(current *scim.Resource) (*scim.Resource, error) { return current, nil }
	for _, group := range groups {
		_, err := s.Update(ctx, s.groupType(), group, unchanged, store.UpdateOptions{
			Members: []scim.MemberChange{{ID: id}},
			View:    store.View{WithoutMembers: true},
		})
		if err != nil && !isNotFound(err) {
			return err
		}
	}
	return nil
}

// listing returns the ids of the groups that list the id as a member.
func (s *Store) listing(ctx context.Context, id string) (groups []string, err error) {
	key, err := idOf(id)
	if err != nil {
		return nil, nil //nolint:nilerr // What is no id is no member.
	}
	if s.current(ctx, s.groupType()) {
		for _, group := range s.mirror.index.ParentsOf(key) {
			groups = append(groups, group.String())
		}
		return groups, nil
	}
	all, err := s.all(ctx, s.groupType())
	if err != nil {
		return nil, err
	}
	for _, group := range all {
		if slices.Contains(group.MemberIDs(), id) {
			groups = append(groups, group.ID())
		}
	}
	return groups, nil
}
