package kubernetes

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
)

// Delete implements store.Store: out of all groups, then what SCIM knows of it,
// then the object, then the claim. A user that is kept keeps its object and its
// claim, by which Create finds it.
//
// The object is marked as deleted before it is deleted because the API server's
// answer to a DELETE has no resourceVersion, by which other replicas could know
// how far they must have come not to show it any more.
func (s *Store) Delete(ctx context.Context, t *scim.ResourceType, id string, options store.DeleteOptions) (err error) {
	if err := s.refuse(); err != nil {
		return err
	}
	defer s.guard(&err)
	by, unsure := writerOf(ctx), false
	keep := store.IsUser(t) && options.Policy.KeepDeletedUsers
	var claim *coordinationv1.Lease
	for tries := newAttempt(); ; {
		read, err := s.read(ctx, t, id)
		switch {
		case err != nil:
			return err
		case !read.known() && !unsure:
			return store.NotFound(t, id)
		case !read.known() && (keep || read == nil):
			return s.claims.release(ctx, claim)
		case !read.known():
			return s.erase(ctx, read.object, claim)
		}
		if version := read.resource.Meta().Version; options.Precondition != nil && !options.Precondition(version) {
			return store.PreconditionFailed(version)
		}
		if err := s.strip(ctx, id); err != nil {
			return fmt.Errorf("taking the %s %s out of its groups: %w", t.Name, id, err)
		}
		if !keep {
			if claim, err = s.claims.held(ctx, t, store.NameOf(read.resource), id); err != nil {
				return wrap(err, "reading the claim of the %s %s", t.Name, id)
			}
		}
		marked, err := s.mark(ctx, read, keep, by)
		switch {
		case err == nil && keep:
			return nil
		case err == nil:
			return s.erase(ctx, marked, claim)
		case settled(err) && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err):
			return err
		}
		unsure = unsure || !settled(err)
		if !tries.again(ctx) {
			return err
		}
	}
}

// mark makes the record unknown to SCIM, at the revision that was read. Nothing of
// it is left unless it is to be kept.
func (s *Store) mark(ctx context.Context, read *record, keep bool, by writer) (client.Object, error) {
	t, id, now := read.resource.Type(), read.object.GetName(), metav1.NowMicro()
	left := marker(t, id)
	if keep {
		left = read.resource.Clone()
		left.SetActive(false)
	}
	meta := stamp(metaOf(read.object).CreatedTime, now, by)
	meta.DeletedTime = now
	object, err := s.encode(read.object, left, meta)
	if err != nil {
		return nil, err
	}
	if !keep {
		release(object, by)
	}
	if err := s.client.Update(ctx, object, by.owner); err != nil {
		return nil, wrap(err, "marking the %s %s as deleted", t.Name, id)
	}
	s.tell(kindOf(t), object)
	return object, nil
}

// erase deletes an object that SCIM does not know any more, and then its claim.
// What it cannot delete, the upkeep does: the resource is gone already.
func (s *Store) erase(ctx context.Context, object client.Object, claim *coordinationv1.Lease) error {
	for tries := newAttempt(); ; {
		err := s.client.Delete(ctx, object, client.Preconditions{
			UID:             ptr.To(object.GetUID()),
			ResourceVersion: ptr.To(object.GetResourceVersion()),
		})
		if err == nil || settled(err) || !tries.again(ctx) {
			return s.claims.release(ctx, claim)
		}
	}
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
	t := s.groupType()
	parents, known, _ := fromMemory(s, func() bool { return s.current(ctx, t) }, func(x *index.Index) ([]uuid.UUID, error) {
		return x.ParentsOf(key), nil
	})
	if known {
		for _, group := range parents {
			groups = append(groups, group.String())
		}
		return groups, nil
	}
	all, err := s.all(ctx, t, store.View{}, keepAll)
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
