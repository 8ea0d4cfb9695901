package upkeep

import (
	"context"
	"errors"
	"log/slog"
	"maps"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

// errEnough ends a LIST of which as much has been looked at as may be at a time.
var errEnough = errors.New("the next pass of the upkeep goes on")

// restoreLabels puts labels back on a page of what has lost them, as memory shows. The server does
// without, but people do not, who ask kubectl for what has a label.
func (u *Upkeep) restoreLabels(ctx context.Context) (err error) {
	left := batch
	for kind := range readindex.Kinds {
		for _, name := range u.Cache.Mislabelled(kind, left) {
			left--
			err = errors.Join(err, u.relabel(ctx, kind, name))
		}
	}
	err = errors.Join(err, u.unmarked(ctx, func(group client.Object) error {
		if left == 0 {
			return errEnough
		}
		left--
		return u.label(ctx, group, scimv1alpha1.LabelSliced, "true")
	}))
	if errors.Is(err, errEnough) {
		return nil // What else failed is tried again then.
	}
	return err
}

// relabel puts the labels back that an object has lost.
func (u *Upkeep) relabel(ctx context.Context, kind readindex.Kind, name string) error {
	object := codec.NewObjectOf(kind)
	err := u.Client.Get(ctx, client.ObjectKey{Namespace: u.Tenant.Namespace, Name: name}, object)
	if apierrors.IsNotFound(err) || failure.IsUnreadable(err) {
		return nil
	}
	if err != nil {
		return failure.Wrap(err, "reading %s, which has lost a label", name)
	}
	for label, value := range codec.LabelsOf(u.Tenant.Name, object) {
		if object.GetLabels()[label] == value {
			continue
		}
		if err := u.label(ctx, object, label, value); err != nil {
			return err
		}
	}
	return nil
}

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

// label puts a label on an object that has lost it, and reports it. Its version stays, since
// its spec does.
func (u *Upkeep) label(ctx context.Context, object client.Object, label, value string) error {
	before, _ := object.DeepCopyObject().(client.Object)
	labels := maps.Clone(object.GetLabels())
	if labels == nil {
		labels = map[string]string{}
	}
	labels[label] = value
	object.SetLabels(labels)
	err := u.Client.Patch(ctx, object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if err != nil {
		return failure.IgnoreRaces(failure.Wrap(err, "putting a label back on %s", object.GetName()))
	}
	u.Metrics.Labels.WithLabelValues(label).Inc()
	u.Log.Warn("a label that was lost has been put back", slog.String("name", object.GetName()), slog.String("label", label))
	u.Recorder.Eventf(object, nil, "Normal", "LabelRestored", "Repair", "the label %s was missing or wrong and has been put back", label)
	return nil
}
