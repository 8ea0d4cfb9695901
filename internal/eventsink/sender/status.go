package sender

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/store/index"
)

const (
	// statusGap is how long it is at least from one write of a status to the next.
	statusGap = 5 * time.Second
	// pendingGap is the same where nothing has changed but how much is owed.
	pendingGap = time.Minute
)

// state writes the status of the sink as it was known, if it is another one. It fails if somebody else has
// written the sink since, and goes by what that says then.
func (s *Sender) state(ctx context.Context, sink *scimv1alpha1.ScimEventSink, last bool) {
	if s.summary.Outcome == "" || !last && s.now().Sub(s.written) < statusGap {
		return
	}
	so := settled{sink, s.summary, s.position}
	if so == s.settled && (s.failures == 0 || s.now().Sub(s.written) < pendingGap) {
		return
	}
	next := sink.DeepCopy()
	next.Status.ObservedGeneration = sink.Generation
	next.Status.Cursor = cursorOf(s.position)
	conditions.Set(next, s.summary, s.deletions(sink, next)...)
	if !s.delivered.IsZero() && next.Status.Cursor != sink.Status.Cursor {
		next.Status.LastDeliveryTime = metav1.NewTime(s.delivered)
	}
	news := !equality.Semantic.DeepEqual(next.Status, sink.Status)
	if !news && (s.failures == 0 || s.now().Sub(s.written) < pendingGap) {
		s.settled = so
		return
	}
	s.written = s.now()
	if pending, known := s.pending(); known {
		next.Status.Pending = ptr.To(int32(pending))
	}
	if equality.Semantic.DeepEqual(next.Status, sink.Status) {
		return
	}
	err := write(ctx, s.Client, next)
	switch {
	case apierrors.IsConflict(err):
		s.reread(ctx, sink)
	case apierrors.IsNotFound(err):
	case err != nil:
		s.Log.Warn("the status of an event sink could not be written and is written again", slog.Any("error", err))
	default:
		s.wrote(next)
	}
}

// settled is a sink whose status says what it is to say, and what that is.
type settled struct {
	sink     *scimv1alpha1.ScimEventSink
	summary  conditions.Summary
	position index.Position
}

// write writes the status of a sink, and fails with a conflict if it has changed since it was read.
func write(ctx context.Context, to client.Client, sink *scimv1alpha1.ScimEventSink) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": sink.ResourceVersion}, "status": replacing(sink.Status),
	})
	if err != nil {
		return fmt.Errorf("encoding the status: %w", err)
	}
	return to.Status().Patch(ctx, sink, client.RawPatch(types.MergePatchType, patch))
}

// Refuse states of a sink that it is not served, and why, if it does not say so already. That it has changed
// since it was read, or is gone, is no error.
func Refuse(ctx context.Context, to client.Client, sink *scimv1alpha1.ScimEventSink, why string) error {
	next := sink.DeepCopy()
	next.Status.ObservedGeneration = sink.Generation
	conditions.Set(next, conditions.Summary{Outcome: conditions.Stalled, Reason: scimv1alpha1.ReasonNotAllowed, Message: why})
	if equality.Semantic.DeepEqual(next.Status, sink.Status) {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := write(within, to, next)
	if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		return fmt.Errorf("writing the status of an event sink that is not served: %w", err)
	}
	return nil
}

// reread takes note of a sink as the API server has it, whatever its resourceVersion: after a restore of etcd
// that is lower than the one that was known.
func (s *Sender) reread(ctx context.Context, known *scimv1alpha1.ScimEventSink) {
	sink := &scimv1alpha1.ScimEventSink{}
	if err := s.Client.Get(ctx, client.ObjectKeyFromObject(known), sink); err != nil {
		if !apierrors.IsNotFound(err) {
			s.Log.Warn("an event sink could not be read and is read again", slog.Any("error", err))
		}
		return
	}
	if sink.UID != known.UID { // Another Sender is for that one.
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sink = sink
}

// replacing is a status for a merge patch, which leaves what it does not name as it was.
func replacing(status scimv1alpha1.ScimEventSinkStatus) map[string]any {
	all := map[string]any{"conditions": status.Conditions, "observedGeneration": status.ObservedGeneration, "pending": status.Pending}
	all["cursor"] = map[string]any{
		"users": orNull(status.Cursor.Users), "groups": orNull(status.Cursor.Groups), "groupMembers": orNull(status.Cursor.GroupMembers),
	}
	if !status.LastDeliveryTime.IsZero() {
		all["lastDeliveryTime"] = status.LastDeliveryTime
	}
	if status.Cursor == (scimv1alpha1.EventCursor{}) {
		all["cursor"] = nil
	}
	return all
}

// orNull is a revision, or nil for none.
func orNull(revision int64) any {
	if revision == 0 {
		return nil
	}
	return revision
}

// wrote takes note of the sink as it was written.
func (s *Sender) wrote(sink *scimv1alpha1.ScimEventSink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stated = sink.Status.Cursor
	if newer(sink, s.sink) {
		s.sink = sink
	}
}

// pending is how much the receiver has still to hear of; known is false while memory is not complete.
func (s *Sender) pending() (pending int, known bool) {
	known = s.memory.Read(func(x *index.Index) {
		pending = 0
		if x.HasChanged(s.position) {
			_, pending = x.Changes(s.position, 1)
		}
	})
	return pending, known
}

// newer reports whether a sink is not older than another one.
func newer(sink, than *scimv1alpha1.ScimEventSink) bool {
	order, err := resourceversion.CompareResourceVersion(sink.ResourceVersion, than.ResourceVersion)
	return err != nil || order >= 0
}

func positionOf(cursor scimv1alpha1.EventCursor) index.Position {
	return index.Position{
		index.UserObjects: uint64(cursor.Users), index.GroupObjects: uint64(cursor.Groups), index.SliceObjects: uint64(cursor.GroupMembers),
	}
}

func cursorOf(position index.Position) scimv1alpha1.EventCursor {
	return scimv1alpha1.EventCursor{
		Users: int64(position[index.UserObjects]), Groups: int64(position[index.GroupObjects]), GroupMembers: int64(position[index.SliceObjects]),
	}
}
