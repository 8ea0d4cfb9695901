package kubernetes

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// Create implements store.Store: claim, then object.
func (s *Store) Create(ctx context.Context, resource *scim.Resource, policy store.Policy) (created *scim.Resource, err error) {
	if err := s.refuse(); err != nil {
		return nil, err
	}
	defer s.guard(&err)
	t, by := resource.Type(), writerOf(ctx)
	wanted := resource.Clone()
	if err := s.settle(ctx, wanted, nil, policy); err != nil {
		return nil, err
	}
	if err := store.CheckSize(wanted, nil); err != nil {
		return nil, err
	}
	for tries := newAttempt(); ; {
		created, err := s.tryCreate(ctx, wanted, by, policy)
		if created != nil || err != nil {
			return created, err
		}
		if !tries.again(ctx) {
			return nil, fmt.Errorf("creating a %s: %w", t.Name, store.Busy())
		}
	}
}

// tryCreate makes one try, under a new id. It returns nothing when the try lost
// to somebody else and another one is due.
func (s *Store) tryCreate(ctx context.Context, wanted *scim.Resource, by writer, policy store.Policy) (*scim.Resource, error) {
	t, id, now := wanted.Type(), uuid.NewString(), metav1.NowMicro()
	first, others, err := s.split(wanted)
	if err != nil {
		return nil, err
	}
	object, err := s.encode(newObject(t), first, stamp(now, now, by))
	if err != nil {
		return nil, err
	}
	object.SetName(id)
	if len(others) > 0 {
		markSliced(object)
	}
	found, err := s.acquire(ctx, t, store.NameOf(wanted), id)
	if err != nil {
		return nil, err
	}
	if found.kept != nil {
		if policy.RefuseRecreation {
			return nil, store.Taken(t, store.Name(t))
		}
		if err := s.admit(ctx, policy, wanted, nil, false); err != nil {
			return nil, err
		}
		return s.revive(ctx, wanted, found, by)
	}
	if err := s.admit(ctx, policy, wanted, nil, true); err != nil {
		return nil, errors.Join(err, s.claims.release(ctx, found.claim))
	}
	inserted, err := s.insert(ctx, t, object, by)
	if err == nil && len(others) > 0 {
		u := &update{store: s, t: t, id: id, by: by}
		u.wrote(inserted)
		return u.spread(ctx, inserted, others)
	}
	if err == nil {
		s.tell(kindOf(t), inserted)
		return s.written(t, inserted)
	}
	if settled(err) {
		// The object was refused for good, so that nothing can come of the claim.
		// A claim that cannot be released now is taken over by the next who wants it.
		if released := s.claims.release(ctx, found.claim); released != nil {
			return nil, errors.Join(err, released)
		}
	}
	return nil, ignoreRaces(err)
}

// insert creates the object. When an answer is lost it asks again, and knows
// its own object by the request that wrote it. AlreadyExists means that the id
// has been fenced off.
func (s *Store) insert(ctx context.Context, t *scim.ResourceType, object client.Object, by writer) (client.Object, error) {
	id := object.GetName()
	for tries := newAttempt(); ; {
		sent := object.DeepCopyObject().(client.Object)
		err := s.client.Create(ctx, sent, by.owner)
		if err == nil {
			return sent, nil
		}
		if apierrors.IsAlreadyExists(err) {
			there, readErr := s.read(ctx, t, id)
			if readErr != nil {
				return nil, readErr
			}
			if there.known() && metaOf(there.object).RequestID == by.RequestID {
				return there.object, nil
			}
		}
		if settled(err) || !tries.again(ctx) {
			return nil, wrap(err, "creating the %s %s", t.Name, id)
		}
	}
}

// revive brings a kept user back with its id and the content wanted. It comes
// back to no group that still lists it.
func (s *Store) revive(ctx context.Context, wanted *scim.Resource, found acquired, by writer) (*scim.Resource, error) {
	t, id := wanted.Type(), found.kept.object.GetName()
	if err := s.strip(ctx, id); err != nil {
		return nil, fmt.Errorf("taking the deleted %s %s out of its groups: %w", t.Name, id, err)
	}
	if _, err := s.claims.transfer(ctx, found.keptClaim, id); err != nil {
		return nil, ignoreRaces(wrap(err, "renewing the claim of the deleted %s %s", t.Name, id))
	}
	created := metaOf(found.kept.object).CreatedTime
	object, err := s.encode(found.kept.object, wanted, stamp(created, metav1.NowMicro(), by))
	if err != nil {
		return nil, err
	}
	if err := s.client.Update(ctx, object, by.owner); err != nil {
		return nil, ignoreRaces(wrap(err, "bringing back the %s %s", t.Name, id))
	}
	s.tell(kindOf(t), object)
	return s.written(t, object)
}

// written returns the resource that an object holds which was just written.
func (s *Store) written(t *scim.ResourceType, object client.Object) (*scim.Resource, error) {
	record, err := decode(s.tenant.Name, t, object)
	if err != nil {
		return nil, err
	}
	return record.resource, nil
}
