package main

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	clientset "k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/federation"
	"github.com/kubescim/kubescim/internal/federation/discovery"
	"github.com/kubescim/kubescim/internal/program"
	"github.com/kubescim/kubescim/internal/replica"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/transport"
)

// newRecorder returns what records events, and what ends it. Events are written in
// the background, so that nobody waits for them.
func newRecorder(ctx context.Context) (events.EventRecorder, func(), error) {
	config, err := newConfig()
	if err != nil {
		return nil, nil, err
	}
	clients, err := clientset.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("making a client for events: %w", err)
	}
	scheme, err := newScheme()
	if err != nil {
		return nil, nil, err
	}
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: clients.EventsV1()})
	if err := broadcaster.StartRecordingToSinkWithContext(ctx); err != nil {
		return nil, nil, fmt.Errorf("beginning to record events: %w", err)
	}
	return broadcaster.NewRecorder(scheme, "kubescim-server"), broadcaster.Shutdown, nil
}

// newClient returns a client that reads from the API server, on behalf of the
// pod's ServiceAccount.
func newClient(with func(*rest.Config)) (client.WithWatch, error) {
	config, err := newConfig()
	if err != nil {
		return nil, err
	}
	with(config)
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	live, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("making a client for the API server: %w", err)
	}
	return live, nil
}

// newWatchClient returns the client with the watches of a cache.
func newWatchClient(live client.WithWatch) (client.WithWatch, error) {
	config, err := newConfig()
	if err != nil {
		return nil, err
	}
	return cache.NewWatchClient(live, config)
}

// newKeyFetcher returns what fetches the keys of issuers of assertions.
func newKeyFetcher(o options) (federation.Fetch, error) {
	config, err := newConfig()
	if err != nil {
		return nil, err
	}
	cluster, err := replica.NewClusterIssuer(config)
	if err != nil {
		return nil, err
	}
	others := &discovery.Client{Allows: o.issuers.AllowsURL, Networks: o.issuers.Networks, Agent: config.UserAgent}
	return func(ctx context.Context, from federation.Origin) (federation.KeySet, error) {
		if from.Cluster {
			return cluster.Fetch(ctx)
		}
		return others.Fetch(ctx, from)
	}, nil
}

// newConfig returns how to reach the API server. What limits how much is asked of
// it is the API server's own priority and fairness.
func newConfig() (*rest.Config, error) {
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("finding the API server: %w", err)
	}
	config.UserAgent = userAgent()
	config.Wrap(transport.Audit)
	return config, nil
}

// userAgent is what the server calls itself.
func userAgent() string { return "kubescim-server/" + program.Version }

func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), scimv1alpha1.AddToScheme(scheme)); err != nil {
		return nil, fmt.Errorf("building the scheme: %w", err)
	}
	return scheme, nil
}
