package replica

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
)

// EventSinks follows the ScimEventSinks of the tenants of a server.
type EventSinks struct {
	// Client is a client that reads from the API server.
	Client client.WithWatch
	// Namespace is that of the tenants, and Tenant the name of the only one; empty for all.
	Namespace, Tenant string
	// Era is that of Members.
	Era func() (era readindex.Era, over <-chan struct{})
	// Accept is told all that there are, each time that one has changed.
	Accept func(all []*scimv1alpha1.ScimEventSink)
	Log    *slog.Logger

	known map[string]*scimv1alpha1.ScimEventSink
}

// Run follows them until the context is done.
func (s *EventSinks) Run(ctx context.Context) {
	sinks := &selection[scimv1alpha1.ScimEventSink, *scimv1alpha1.ScimEventSink]{
		client: s.Client, log: s.Log, namespace: s.Namespace, kind: "ScimEventSink",
	}
	if s.Tenant != "" {
		sinks.selector = fields.OneTermEqualSelector("spec.tenantRef.name", s.Tenant)
	}
	list := func(ctx context.Context, _ readindex.Era) (string, error) {
		found, revision, err := sinks.list(ctx)
		if err != nil {
			return "", err
		}
		s.known = map[string]*scimv1alpha1.ScimEventSink{}
		for _, sink := range found {
			s.known[sink.Name] = sink
		}
		s.accept()
		return revision, nil
	}
	follow(ctx, sinks, s.Era, list, s.change)
}

func (s *EventSinks) change(_ context.Context, change watch.EventType, sink *scimv1alpha1.ScimEventSink) error {
	if change == watch.Deleted {
		delete(s.known, sink.Name)
	} else {
		s.known[sink.Name] = sink
	}
	s.accept()
	return nil
}

func (s *EventSinks) accept() {
	s.Accept(slices.Collect(maps.Values(s.known)))
}
