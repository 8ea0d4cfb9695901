package slice

import (
	"context"
	"fmt"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
	"github.com/kubescim/kubescim/internal/store/kubernetes/retry"
)

const (
	// FewMembers is up to how many members go into a slice that is written often:
	// adding one to a group of 100,000 then costs a small write. More at a time
	// fill slices up.
	FewMembers = 100
	// sliceParallel is the number of slices of a group written at once.
	sliceParallel = 4
)

// Writer writes the slices of one group for one request.
type Writer struct {
	// Client must read from the API server and not from a cache.
	Client client.Client
	Tenant client.ObjectKey
	Group  string
	By     codec.Writer
	// Full is how many members a slice may have, and Few how many one that is written often.
	Full, Few int
	// Exists returns an error when there is no such group any more.
	Exists func(context.Context) error
	// Evidence, if set, is that of the update.
	Evidence func(context.Context) error

	mu sync.Mutex
	Outcome
}

// Outcome is what has become of the slices when Add and Remove have returned.
type Outcome struct {
	Begun   bool      // a slice was written, or may have been
	Written uint64    // the highest revision that was written, or found to be as wanted
	Changes int64     // how much the generations of the slices have grown
	Latest  time.Time // of the writes; zero without any
}

func (w *Writer) wrote(slice *scimv1alpha1.ScimGroupMembers) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Begun = true
	w.Written = max(w.Written, codec.RevisionOf(slice))
	w.Changes++
	if at := slice.Spec.Meta.LastModifiedTime.UTC(); at.After(w.Latest) {
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
func (w *Writer) failed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Begun = w.Begun || !failure.IsDefinite(err)
}

// Remove takes members out of the slices that list them.
func (w *Writer) Remove(ctx context.Context, from map[string][]index.Member) error {
	writes, ctx := errgroup.WithContext(ctx)
	writes.SetLimit(sliceParallel)
	for name, members := range from {
		writes.Go(func() error {
			return w.edit(ctx, name, func(listed []index.Member) []index.Member {
				return slices.DeleteFunc(listed, func(m index.Member) bool {
					return slices.ContainsFunc(members, func(gone index.Member) bool { return gone.ID == m.ID })
				})
			})
		})
	}
	return writes.Wait()
}

// Add puts members that no object of the group lists into slices: into those with
// room, and into new ones.
func (w *Writer) Add(ctx context.Context, members []index.Member, there []*index.Slice) error {
	room := w.Full
	if len(members) <= w.Few {
		room = w.Few
	}
	there = slices.DeleteFunc(slices.Clone(there), func(s *index.Slice) bool { return len(s.Members) >= room })
	// Replicas that write at the same time had better not choose the same slice.
	mathrand.Shuffle(len(there), func(i, j int) { there[i], there[j] = there[j], there[i] }) //nolint:gosec // It keeps no secret.
	for len(members) > 0 && len(there) > 0 {
		var err error
		if members, err = w.Fill(ctx, there[0].Name, members, room); err != nil {
			return err
		}
		there = there[1:]
	}
	if len(members) == 0 {
		return nil
	}
	if err := w.Exists(ctx); err != nil {
		return err
	}
	writes, ctx := errgroup.WithContext(ctx)
	writes.SetLimit(sliceParallel)
	for chunk := range slices.Chunk(members, w.Full) {
		writes.Go(func() error { return w.create(ctx, chunk) })
	}
	return writes.Wait()
}

// Fill adds as many of the members to a slice as it has room for, and returns the
// others.
func (w *Writer) Fill(ctx context.Context, name string, members []index.Member, room int) (rest []index.Member, err error) {
	rest = members
	err = w.edit(ctx, name, func(listed []index.Member) []index.Member {
		fit := min(max(room-len(listed), 0), len(members))
		rest = members[fit:]
		return append(listed, members[:fit]...)
	})
	return rest, err
}

// edit changes what a slice lists, by compare-and-swap. A slice that is gone has
// gone with its group, unless somebody has deleted it by hand.
func (w *Writer) edit(ctx context.Context, name string, change func(listed []index.Member) []index.Member) error {
	return retry.Do(ctx, "writing the members "+name, func() error {
		slice := &scimv1alpha1.ScimGroupMembers{}
		err := w.Client.Get(ctx, client.ObjectKey{Namespace: w.Tenant.Namespace, Name: name}, slice)
		if apierrors.IsNotFound(err) {
			if err := w.Exists(ctx); err != nil {
				return err
			}
			return fmt.Errorf("the members %s of the group are gone: %w", name, store.Busy())
		}
		if err != nil {
			return failure.Wrap(err, "reading the members %s", name)
		}
		before := codec.MembersOf(slice.Spec.Members, slice.Spec.MemberGroups)
		after := codec.Distinct(change(slices.Clone(before)))
		if slices.Equal(before, after) {
			w.found(slice)
			return nil
		}
		if w.Evidence != nil {
			if err := w.Evidence(ctx); err != nil {
				return err
			}
		}
		w.set(slice, after)
		err = w.Client.Update(ctx, slice, w.By.Owner)
		if err == nil {
			w.wrote(slice)
			return nil
		}
		w.failed(err)
		// What is changed again is found as it should be, so that a write whose
		// answer got lost does no harm.
		refusal := failure.Wrap(err, "writing the members %s", name)
		if failure.IsDefinite(err) && !apierrors.IsConflict(err) {
			return refusal
		}
		return retry.After(refusal)
	})
}

// create makes a new slice.
func (w *Writer) create(ctx context.Context, members []index.Member) error {
	slice := &scimv1alpha1.ScimGroupMembers{ObjectMeta: metav1.ObjectMeta{
		Namespace: w.Tenant.Namespace,
		Name:      w.Group + "-" + rand.String(10),
	}}
	slice.Spec.TenantRef.Name, slice.Spec.GroupRef.Name = w.Tenant.Name, w.Group
	slice.Spec.Meta.CreatedTime = metav1.NowMicro()
	w.set(slice, codec.Distinct(members))
	return retry.Do(ctx, "creating the members "+slice.Name, func() error {
		sent := slice.DeepCopy()
		err := w.Client.Create(ctx, sent, w.By.Owner)
		if err == nil {
			w.wrote(sent)
			return nil
		}
		w.failed(err)
		if apierrors.IsAlreadyExists(err) {
			// The answer to an earlier try got lost.
			return w.edit(ctx, slice.Name, func(listed []index.Member) []index.Member { return listed })
		}
		refusal := failure.Wrap(err, "creating the members %s", slice.Name)
		if failure.IsDefinite(err) {
			return refusal
		}
		return retry.After(refusal)
	})
}

// set makes the slice list the members, written now, with the labels of a slice. Owner
// references, which slices had once, are taken off: a restored group has another uid, and
// Kubernetes would delete all of its slices.
func (w *Writer) set(slice *scimv1alpha1.ScimGroupMembers, members []index.Member) {
	slice.OwnerReferences = nil
	labels := map[string]string{}
	maps.Copy(labels, slice.Labels)
	labels[scimv1alpha1.LabelTenant], labels[scimv1alpha1.LabelGroup] = w.Tenant.Name, w.Group
	slice.Labels = labels
	slice.Spec.Members, slice.Spec.MemberGroups = codec.MemberLists(members)
	slice.Spec.MemberCount = ptr.To(int32(len(members)))
	slice.Spec.Meta = codec.Stamp(slice.Spec.Meta.CreatedTime, metav1.NowMicro(), w.By)
}
