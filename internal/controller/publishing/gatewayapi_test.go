package publishing

import (
	"context"
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	toolscache "k8s.io/client-go/tools/cache"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// All that publish hosts wait while HTTPRoutes are listed for the first time.
func TestHTTPRoutesThatMustNotBeListedAreNotWaitedFor(t *testing.T) {
	routes := gatewayv1.Resource(resourceHTTPRoutes)
	forbidden, busy := apierrors.NewForbidden(routes, "", errors.New("no rule")), apierrors.NewTooManyRequests("busy", 1)
	for name, tc := range map[string]struct {
		filled         bool
		err            error
		ended, reports bool
	}{
		"not allowed":               {err: forbidden, ended: true},
		"not allowed any more":      {filled: true, err: forbidden, reports: true},
		"not now":                   {err: busy},
		"there are none":            {err: apierrors.NewNotFound(routes, ""), ended: true},
		"there are none any more":   {filled: true, err: apierrors.NewNotFound(routes, ""), ended: true},
		"not now, but there before": {filled: true, err: busy, reports: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Routes{ended: make(chan struct{})}
			r.filled.Store(tc.filled)
			reported := false
			r.handle(t.Context(), nil, tc.err, func(context.Context, *toolscache.Reflector, error) { reported = true })
			if r.hasEnded() != tc.ended || reported != tc.reports || !errors.Is(r.failure(), tc.err) {
				t.Fatalf("ended: %v, reported: %v, failure: %v", r.hasEnded(), reported, r.failure())
			}
		})
	}
}
