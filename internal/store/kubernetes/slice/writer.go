package slice

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
	"github.com/kubescim/kubescim/internal/store/kubernetes/retry"
)

// parallel is the number of slices of a group that are written at once.
const parallel = 4

// Writer writes the slices of one group for one request.
type Writer struct {
	// Client must read from the API server and not from a cache.
	Client client.Client
	Tenant client.ObjectKey
	Group  string
	// Tag is that of the group's own slices.
	Tag string
	By  codec.Writer
	// Full is how many members a slice may be for.
	Full int
	// Exists returns an error when there is no such group any more.
	Exists func(context.Context) error
	// Evidence, if set, is that of the update.
	Evidence func(context.Context) error

	// moved, if set, is for moves: members are where they were for a client, so that no slice
	// is written later for it, and a new one is from then.
	moved *scimv1alpha1.ResourceMeta
	mu    sync.Mutex
	Outcome
}

// Outcome is what has become of the slices when Apply has returned.
type Outcome struct {
	Begun   bool      // a slice was written, or may have been
	Listed  bool      // a slice was made to list others, or may have been
	Written uint64    // the highest revision that was written, or found to be as wanted
	Changes int64     // how many changes of members were made in the slices
	Latest  time.Time // of the writes; zero without any
}

// Apply makes the changes of a plan to a group with these slices.
func (w *Writer) Apply(ctx context.Context, wanted *Plan, there []*index.Slice) error {
	err := inParallel(ctx, maps.All(wanted.Strays), func(ctx context.Context, name string, ids []uuid.UUID) error {
		return w.omit(ctx, name, ids)
	})
	if err != nil {
		return err
	}
	first, changes := w.start(there), map[uint32][]change{}
	for _, m := range wanted.Add {
		number := first(m.ID)
		changes[number] = append(changes[number], change{Member: m, add: true})
	}
	for _, id := range wanted.Leave {
		number := first(id)
		changes[number] = append(changes[number], change{Member: index.Member{ID: id}})
	}
	return w.walk(ctx, changes, func(_ context.Context, asked []change) ([]change, error) { return asked, nil })
}

// start returns which slice a member is for, as far as these are as they were.
func (w *Writer) start(there []*index.Slice) func(uuid.UUID) uint32 {
	places := make(map[uint32]index.Place, len(there))
	for _, slice := range there {
		if slice.Place.Tag == w.Tag {
			places[slice.Place.Number] = slice.Place
		}
	}
	return func(id uuid.UUID) uint32 {
		number := uint32(0)
		for {
			place, is := places[number]
			if !is || place.Covers(id) {
				return number
			}
			number = place.Next(id)
		}
	}
}

// walk makes changes in the slices of these numbers, and those for which they are not, or no
// longer, in the next ones. now is asked for the changes of a slice after that was read.
func (w *Writer) walk(ctx context.Context, changes map[uint32][]change, now func(context.Context, []change) ([]change, error)) error {
	for len(changes) > 0 {
		var mu sync.Mutex
		next := map[uint32][]change{}
		err := inParallel(ctx, maps.All(changes), func(ctx context.Context, number uint32, asked []change) error {
			rest, err := w.edit(ctx, number, func(ctx context.Context) ([]change, error) { return now(ctx, asked) })
			mu.Lock()
			defer mu.Unlock()
			for number, more := range rest {
				next[number] = append(next[number], more...)
			}
			return err
		})
		if err != nil {
			return err
		}
		changes = next
	}
	return nil
}

// edit makes changes in the slice of a number by compare-and-swap, and returns those that are
// to be made in others.
func (w *Writer) edit(ctx context.Context, number uint32, asked func(context.Context) ([]change, error)) (rest map[uint32][]change, err error) {
	if number >= 1<<codec.MaxDepth {
		return nil, fmt.Errorf("looking for the place of a member in the group %s: %w", w.Group, store.Busy())
	}
	name := codec.SliceName(w.Group, w.Tag, number)
	err = w.swap(ctx, name, func(slice *scimv1alpha1.ScimGroupMembers) (write, error) {
		changes, err := asked(ctx)
		if err != nil {
			return write{}, err
		}
		made := changeSlice(placeOf(slice, w.Tag, number), codec.MembersOf(slice.Spec.Members, slice.Spec.MemberGroups), changes, w.Full)
		rest = made.rest
		return write{members: made.members, listed: made.listed, raised: made.raised, fenced: made.fenced, depth: ptr.To(made.depth)}, nil
	})
	return rest, err
}

// placeOf is the place of a slice that was read, or is new.
func placeOf(slice *scimv1alpha1.ScimGroupMembers, tag string, number uint32) index.Place {
	if isNew(slice) {
		return index.NewPlace(tag, number)
	}
	return codec.PlaceOf(slice)
}

func isNew(slice *scimv1alpha1.ScimGroupMembers) bool { return slice.ResourceVersion == "" }

// omit takes members out of a slice that they are not for.
func (w *Writer) omit(ctx context.Context, name string, ids []uuid.UUID) error {
	return w.swap(ctx, name, func(slice *scimv1alpha1.ScimGroupMembers) (write, error) {
		return without(slice, func(id uuid.UUID) bool { return slices.Contains(ids, id) }), nil
	})
}

// without is a slice without some of its members.
func without(slice *scimv1alpha1.ScimGroupMembers, gone func(uuid.UUID) bool) write {
	before := codec.MembersOf(slice.Spec.Members, slice.Spec.MemberGroups)
	after := slices.DeleteFunc(slices.Clone(before), func(m index.Member) bool { return gone(m.ID) })
	return write{members: after, listed: len(after) < len(before)}
}

// write is what is to be written of a slice: it is not, unless it lists others, is for fewer,
// or must be written in any case.
type write struct {
	members                []index.Member
	listed, raised, fenced bool
	depth                  *int // nil for that which it has
}

// swap reads a slice, and writes by compare-and-swap what is to become of it. One that is not
// there is made.
func (w *Writer) swap(ctx context.Context, name string, decide func(*scimv1alpha1.ScimGroupMembers) (write, error)) error {
	return retry.Do(ctx, "writing the members "+name, func() error {
		slice := &scimv1alpha1.ScimGroupMembers{}
		key := client.ObjectKey{Namespace: w.Tenant.Namespace, Name: name}
		if err := w.Client.Get(ctx, key, slice); apierrors.IsNotFound(err) {
			slice = w.empty(key)
		} else if err != nil {
			return failure.Wrap(err, "reading the members %s", name)
		}
		wanted, err := decide(slice)
		if err != nil {
			return err
		}
		if !wanted.listed && !wanted.raised && !wanted.fenced {
			w.found(slice)
			return nil
		}
		if err := w.permit(ctx, slice); err != nil {
			return err
		}
		return w.put(ctx, slice, wanted)
	})
}

// permit returns why a slice that was read must not be written.
func (w *Writer) permit(ctx context.Context, slice *scimv1alpha1.ScimGroupMembers) error {
	if isNew(slice) {
		if err := w.Exists(ctx); err != nil {
			return err
		}
	}
	if w.Evidence == nil {
		return nil
	}
	return w.Evidence(ctx)
}

// put writes a slice as it was read, or makes it. What is tried again is found as it should be,
// so that a write whose answer got lost does no harm.
func (w *Writer) put(ctx context.Context, slice *scimv1alpha1.ScimGroupMembers, wanted write) error {
	before, send := codec.ChangesOf(slice), func() error { return w.Client.Update(ctx, slice, w.By.Owner) }
	if isNew(slice) {
		send = func() error { return w.Client.Create(ctx, slice, w.By.Owner) }
	}
	w.set(slice, wanted)
	err := send()
	if err == nil {
		w.wrote(slice, codec.ChangesOf(slice)-before, wanted.listed)
		return nil
	}
	w.failed(err, wanted.listed)
	refusal := failure.Wrap(err, "writing the members %s", slice.Name)
	if failure.IsDefinite(err) && !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
		return refusal
	}
	return retry.After(refusal)
}

// empty is a slice that is not there yet.
func (w *Writer) empty(key client.ObjectKey) *scimv1alpha1.ScimGroupMembers {
	slice := &scimv1alpha1.ScimGroupMembers{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	slice.Spec.TenantRef.Name, slice.Spec.GroupRef.Name = w.Tenant.Name, w.Group
	return slice
}

// set makes the slice what is wanted, with the labels of a slice. Owner references, which
// slices had once, are taken off: a restored group has another uid, and Kubernetes would
// delete all of its slices.
func (w *Writer) set(slice *scimv1alpha1.ScimGroupMembers, wanted write) {
	slice.OwnerReferences = nil
	labels := map[string]string{}
	maps.Copy(labels, slice.Labels)
	labels[scimv1alpha1.LabelTenant], labels[scimv1alpha1.LabelGroup] = w.Tenant.Name, w.Group
	slice.Labels = labels
	if wanted.depth != nil {
		codec.SetDepth(slice, *wanted.depth)
	}
	if wanted.fenced {
		codec.Fence(slice, w.By)
	}
	if isNew(slice) && len(wanted.members) == 0 {
		codec.MarkMadeEmpty(slice, w.By)
	}
	slice.Spec.Members, slice.Spec.MemberGroups = codec.MemberLists(wanted.members)
	slice.Spec.MemberCount = ptr.To(int32(len(wanted.members)))
	switch {
	case w.moved != nil && isNew(slice):
		slice.Spec.Meta = *w.moved
	case w.moved == nil && (wanted.listed || isNew(slice)):
		now := metav1.NowMicro()
		if isNew(slice) {
			slice.Spec.Meta.CreatedTime = now
		}
		slice.Spec.Meta = codec.Stamp(slice.Spec.Meta.CreatedTime, now, w.By)
	}
}

func (w *Writer) wrote(slice *scimv1alpha1.ScimGroupMembers, changes int64, listed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Begun, w.Listed = true, w.Listed || listed
	w.Written = max(w.Written, codec.RevisionOf(slice))
	w.Changes += changes
	if at := slice.Spec.Meta.LastModifiedTime.UTC(); !codec.IsUntouched(slice) && at.After(w.Latest) {
		w.Latest = at
	}
}

// found notes a slice that was as it is wanted: somebody else has made the change, and
// whoever is told that it was made rests on that revision.
func (w *Writer) found(slice *scimv1alpha1.ScimGroupMembers) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Written = max(w.Written, codec.RevisionOf(slice))
}

// failed notes what a write of a slice was answered.
func (w *Writer) failed(err error, listed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !failure.IsDefinite(err) {
		w.Begun, w.Listed = true, w.Listed || listed
	}
}

// inParallel calls back for each pair, a few at a time.
func inParallel[K, V any](ctx context.Context, pairs iter.Seq2[K, V], do func(context.Context, K, V) error) error {
	writes, ctx := errgroup.WithContext(ctx)
	writes.SetLimit(parallel)
	for key, value := range pairs {
		writes.Go(func() error { return do(ctx, key, value) })
	}
	return writes.Wait() //nolint:wrapcheck // They say what was being done.
}
