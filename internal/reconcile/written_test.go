package reconcile

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
)

var key = client.ObjectKey{Namespace: "team", Name: "acme"}

// reader has one Service, in one version; none when that is empty.
type reader struct {
	version string
	reads   int
}

func (r *reader) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	r.reads++
	if r.version == "" {
		return apierrors.NewNotFound(corev1.Resource("services"), key.Name)
	}
	obj.SetNamespace(key.Namespace)
	obj.SetName(key.Name)
	obj.SetResourceVersion(r.version)
	return nil
}

func (r *reader) List(context.Context, client.ObjectList, ...client.ListOption) error { return nil }

func service(version string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, ResourceVersion: version}}
}

func TestGetReadsNothingOlderThanWhatWasWritten(t *testing.T) {
	for name, tc := range map[string]struct {
		written, cached, live string
		want                  string
		liveReads             int
	}{
		"nothing was written":         {"", "7", "9", "7", 0},
		"the cache has caught up":     {"7", "7", "9", "7", 0},
		"the cache is further":        {"7", "10", "11", "10", 0},
		"the cache is behind":         {"10", "9", "11", "11", 1},
		"the API server was restored": {"100", "9", "10", "10", 1},
	} {
		t.Run(name, func(t *testing.T) {
			w, cached, live := &Written{}, &reader{version: tc.cached}, &reader{version: tc.live}
			if tc.written != "" {
				w.Note(service(tc.written))
			}
			got, err := Get[corev1.Service](context.Background(), w, cached, live, key)
			if err != nil || got.ResourceVersion != tc.want || live.reads != tc.liveReads {
				t.Errorf("got version %v, error %v, with %d live reads", got, err, live.reads)
			}
		})
	}
}

// After a restore, the versions that the cache has from then on are no longer behind.
func TestGetGoesByTheRestoredVersionsOnceItHasSeenOne(t *testing.T) {
	w, cached, live := &Written{}, &reader{version: "9"}, &reader{version: "9"}
	w.Note(service("100"))
	for range 3 {
		if _, err := Get[corev1.Service](context.Background(), w, cached, live, key); err != nil {
			t.Fatal(err)
		}
	}
	if live.reads != 1 {
		t.Errorf("%d live reads", live.reads)
	}
}

func TestGetForgetsWhatIsGone(t *testing.T) {
	for name, gone := range map[string]struct{ cached, live string }{
		"from the cache":      {"", "9"},
		"from the API server": {"9", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := &Written{}
			w.Note(service("100"))
			_, err := Get[corev1.Service](context.Background(), w, &reader{version: gone.cached}, &reader{version: gone.live}, key)
			if !apierrors.IsNotFound(err) || len(w.versions) != 0 {
				t.Errorf("error %v, remembered %v", err, w.versions)
			}
		})
	}
}

func TestBeyondStatus(t *testing.T) {
	change := func(c func(*corev1.Service)) *corev1.Service {
		s := service("2")
		s.Generation = 1
		c(s)
		return s
	}
	for name, tc := range map[string]struct {
		after *corev1.Service
		want  bool
	}{
		"the status":     {change(func(s *corev1.Service) { s.Status.LoadBalancer.Ingress = make([]corev1.LoadBalancerIngress, 1) }), false},
		"the spec":       {change(func(s *corev1.Service) { s.Generation = 2 }), true},
		"a label":        {change(func(s *corev1.Service) { s.Labels = map[string]string{"a": "b"} }), true},
		"an annotation":  {change(func(s *corev1.Service) { s.Annotations = map[string]string{"a": "b"} }), true},
		"the finalizers": {change(func(s *corev1.Service) { s.Finalizers = []string{"a/b"} }), true},
	} {
		before := service("1")
		before.Generation = 1
		if got := BeyondStatus().Update(event.UpdateEvent{ObjectOld: before, ObjectNew: tc.after}); got != tc.want {
			t.Errorf("a change of %s: let through = %v", name, got)
		}
	}
	if !BeyondStatus().Create(event.CreateEvent{Object: service("1")}) || !BeyondStatus().Delete(event.DeleteEvent{Object: service("1")}) {
		t.Error("creations and deletions are left out")
	}
}

func TestRetriesNeverPauseForLongerThanAMinute(t *testing.T) {
	limiter, request := NewRateLimiter(), ctrl.Request{NamespacedName: key}
	last := limiter.When(request)
	for range 50 {
		next := limiter.When(request)
		if next < last || next > time.Minute {
			t.Fatalf("after a pause of %s comes one of %s", last, next)
		}
		last = next
	}
}
