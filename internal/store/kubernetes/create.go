package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/claim"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
	"github.com/kubescim/kubescim/internal/store/kubernetes/objects"
	"github.com/kubescim/kubescim/internal/store/kubernetes/retry"
	"github.com/kubescim/kubescim/internal/store/kubernetes/slice"
)

// Create implements store.Store: claim, then object.
func (s *Store) Create(ctx context.Context, resource *scim.Resource, policy store.Policy) (created *scim.Resource, err error) {
	if err := s.refuse(); err != nil {
		return nil, err
	}
	defer s.guardWrite(ctx, &err)
	t := resource.Type()
	c := &creation{store: s, t: t, by: codec.WriterOf(ctx), wanted: resource.Clone(), policy: policy}
	if err := s.settle(ctx, c.wanted, nil, policy); err != nil {
		return nil, err
	}
	if err := store.CheckSize(c.wanted, nil); err != nil {
		return nil, err
	}
	err = retry.Do(ctx, "creating a "+t.Name, func() (err error) {
		created, err = c.try(ctx)
		return err
	})
	return created, c.doubt.refuse(err)
}

// creation is one Create under way.
type creation struct {
	store  *Store
	t      *schema.ResourceType
	by     codec.Writer
	wanted *scim.Resource
	policy store.Policy
	doubt  doubt
	// claim is that of the name, as it was last written.
	claim *coordinationv1.Lease
}

// try makes one try, under a new id.
func (c *creation) try(ctx context.Context) (*scim.Resource, error) {
	s, id, now := c.store, uuid.NewString(), metav1.NowMicro()
	first, others, err := slice.Split(c.wanted, nil, s.sizes.inline)
	if err != nil {
		return nil, err
	}
	object, err := codec.Encode(s.tenant, codec.NewObject(c.t), first, codec.Stamp(now, now, c.by), c.policy.Labels)
	if err != nil {
		return nil, err
	}
	object.SetName(id)
	if len(others) > 0 {
		codec.MarkSliced(object)
	}
	found, err := s.claims.Acquire(ctx, c.t, store.NameOf(c.wanted), id)
	if err != nil {
		return nil, err
	}
	c.claim = found.Claim
	if found.Kept != nil {
		return c.recreate(ctx, found)
	}
	if err := s.limits.admit(ctx, c.policy, c.wanted, nil, true); err != nil {
		return nil, errors.Join(err, s.claims.Release(ctx, c.claim))
	}
	inserted, err := c.insert(ctx, object)
	switch {
	case err == nil && len(others) > 0:
		c.doubt.begun()
		u := &update{store: s, t: c.t, id: id, by: c.by}
		u.wrote(inserted)
		return u.spread(ctx, codec.TagOf(inserted), others)
	case err == nil:
		s.cache.Acknowledge(codec.KindOf(c.t), inserted)
		return written(s.tenant.Name, c.t, inserted)
	case errors.Is(err, errFenced), failure.IsDefinite(err) && !c.doubt.unsure:
		// Nothing can come of the claim any more. One that cannot be released now is
		// taken over by the next who wants it.
		if released := s.claims.Release(ctx, c.claim); released != nil {
			return nil, errors.Join(err, released)
		}
	}
	if errors.Is(err, errFenced) {
		c.doubt = doubt{} // The object was not made, and never will be.
		return nil, retry.ErrLost
	}
	return nil, err
}

// errFenced says that an object can never be made, since somebody who took its maker
// for dead has made a marker in its place.
var errFenced = errors.New("the id has been fenced off")

// insert creates the object. When an answer is lost it asks again, and knows its own
// object when it is there.
func (c *creation) insert(ctx context.Context, object client.Object) (inserted client.Object, err error) {
	err = retry.Do(ctx, "creating the "+c.t.Name, func() error {
		sent := object.DeepCopyObject().(client.Object)
		err := c.prepare(ctx, sent)
		raced := apierrors.IsConflict(err)
		if err == nil {
			if err = c.store.client.Create(ctx, sent, c.by.Owner); err == nil {
				inserted = sent
				return nil
			}
			c.doubt.sent(object, "", err)
		}
		if errors.Is(err, errReleased) || failure.IsDefinite(err) && !raced {
			inserted, err = c.lookUp(ctx, object, err)
			return err
		}
		return retry.After(failure.Wrap(err, "creating the %s %s", c.t.Name, object.GetName()))
	})
	return inserted, err
}

// errReleased says that the claim of a name went while its holder was being created.
var errReleased = errors.New("the claim of the name has been released")

// prepare is done before each try. When it is not the first, the object may have been made
// before, and deleted since, with its claim: then it must not be made again. And each try
// may arrive after another one has been made and deleted.
func (c *creation) prepare(ctx context.Context, object client.Object) error {
	if !c.doubt.unsure {
		return nil
	}
	codec.Annotate(object, codec.AnnotationRepeated, c.by)
	claim, err := c.store.claims.Repeat(ctx, c.t, store.NameOf(c.wanted), object.GetName(), c.by)
	switch {
	case err != nil:
		return err
	case claim == nil:
		return errReleased
	}
	c.claim = claim
	return nil
}

// lookUp finds out what a refusal means: that the object is there already, or, if an
// earlier try may have made it, that it may be.
func (c *creation) lookUp(ctx context.Context, object client.Object, refusal error) (client.Object, error) {
	id := object.GetName()
	if !c.doubt.unsure && !apierrors.IsAlreadyExists(refusal) {
		return nil, failure.Wrap(refusal, "creating the %s %s", c.t.Name, id)
	}
	there, err := c.store.objects.Read(ctx, c.t, id)
	switch {
	case err != nil:
		c.doubt.begun()
		return nil, err
	case there == nil:
		c.doubt.unsure = c.doubt.unsure || apierrors.IsAlreadyExists(refusal)
		return nil, failure.Wrap(refusal, "creating the %s %s", c.t.Name, id)
	case c.doubt.made(there.Object):
		return there.Object, nil
	case sameCreation(there.Object, object):
		// It was made, and somebody has changed it since.
		object.SetGeneration(1)
		object.SetUID(there.Object.GetUID())
		return object, nil
	default:
		return nil, fmt.Errorf("creating the %s %s: %w", c.t.Name, id, errFenced)
	}
}

// sameCreation reports whether one object is a later state of the other.
func sameCreation(one, other client.Object) bool {
	a, b := codec.MetaOf(one).CreatedTime, codec.MetaOf(other).CreatedTime
	return a.Truncate(time.Microsecond).Equal(b.Truncate(time.Microsecond))
}

// recreate brings the kept user back that has the name, if it may be.
func (c *creation) recreate(ctx context.Context, found claim.Acquired) (*scim.Resource, error) {
	if c.policy.RefuseRecreation {
		return nil, store.Taken(c.t, store.Name(c.t))
	}
	if c.doubt.overtaken(found.Kept.Object) {
		// It may have been brought back, and deleted again since.
		return nil, fmt.Errorf("bringing back the %s %s: %w", c.t.Name, found.Kept.Object.GetName(), store.Unsure())
	}
	kept := found.Kept.Resource.Clone()
	kept.SetActive(false) // Nobody who is kept has a seat, also if it was marked by hand.
	if err := c.store.limits.admit(ctx, c.policy, c.wanted, kept, false); err != nil {
		return nil, err
	}
	return c.revive(ctx, found)
}

// revive brings a kept user back with its id and the content wanted. It comes
// back to no group that still lists it.
func (c *creation) revive(ctx context.Context, found claim.Acquired) (*scim.Resource, error) {
	s, t, id := c.store, c.t, found.Kept.Object.GetName()
	if _, err := s.strip(ctx, id, objects.IsDeleted); errors.Is(err, objects.ErrPresent) {
		return nil, retry.ErrLost // Somebody else has brought it back.
	} else if err != nil {
		return nil, fmt.Errorf("bringing back the %s %s: %w", t.Name, id, err)
	}
	if _, err := s.claims.Transfer(ctx, found.KeptClaim, id); err != nil {
		return nil, retry.Lost(failure.Wrap(err, "renewing the claim of the deleted %s %s", t.Name, id))
	}
	created := codec.MetaOf(found.Kept.Object).CreatedTime
	object, err := codec.Encode(s.tenant, found.Kept.Object, c.wanted, codec.Stamp(created, metav1.NowMicro(), c.by), c.policy.Labels)
	if err != nil {
		return nil, err
	}
	sent := object.DeepCopyObject().(client.Object)
	if err := s.client.Update(ctx, sent, c.by.Owner); err != nil {
		c.doubt.sent(object, object.GetResourceVersion(), err)
		return c.revived(ctx, object, err)
	}
	s.cache.Acknowledge(codec.KindOf(t), sent)
	return written(s.tenant.Name, t, sent)
}

// revived returns the user whom a write that was answered with the error has brought
// back all the same.
func (c *creation) revived(ctx context.Context, object client.Object, refusal error) (*scim.Resource, error) {
	id := object.GetName()
	refusal = failure.Wrap(refusal, "bringing back the %s %s", c.t.Name, id)
	if failure.IsDefinite(refusal) && !apierrors.IsConflict(refusal) && !c.doubt.unsure {
		return nil, retry.Lost(refusal)
	}
	there, err := c.store.objects.Read(ctx, c.t, id)
	switch {
	case err != nil:
		return nil, err
	case there != nil && c.doubt.made(there.Object):
		return there.Resource, nil
	case c.doubt.unsure && (there == nil || c.doubt.overtaken(there.Object)):
		return nil, refusal
	case failure.IsDefinite(refusal) && c.doubt.unsure && !apierrors.IsConflict(refusal):
		return nil, refusal
	}
	return nil, retry.ErrLost
}

// written returns the resource that an object holds which was just written.
func written(tenant string, t *schema.ResourceType, object client.Object) (*scim.Resource, error) {
	record, err := codec.Decode(tenant, t, object)
	if err != nil {
		return nil, err
	}
	return record.Resource, nil
}
