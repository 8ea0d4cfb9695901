package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// errEnough ends a LIST of which as much has been looked at as may be at a time.
var errEnough = errors.New("the next pass of the upkeep goes on")

// labelPeriod is how often it is looked whether there are objects that selectors do not find, and
// labelsAtOnce of how many of them that is mended then, of all tenants of the process together: that is
// a load for the API server which nobody notices.
const (
	labelPeriod  = 2 * time.Second
	labelsAtOnce = 100
)

// LabelSome compares users of tenants with the labels that they are to have, where these have changed,
// and, where this replica leads, mends a page of what selectors do not find: labels that are to be others, and
// those that were lost. The server does without, but people do not, who ask kubectl for what has a label.
// Each time another tenant is the first.
func LabelSome(ctx context.Context, lead bool, tenants []*Upkeep, turn int) {
	left := labelsAtOnce
	for i := range tenants {
		one := tenants[(turn+i)%len(tenants)]
		one.Cache.Compare()
		if !lead || left == 0 || one.resting || !one.begin() {
			continue
		}
		mended, err := one.makeSelectable(ctx, left)
		left -= mended
		if err != nil {
			one.resting = true // Until the next pass.
			one.warn(ctx, err)
		}
	}
}

// markGroups marks some of the groups that have slices and are not marked.
func (u *Upkeep) markGroups(ctx context.Context) error {
	left := batch
	err := u.unmarked(ctx, func(group client.Object) error {
		if left == 0 {
			return errEnough
		}
		left--
		return u.mark(ctx, group)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// makeSelectable gives objects what selectors are to find them by, at most so many, and returns how many
// it has looked at.
func (u *Upkeep) makeSelectable(ctx context.Context, most int) (looked int, err error) {
	ctx, cancel := context.WithTimeout(ctx, period)
	defer cancel()
	asked, alone := false, false
	for kind := range readindex.Kinds {
		for _, name := range u.Cache.Unselectable(kind, most-looked) {
			if !asked {
				if alone, err = u.Store.Gathers(ctx); err != nil {
					return looked, err
				}
				asked, u.resting = true, !alone
			}
			looked++
			failed := u.relabel(ctx, kind, name, alone)
			err = errors.Join(err, failed)
			if ctx.Err() != nil || errors.Is(failed, errNotKept) {
				return looked, err
			}
		}
	}
	return looked, err
}

// relabel gives an object what selectors are to find it by, if it has that not. The version stays: for
// SCIM, nothing changes. Where pods of an older release may be alive, it gets back its labels alone: those
// would show another version of what else is written.
func (u *Upkeep) relabel(ctx context.Context, kind readindex.Kind, name string, alone bool) error {
	object := codec.NewObjectOf(kind)
	err := u.Client.Get(ctx, client.ObjectKey{Namespace: u.Tenant.Namespace, Name: name}, object)
	if apierrors.IsNotFound(err) || failure.IsUnreadable(err) {
		return nil
	}
	if err != nil {
		return failure.Wrap(err, "reading %s, which selectors do not find", name)
	}
	if codec.TenantOf(object) != u.Tenant.Name || object.GetDeletionTimestamp() != nil {
		return nil
	}
	before, _ := object.DeepCopyObject().(client.Object)
	lost := codec.Mislabelled(u.Tenant.Name, object)
	codec.PutLabels(object, codec.LabelsOf(u.Tenant.Name, object))
	made := false
	if user, isUser := object.(*scimv1alpha1.ScimUser); isUser && alone {
		read, err := codec.Decode(u.Tenant.Name, u.registry.User(), user)
		if err != nil {
			return err
		}
		made = codec.MendSelectors(user, read.Resource, u.Policy().Labels)
	}
	if !made && len(lost) == 0 {
		return nil
	}
	err = u.Unmetered.Patch(ctx, object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if err != nil {
		return failure.IgnoreRaces(failure.Wrap(err, "making %s one that selectors find", name))
	}
	if made && codec.SelectorDigest(u.Tenant.Name, object) == 0 {
		return errNotKept
	}
	if made {
		u.Metrics.Selectable.Inc()
	}
	for _, label := range lost {
		u.restored(object, label)
	}
	return nil
}

// errNotKept ends the writing of what the API server does not keep.
var errNotKept = errors.New("the CustomResourceDefinition of ScimUsers is of an earlier release than this server, and has no spec.lookup: " +
	"upgrade it with the chart")

// unmarked calls back for the groups that have slices and are not marked.
func (u *Upkeep) unmarked(ctx context.Context, yield func(client.Object) error) error {
	for _, id := range u.Cache.Index().Members().Unmarked() {
		read, err := u.Objects.Read(ctx, u.Store.GroupType(), id.String())
		if err != nil {
			return err
		}
		group, isGroup := (*scimv1alpha1.ScimGroup)(nil), false
		if read.Known() {
			group, isGroup = read.Object.(*scimv1alpha1.ScimGroup)
		}
		if !isGroup || codec.IsSliced(group) {
			continue
		}
		if err := yield(group); err != nil {
			return err
		}
	}
	return nil
}

// mark puts the label on a group with slices that it has lost. Its version stays, since its spec does.
func (u *Upkeep) mark(ctx context.Context, group client.Object) error {
	before, _ := group.DeepCopyObject().(client.Object)
	codec.PutLabels(group, map[string]string{scimv1alpha1.LabelSliced: "true"})
	err := u.Client.Patch(ctx, group, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if err != nil {
		return failure.IgnoreRaces(failure.Wrap(err, "putting a label back on %s", group.GetName()))
	}
	u.restored(group, scimv1alpha1.LabelSliced)
	return nil
}

// restored reports that a label which an object had lost has been put back.
func (u *Upkeep) restored(object client.Object, label string) {
	u.Metrics.Labels.WithLabelValues(label).Inc()
	u.Log.Warn("a label that was lost has been put back", slog.String("name", object.GetName()), slog.String("label", label))
	u.Recorder.Eventf(object, nil, "Normal", "LabelRestored", "Repair", "the label %s was missing or wrong and has been put back", label)
}
