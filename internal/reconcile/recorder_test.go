package reconcile

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// namespaces answers every question for a namespace alike.
type namespaces struct {
	deleted *metav1.Time
	err     error
}

func (n namespaces) Get(_ context.Context, _ client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	obj.SetDeletionTimestamp(n.deleted)
	return n.err
}

func (n namespaces) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return n.err
}

func TestNothingIsRecordedInANamespaceThatEnds(t *testing.T) {
	for name, tc := range map[string]struct {
		namespaces namespaces
		recorded   int
	}{
		"it stays":            {namespaces{}, 1},
		"it is being deleted": {namespaces{deleted: ptr.To(metav1.Now())}, 0},
		"it is gone":          {namespaces{err: apierrors.NewNotFound(corev1.Resource("namespaces"), "team")}, 0},
		"it cannot be read":   {namespaces{err: errors.New("timed out")}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inner := events.NewFakeRecorder(2)
			NewRecorder(inner, tc.namespaces).Eventf(service("1"), nil, corev1.EventTypeNormal, "Reason", "Action", "a %s", "note")
			if len(inner.Events) != tc.recorded {
				t.Errorf("%d events are recorded", len(inner.Events))
			}
		})
	}
}
