package reconcile

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// askTimeout bounds how long an event waits for what is known of its namespace.
const askTimeout = 2 * time.Second

// NewRecorder returns a recorder that records nothing about what is in a namespace that is
// being deleted: the API server takes no event there, and each one would be an error in the
// log. The reader must ask the API server, since namespaces are in no cache.
func NewRecorder(inner events.EventRecorder, live client.Reader) events.EventRecorder {
	return recorder{EventRecorder: inner, live: live}
}

type recorder struct {
	events.EventRecorder

	live client.Reader
}

// Eventf records an event. Where it cannot be found out whether the namespace ends, the
// event is recorded.
func (r recorder) Eventf(regarding, related runtime.Object, eventtype, reason, action, note string, args ...any) {
	if object, err := meta.Accessor(regarding); err == nil && object.GetNamespace() != "" {
		ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
		defer cancel()
		if ends, err := NamespaceEnds(ctx, r.live, object.GetNamespace()); err == nil && ends {
			return
		}
	}
	r.EventRecorder.Eventf(regarding, related, eventtype, reason, action, note, args...)
}
