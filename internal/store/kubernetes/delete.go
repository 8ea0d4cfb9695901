package kubernetes

import (
	"context"
	"errors"
	"strconv"

	"github.com/google/uuid"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
	"github.com/kubescim/kubescim/internal/store/kubernetes/objects"
	"github.com/kubescim/kubescim/internal/store/kubernetes/retry"
)

// Delete implements store.Store: what SCIM knows of it, then the claim, then out of all
// groups, then the object, unless that stays for a while as a marker. A user that is kept keeps its
// object and its claim, by which Create finds it.
//
// The object is marked as deleted before anything else, in one compare-and-swap which
// decides: before it nothing has been done, and after it nobody is shown the resource,
// or a group that has it for a member. What a process that dies then leaves undone, the
// upkeep does, which has the mark for evidence.
//
// It is not deleted at once, too, because the API server's answer to a DELETE has no
// resourceVersion, by which other replicas could know how far they must have come not
// to show it any more.
func (s *Store) Delete(ctx context.Context, t *schema.ResourceType, id string, options store.DeleteOptions) (err error) {
	if err := s.refuse(); err != nil {
		return err
	}
	defer s.guardWrite(ctx, &err)
	d := &deletion{
		store: s, t: t, id: id, by: codec.WriterOf(ctx),
		options: options,
		keep:    store.IsUser(t) && options.Policy.KeepDeletedUsers,
		leaves:  options.Policy.Tombstones > 0,
	}
	err = retry.Do(ctx, "deleting the "+t.Name+" "+id, func() error { return d.try(ctx) })
	return d.doubt.refuse(err)
}

// deletion is one Delete under way.
type deletion struct {
	store     *Store
	t         *schema.ResourceType
	id        string
	by        codec.Writer
	options   store.DeleteOptions
	keep      bool // the user
	leaves    bool // a marker of what is not kept, for those who were away
	uncreates bool // what the same request has created
	doubt     doubt
	// claim is the claim of the name, which is released in the end.
	claim *coordinationv1.Lease
}

// try makes one try.
func (d *deletion) try(ctx context.Context) error {
	read, err := d.store.objects.Read(ctx, d.t, d.id)
	switch {
	case errors.Is(err, failure.ErrUnreadable) && !d.doubt.unsure:
		return store.NotFound(d.t, d.id)
	case err != nil:
		return err
	case !read.Known() && !d.doubt.unsure && (read == nil || !d.doubt.made(read.Object)):
		return store.NotFound(d.t, d.id)
	case read == nil:
		return d.store.claims.Release(ctx, d.claim)
	case !read.Known() && d.doubt.made(read.Object):
		return d.finish(ctx, read.Object)
	case !read.Known():
		return nil // Somebody else has deleted it since, and finishes it.
	case !read.Shown():
		return store.NotFound(d.t, d.id)
	case d.doubt.overtaken(read.Object):
		return store.Unsure()
	}
	if err := d.check(ctx, read); err != nil {
		return err
	}
	if d.uncreates = d.options.Uncreates(read.Resource); d.uncreates {
		d.keep = false
	} else if err := d.admit(ctx, read.Resource); err != nil {
		return err
	}
	if !d.keep {
		if d.claim, err = d.store.claims.Held(ctx, d.t, store.NameOf(read.Resource), d.id); err != nil {
			return failure.Wrap(err, "reading the claim of the %s %s", d.t.Name, d.id)
		}
	}
	marked, err := d.mark(ctx, read)
	switch {
	case err == nil:
		d.doubt.begun()
		return d.finish(ctx, marked)
	case failure.IsDefinite(err) && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err):
		return err
	}
	return retry.ErrLost
}

// check checks the precondition. The version of a group is that of its slices, too.
func (d *deletion) check(ctx context.Context, read *codec.Record) error {
	if d.options.Precondition == nil {
		return nil
	}
	if err := d.store.live.completeMembers(ctx, read, store.View{WithoutMembers: true}); err != nil {
		return err
	}
	if version := read.Resource.Meta().Version; !d.options.Precondition(version) {
		return store.PreconditionFailed(version)
	}
	return nil
}

// admit refuses to delete a user, or a group with members, for which the guard of the tenant is shut.
func (d *deletion) admit(ctx context.Context, resource *scim.Resource) error {
	if store.IsUser(d.t) {
		return d.store.departures.admit(ctx, d.options.Policy, d.id, nil, resource)
	}
	return d.store.departures.admitRemoval(ctx, d.options.Policy, func() []uuid.UUID {
		id, err := codec.ParseID(d.id)
		if err != nil {
			return nil // Only what has an id for its name is shown.
		}
		return []uuid.UUID{id}
	})
}

// mark makes the record unknown to SCIM, at the revision that was read. Nothing of
// it is left unless it is to be kept.
func (d *deletion) mark(ctx context.Context, read *codec.Record) (client.Object, error) {
	object, err := d.marked(read)
	if err != nil {
		return nil, err
	}
	base := object.GetResourceVersion()
	err = d.store.client.Update(ctx, object, d.by.Owner)
	d.doubt.sent(object, base, err)
	if err != nil {
		return nil, failure.Wrap(err, "marking the %s %s as deleted", d.t.Name, d.id)
	}
	d.store.cache.Acknowledge(codec.KindOf(d.t), object)
	return object, nil
}

// marked is the object as it is to be written.
func (d *deletion) marked(read *codec.Record) (client.Object, error) {
	meta := codec.Stamp(codec.MetaOf(read.Object).CreatedTime, metav1.NowMicro(), d.by)
	if !d.keep {
		marker, err := codec.Marker(d.store.tenant, read.Object, d.t, d.id, meta, d.by)
		if d.uncreates && err == nil {
			codec.NeverActive(marker)
		}
		return marker, err
	}
	meta.DeletedTime = meta.LastModifiedTime
	left := read.Resource.Clone()
	left.SetActive(false)
	return codec.Encode(d.store.tenant, read.Object, left, meta, nil)
}

// finish does what is left to do for an object that SCIM does not know any more. The name
// is to be free before anybody is told. What fails after that, the upkeep does: the
// resource is deleted already.
func (d *deletion) finish(ctx context.Context, object client.Object) error {
	over := false
	if !d.keep {
		unchanged, err := d.store.claims.Remove(ctx, d.claim)
		if err != nil {
			return err
		}
		// While it may be created again, the marker stays and keeps that from happening: the
		// claim says so before, or has gone before.
		over = unchanged && !codec.IsRepeated(object) && (d.claim == nil || !codec.IsRepeated(d.claim))
	}
	_, err := d.store.strip(ctx, d.id, objects.IsDeleted)
	if err == nil && store.IsGroup(d.t) {
		_, err = d.store.removeSlices(ctx, d.id, objects.IsDeleted)
	}
	if err == nil && over && !d.leaves {
		d.erase(ctx, object) // Else it stays, for the upkeep as its evidence.
	}
	return nil
}

// removeSlices deletes the slices of a group if it may, which is asked after they were
// read, and returns how many members they listed. They have no owner reference, by which
// Kubernetes would delete them: a group that is restored from a backup has another uid, so
// that Kubernetes would take all of its slices for those of a group that is gone.
func (s *Store) removeSlices(ctx context.Context, group string, may func(objects.Presence) bool) (members int, err error) {
	slices, err := s.objects.SlicesOf(ctx, group)
	if err != nil || len(slices) == 0 {
		return 0, err
	}
	if is, err := s.objects.Presence(ctx, group); err != nil || !may(is) {
		return 0, err
	}
	for _, slice := range slices {
		object := &scimv1alpha1.ScimGroupMembers{ObjectMeta: metav1.ObjectMeta{Namespace: s.tenant.Namespace, Name: slice.Name}}
		err := s.client.Delete(ctx, object, client.Preconditions{ResourceVersion: ptr.To(strconv.FormatUint(slice.Revision, 10))})
		if client.IgnoreNotFound(err) != nil {
			return members, failure.Wrap(err, "deleting the members %s of a group that is gone", slice.Name)
		}
		members += len(slice.Members)
	}
	return members, nil
}

// erase deletes an object that SCIM does not know any more. If it cannot, the upkeep does.
func (d *deletion) erase(ctx context.Context, object client.Object) {
	_ = retry.Do(ctx, "deleting the object "+object.GetName(), func() error {
		err := d.store.client.Delete(ctx, object, client.Preconditions{
			UID:             ptr.To(object.GetUID()),
			ResourceVersion: ptr.To(object.GetResourceVersion()),
		})
		if err == nil || failure.IsDefinite(err) {
			return nil
		}
		return retry.After(err)
	})
}
