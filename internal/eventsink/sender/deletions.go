package sender

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/store/index"
)

// leeway is by how much clocks may differ, and the first status be late that says since when a receiver hears.
const leeway = time.Hour

// Deletion is that of a user or group of which nothing is to be left, so that nobody hears of it any more.
type Deletion struct {
	Group    bool
	Revision uint64 // of what is left
	Time     time.Time
}

// MissedBy reports whether the receiver of a sink may have heard of the user or group, and has not heard of
// the deletion, as far as the status says, which does not say so yet.
func (d Deletion) MissedBy(sink *scimv1alpha1.ScimEventSink) bool {
	kind := index.UserObjects
	if d.Group {
		kind = index.GroupObjects
	}
	if sink.Status.Cursor == (scimv1alpha1.EventCursor{}) || d.Revision <= positionOf(sink.Status.Cursor)[kind] {
		return false // It hears of all anew and has nothing from before, or it has heard.
	}
	since := sink.CreationTimestamp
	if complete := meta.FindStatusCondition(sink.Status.Conditions, scimv1alpha1.ConditionDeletionsComplete); complete != nil {
		if complete.Status != metav1.ConditionTrue {
			return false
		}
		since = complete.LastTransitionTime
	}
	return d.Time.After(since.Add(-leeway)) // Else it was deleted before the receiver heard of anything.
}

// StateMissed states of a sink that its receiver does not hear of a deletion, and returns the sink as it is then; nil
// when it is gone. It is to be called before the last trace goes, which is to stay if it fails.
func StateMissed(ctx context.Context, to client.Client, sink *scimv1alpha1.ScimEventSink) (*scimv1alpha1.ScimEventSink, error) {
	next := sink.DeepCopy()
	missed := conditions.False(scimv1alpha1.ConditionDeletionsComplete, scimv1alpha1.ReasonDeletionsMissed,
		"somebody was deleted so long ago that nothing is left to tell the receiver by, which has not heard of it: compare what it has with /Users and /Groups; then take `status.cursor` away, so that all is sent again")
	missed.ObservedGeneration = sink.Generation
	meta.SetStatusCondition(&next.Status.Conditions, missed)
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := write(within, to, next)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case apierrors.IsConflict(err):
		return nil, fmt.Errorf("event sink %s has changed since it was read", sink.Name)
	case err != nil:
		return nil, fmt.Errorf("writing the status of event sink %s, which misses a deletion: %w", sink.Name, err)
	}
	return next, nil
}

// deletions is what the next status says of deletions: what it says already, for as long as there is a cursor; and
// else, once there is one, that the receiver hears of all since it began anew.
func (s *Sender) deletions(sink, next *scimv1alpha1.ScimEventSink) (parts []metav1.Condition) {
	said := meta.FindStatusCondition(sink.Status.Conditions, scimv1alpha1.ConditionDeletionsComplete)
	switch none := (scimv1alpha1.EventCursor{}); {
	case said != nil && (sink.Status.Cursor != none || next.Status.Cursor == none):
		return []metav1.Condition{*said}
	case next.Status.Cursor == none:
		return nil
	}
	meta.RemoveStatusCondition(&next.Status.Conditions, scimv1alpha1.ConditionDeletionsComplete)
	complete := conditions.True(scimv1alpha1.ConditionDeletionsComplete, scimv1alpha1.ReasonMarkersStay,
		"the receiver has heard of everybody who was deleted since then, or is still to hear")
	complete.LastTransitionTime = metav1.NewTime(s.begun)
	return []metav1.Condition{complete}
}
