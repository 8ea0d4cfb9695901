package kubernetes

import (
	"context"
	"errors"
	"log/slog"
	"maps"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/barrier"
)

// errEnough ends a LIST of which as much has been looked at as may be at a time.
var errEnough = errors.New("the next pass of the upkeep goes on")

// restoreLabels puts the tenant's label back on a page of what has lost it. The server does
// without, but people do not, who ask kubectl for what has a label. more says that there may
// be others.
func (u *Upkeep) restoreLabels(ctx context.Context) (more bool, err error) {
	s := u.store
	selected, err := unlabelled(s.tenant.Name)
	if err != nil {
		return false, err
	}
	restored := 0
	for kind := range barrier.Kinds {
		failed := s.eachObject(ctx, barrier.Kind(kind), selected, func(object client.Object) error {
			if restored == upkeepPage {
				return errEnough
			}
			restored++
			return u.label(ctx, object, map[string]string{v1alpha1.LabelTenant: s.tenant.Name})
		})
		more = more || errors.Is(failed, errEnough)
		if !errors.Is(failed, errEnough) {
			err = errors.Join(err, failed)
		}
	}
	return more, err
}

// label puts labels on an object that has lost them, and tells so. Its version stays, since
// its spec does.
func (u *Upkeep) label(ctx context.Context, object client.Object, lost map[string]string) error {
	before, _ := object.DeepCopyObject().(client.Object)
	labels := maps.Clone(object.GetLabels())
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, lost)
	object.SetLabels(labels)
	err := u.store.client.Patch(ctx, object, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	if err != nil {
		return ignoreRaces(wrap(err, "putting labels back on %s", object.GetName()))
	}
	for label := range lost {
		u.labels.WithLabelValues(label).Inc()
		u.Log.Warn("a label that was lost has been put back", slog.String("name", object.GetName()), slog.String("label", label))
		u.Recorder.Eventf(object, nil, "Normal", "LabelRestored", "Repair", "the label %s was missing or wrong and has been put back", label)
	}
	return nil
}
