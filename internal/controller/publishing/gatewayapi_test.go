package publishing

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// All that publish hosts wait while HTTPRoutes are listed for the first time.
func TestHTTPRoutesThatMustNotBeListedAreNotWaitedFor(t *testing.T) {
	routes := gatewayv1.Resource(resourceHTTPRoutes)
	forbidden, busy := apierrors.NewForbidden(routes, "", errors.New("no rule")), apierrors.NewTooManyRequests("busy", 1)
	for name, tc := range map[string]struct {
		filled         bool
		patient        bool
		err            error
		ended, reports bool
	}{
		"not allowed":               {err: forbidden, ended: true},
		"not in one namespace":      {patient: true, err: forbidden},
		"not known to anybody":      {err: apierrors.NewUnauthorized("no token"), ended: true},
		"not allowed any more":      {filled: true, err: forbidden, reports: true},
		"not now":                   {err: busy},
		"there are none":            {err: apierrors.NewNotFound(routes, ""), ended: true},
		"there are none any more":   {filled: true, err: apierrors.NewNotFound(routes, ""), ended: true},
		"not now, but there before": {filled: true, err: busy, reports: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Routes{patient: tc.patient, ended: make(chan struct{})}
			r.filled.Store(tc.filled)
			reported := false
			r.handle(t.Context(), nil, tc.err, func(context.Context, *toolscache.Reflector, error) { reported = true })
			if r.hasEnded() != tc.ended || reported != tc.reports || !errors.Is(r.failure(), tc.err) {
				t.Fatalf("ended: %v, reported: %v, failure: %v", r.hasEnded(), reported, r.failure())
			}
		})
	}
}

var httpRouteKind = schema.GroupVersionKind{Group: gatewayv1.GroupName, Version: gatewayv1.GroupVersion.Version, Kind: "HTTPRoute"}

// someManager is as much of a manager as HTTPRoutes need. What is added runs until the test ends.
type someManager struct {
	manager.Manager

	run    func(manager.Runnable)
	config *rest.Config
	scheme *runtime.Scheme
	mapper meta.RESTMapper
}

func (m *someManager) GetConfig() *rest.Config        { return m.config }
func (m *someManager) GetHTTPClient() *http.Client    { return http.DefaultClient }
func (m *someManager) GetScheme() *runtime.Scheme     { return m.scheme }
func (m *someManager) GetRESTMapper() meta.RESTMapper { return m.mapper }

func (m *someManager) Add(runnable manager.Runnable) error {
	m.run(runnable)
	return nil
}

// apiServer says whether it serves HTTPRoutes, and lists them as list does.
type apiServer struct {
	served atomic.Bool
	list   http.HandlerFunc
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/"+resourceHTTPRoutes):
		s.list(w, r)
	case s.served.Load():
		answer(w, http.StatusOK, metav1.APIResourceList{
			TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: gatewayv1.GroupVersion.String(),
			APIResources: []metav1.APIResource{{Name: resourceHTTPRoutes, Namespaced: true, Kind: "HTTPRoute", Verbs: metav1.Verbs{"list", verbPatch}}},
		})
	default:
		answer(w, http.StatusNotFound, apierrors.NewNotFound(gatewayv1.Resource(resourceHTTPRoutes), "").ErrStatus)
	}
}

func answer(w http.ResponseWriter, code int, content any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(content)
}

// newGatewayAPI returns what knows of the HTTPRoutes of an API server.
func newGatewayAPI(t *testing.T, server *apiServer) *GatewayAPI {
	t.Helper()
	listening := httptest.NewServer(server)
	t.Cleanup(listening.CloseClientConnections)
	scheme := runtime.NewScheme()
	if err := gatewayv1.Install(scheme); err != nil {
		t.Fatal(err)
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(httpRouteKind, meta.RESTScopeNamespace)
	config := &rest.Config{Host: listening.URL, ContentConfig: rest.ContentConfig{ContentType: runtime.ContentTypeJSON}}
	run := func(runnable manager.Runnable) { go func() { _ = runnable.Start(t.Context()) }() }
	api, err := NewGatewayAPI(&someManager{run: run, config: config, scheme: scheme, mapper: mapper}, nil, cache.Options{
		ByObject:                 map[client.Object]cache.ByObject{&gatewayv1.HTTPRoute{}: {}},
		DefaultWatchErrorHandler: func(context.Context, *toolscache.Reflector, error) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// ago lets the last look be one of some time ago.
func (g *GatewayAPI) ago(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.looked = time.Now().Add(-d)
}

func TestHTTPRoutesThatMustNotBeListedAreAnErrorThatSaysWhatToAllow(t *testing.T) {
	server := &apiServer{list: func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusForbidden, apierrors.NewForbidden(gatewayv1.Resource(resourceHTTPRoutes), "", errors.New("no rule")).ErrStatus)
	}}
	server.served.Store(true)
	routes, err := newGatewayAPI(t, server).Routes(t.Context(), true)
	if routes != nil || err == nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "the operator must be allowed to get") {
		t.Fatal(routes, err)
	}
}

// All that publish hosts ask: one list that is not answered must not keep them waiting.
func TestNobodyWaitsForALookOfAnother(t *testing.T) {
	listing := make(chan struct{}, 1)
	server := &apiServer{list: func(_ http.ResponseWriter, r *http.Request) {
		select {
		case listing <- struct{}{}:
		default:
		}
		<-r.Context().Done()
	}}
	api := newGatewayAPI(t, server)
	if routes, err := api.Routes(t.Context(), true); routes != nil || err != nil {
		t.Fatal(routes, err)
	}
	server.served.Store(true)
	api.ago(lookInterval)
	ctx, cancel := context.WithCancel(t.Context())
	looked := make(chan error, 1)
	go func() {
		_, err := api.Routes(ctx, true)
		looked <- err
	}()
	<-listing
	for _, asks := range []bool{false, true} {
		if routes, err := api.Routes(t.Context(), asks); routes != nil || err != nil {
			t.Errorf("who asks for an HTTPRoute (%v) finds %v, %v", asks, routes, err)
		}
	}
	cancel()
	if err := <-looked; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A version that is not served for a while takes no HTTPRoute away, and nobody may ask for one when it is back.
func TestHTTPRoutesAreLookedForAlsoByWhoAsksForNone(t *testing.T) {
	server := &apiServer{list: func(w http.ResponseWriter, r *http.Request) {
		switch query := r.URL.Query(); {
		case query.Has("sendInitialEvents"):
			answer(w, http.StatusUnprocessableEntity, apierrors.NewInvalid(httpRouteKind.GroupKind(), "", nil).ErrStatus)
			return
		case query.Has("watch"):
			<-r.Context().Done()
			return
		}
		answer(w, http.StatusOK, gatewayv1.HTTPRouteList{TypeMeta: metav1.TypeMeta{Kind: "HTTPRouteList", APIVersion: gatewayv1.GroupVersion.String()}, ListMeta: metav1.ListMeta{ResourceVersion: "1"}})
	}}
	api := newGatewayAPI(t, server)
	for range 2 {
		if reader, err := api.Reader(t.Context()); reader != nil || err != nil {
			t.Fatal(reader, err)
		}
		server.served.Store(true)
	}
	api.ago(retryInterval)
	if reader, err := api.Reader(t.Context()); reader == nil || err != nil {
		t.Fatal(reader, err)
	}
}
