package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/fold"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/claim"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
	"github.com/kubescim/kubescim/internal/store/kubernetes/retry"
	"github.com/kubescim/kubescim/internal/store/kubernetes/slice"
)

// Update implements store.Store: read, change, compare-and-swap, and again on a
// conflict.
func (s *Store) Update(ctx context.Context, t *schema.ResourceType, id string, change store.Change, options store.UpdateOptions) (updated *scim.Resource, err error) {
	if err := s.refuse(); err != nil {
		return nil, err
	}
	defer s.guardWrite(ctx, &err)
	u := &update{store: s, t: t, id: id, by: codec.WriterOf(ctx), change: change, options: options}
	updated, err = s.update(ctx, u)
	options.NoteChanged(u.changed)
	return updated, err
}

func (s *Store) update(ctx context.Context, u *update) (updated *scim.Resource, err error) {
	unlock, err := s.locks.lock(ctx, u.id)
	if err != nil {
		return nil, fmt.Errorf("changing the %s %s: %w", u.t.Name, u.id, store.Busy())
	}
	defer unlock()
	err = retry.Do(ctx, "changing the "+u.t.Name+" "+u.id, func() (err error) {
		updated, err = u.try(ctx)
		return err
	})
	if err != nil {
		return nil, u.refuse(err)
	}
	return updated, nil
}

// refuse makes of the error that ends the update the one that the client gets. What has
// been written stays, whatever fails after that.
func (u *update) refuse(err error) error {
	if u.made {
		u.doubt.begun()
	}
	return u.doubt.refuse(err)
}

// update is one Update under way.
type update struct {
	store   *Store
	t       *schema.ResourceType
	id      string
	by      codec.Writer
	change  store.Change
	options store.UpdateOptions
	// evidence, if set, is asked for before each write, after what is written was
	// read. Its error ends the update.
	evidence func(context.Context) error
	// doubt is about the object itself, and about slices.
	doubt doubt
	// made says that the object itself has been written by this request.
	made bool
	// reserved says that there is memory for the answer.
	reserved bool
	// written are the highest revisions that were written.
	written readindex.Revisions
	// givenUp is the claim of the name that the write under way gives up.
	givenUp *coordinationv1.Lease
	// changing are the attributes that the write under way is to change, and changed are those
	// that have been changed.
	changing, changed []string
}

// try makes one try.
func (u *update) try(ctx context.Context) (*scim.Resource, error) {
	if store.IsGroup(u.t) {
		// What became of a write without an answer, only the API server knows.
		if state, ok := u.store.cachedState(ctx, u.t, u.id); ok && !u.doubt.unsure {
			return u.trySliced(ctx, state)
		}
	}
	read, err := u.store.objects.ReadShown(ctx, u.t, u.id)
	if err != nil {
		return nil, err
	}
	var state *slice.State // of a group with slices
	if group, isGroup := read.Object.(*scimv1alpha1.ScimGroup); isGroup {
		if state, err = u.store.live.state(ctx, read, group); err != nil {
			return nil, err
		}
	}
	if u.doubt.made(read.Object) {
		u.made = true
		u.noteChanged(u.changing)
		if err := u.store.claims.Release(ctx, u.givenUp); err != nil || state == nil {
			return u.done(ctx, read.Resource, err)
		}
		u.doubt.begun() // The members in slices are still to be written.
	}
	u.givenUp = nil
	if state != nil {
		return u.trySliced(ctx, state)
	}
	return u.tryWhole(ctx, read)
}

// tryWhole makes one try at a resource that is in one object.
func (u *update) tryWhole(ctx context.Context, read *codec.Record) (*scim.Resource, error) {
	current := read.Resource
	if err := u.check(current); err != nil {
		return nil, err
	}
	if err := u.acquire(ctx, len(current.Members().IDs())); err != nil {
		return nil, err
	}
	next, err := u.next(ctx, current)
	if err != nil {
		return nil, err
	}
	if next.Equal(current) {
		return u.done(ctx, current, nil)
	}
	if u.doubt.overtaken(read.Object) {
		return nil, store.Unsure()
	}
	if err := store.CheckSize(next, current); err != nil {
		return nil, err
	}
	if err := u.store.limits.admit(ctx, u.options.Policy, next, current, false); err != nil {
		return nil, err
	}
	if err := u.store.departures.admit(ctx, u.options.Policy, u.id, next, current); err != nil {
		return nil, err
	}
	gone := func() []uuid.UUID { return leftOut(next, current) }
	if err := u.store.departures.admitRemoval(ctx, u.options.Policy, gone); err != nil {
		return nil, err
	}
	itself, others, err := slice.Split(next, current, u.store.sizes.inline)
	if err != nil {
		return nil, err
	}
	u.changing = current.Changed(next)
	if len(others) > 0 {
		return u.overflow(ctx, read.Object, current, itself, others)
	}
	written, err := u.put(ctx, read.Object, current, itself)
	if err != nil {
		return nil, err
	}
	return u.done(ctx, written, nil)
}

// acquire acquires memory, once, for an answer with so many members.
func (u *update) acquire(ctx context.Context, members int) error {
	if u.reserved {
		return nil
	}
	u.reserved = true
	return u.options.View.Acquire(ctx, u.options.View.Weight(members))
}

// check checks the precondition, unless this request itself has changed the version.
func (u *update) check(current *scim.Resource) error {
	if u.made {
		return nil
	}
	if version := current.Meta().Version; u.options.Precondition != nil && !u.options.Precondition(version) {
		return store.PreconditionFailed(version)
	}
	return nil
}

// done completes the answer.
func (u *update) done(ctx context.Context, result *scim.Resource, err error) (*scim.Resource, error) {
	if err != nil {
		return nil, err
	}
	return u.store.derive(ctx, result, u.options.View)
}

// next returns what the change makes of the current state, settled.
func (u *update) next(ctx context.Context, current *scim.Resource) (*scim.Resource, error) {
	changed, err := u.options.Apply(u.change, current)
	if err != nil {
		return nil, err
	}
	next := changed.Clone()
	if err := u.store.settle(ctx, next, current, u.options.Policy); err != nil {
		return nil, err
	}
	return next, nil
}

// put writes the object of the resource, under its new name if it has one.
func (u *update) put(ctx context.Context, stored client.Object, current, next *scim.Resource) (*scim.Resource, error) {
	object, err := codec.Encode(u.store.tenant, stored, next, codec.Stamp(codec.MetaOf(stored).CreatedTime, metav1.NowMicro(), u.by), u.options.Policy.Labels)
	if err != nil {
		return nil, err
	}
	if fold.Key(store.NameOf(next)) == fold.Key(store.NameOf(current)) {
		return u.write(ctx, object)
	}
	return u.rename(ctx, object, store.NameOf(current), store.NameOf(next))
}

// rename writes the object with its new name: claim the new name, write, release
// the old one, in this order.
func (u *update) rename(ctx context.Context, object client.Object, from, to string) (*scim.Resource, error) {
	var err error
	if u.givenUp, err = u.store.claims.Held(ctx, u.t, from, u.id); err != nil {
		return nil, failure.Wrap(err, "reading the claim of the old %s", store.Name(u.t))
	}
	if u.givenUp != nil && codec.IsRepeated(u.givenUp) {
		codec.Annotate(object, codec.AnnotationRepeated, u.by)
	}
	found, err := u.claim(ctx, to)
	if err != nil {
		return nil, err
	}
	written, err := u.write(ctx, object)
	switch {
	case err == nil:
		return written, u.store.claims.Release(ctx, u.givenUp)
	case u.doubt.unsure || found.Shared:
		return nil, err
	}
	if released := u.store.claims.Release(ctx, found.Claim); released != nil && errors.Is(err, retry.ErrLost) {
		return nil, released
	}
	return nil, err
}

// claim returns the claim for the new name.
func (u *update) claim(ctx context.Context, name string) (claim.Acquired, error) {
	found, err := u.store.claims.Acquire(ctx, u.t, name, u.id)
	if err != nil || found.Kept == nil {
		return found, err
	}
	if u.options.Policy.RefuseRecreation {
		return claim.Acquired{}, store.Taken(u.t, store.Name(u.t))
	}
	return u.store.claims.AcquireFromKept(ctx, u.t, found, u.id)
}

// write updates the object at the revision that was read. The race is lost when somebody
// else wrote first, and taken for lost when the answer is.
func (u *update) write(ctx context.Context, object client.Object) (*scim.Resource, error) {
	if u.evidence != nil {
		if err := u.evidence(ctx); err != nil {
			return nil, err
		}
	}
	base := object.GetResourceVersion()
	err := u.store.client.Update(ctx, object, u.by.Owner)
	u.doubt.sent(object, base, err)
	switch {
	case err == nil:
		u.wrote(object)
		return written(u.store.tenant.Name, u.t, object)
	case apierrors.IsConflict(err):
		u.store.metrics.conflict()
		return nil, retry.ErrLost
	case apierrors.IsNotFound(err):
		return nil, store.NotFound(u.t, u.id)
	case failure.IsDefinite(err):
		return nil, failure.Wrap(err, "writing the %s %s", u.t.Name, u.id)
	}
	if ctx.Err() != nil {
		return nil, failure.Wrap(err, "writing the %s %s", u.t.Name, u.id)
	}
	return nil, retry.ErrLost
}

// wrote notes what was written, before anybody is told.
func (u *update) wrote(object client.Object) {
	kind := codec.KindOf(u.t)
	u.made = true
	u.noteChanged(u.changing)
	u.store.cache.Acknowledge(kind, object)
	u.written[kind] = max(u.written[kind], codec.RevisionOf(object))
}

// noteChanged takes note that attributes have been changed.
func (u *update) noteChanged(names []string) {
	for _, name := range names {
		if !slices.Contains(u.changed, name) {
			u.changed = append(u.changed, name)
		}
	}
}
