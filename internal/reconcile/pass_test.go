package reconcile

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/conditions/conditionscheck"
)

// bench is a place to run passes over one ScimApiKey in.
type bench struct {
	t      *testing.T
	frame  Frame
	events *events.FakeRecorder
	writes []string
}

func newBench(t *testing.T, change ...func(*scimv1alpha1.ScimApiKey)) *bench {
	t.Helper()
	stored := &scimv1alpha1.ScimApiKey{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, Generation: 1}}
	for _, c := range change {
		c(stored)
	}
	scheme := runtime.NewScheme()
	if err := scimv1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, events: events.NewFakeRecorder(10)}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(stored).WithStatusSubresource(stored).
		WithInterceptorFuncs(interceptor.Funcs{
			Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
				b.writes = append(b.writes, "object")
				return c.Patch(ctx, obj, patch, opts...)
			},
			SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
				b.writes = append(b.writes, sub)
				return c.SubResource(sub).Patch(ctx, obj, patch, opts...)
			},
		}).Build()
	b.frame = Frame{Client: c, Owner: "tests", Recorder: b.events, Written: &Written{}, AfterConflict: 3 * time.Second}
	return b
}

// current is the object as it is at the API server; nil when it is gone.
func (b *bench) current() *scimv1alpha1.ScimApiKey {
	b.t.Helper()
	now := &scimv1alpha1.ScimApiKey{}
	err := b.frame.Client.Get(b.t.Context(), key, now)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return now
}

// run makes a pass, of which the work is given, and which says that all is well or what
// has failed.
func (b *bench) run(work func(context.Context, *Pass[*scimv1alpha1.ScimApiKey]) (ctrl.Result, error)) (ctrl.Result, error) {
	b.t.Helper()
	object := b.current()
	pass := Begin(b.frame, object)
	step := func(ctx context.Context) (ctrl.Result, error) { return work(ctx, pass) }
	return pass.Run(b.t.Context(), Steps{Normal: step, Deletion: step, State: func(failure error) []Event {
		summary := conditions.Summary{Outcome: conditions.Ready, Reason: scimv1alpha1.ReasonSucceeded, Message: "all is well"}
		if failure != nil {
			summary = conditions.Summary{
				Outcome: conditions.Reconciling, Reason: scimv1alpha1.ReasonReconcileFailed, Message: failure.Error(),
			}
		}
		if failure == nil {
			object.Status.ObservedGeneration = object.Generation
		}
		if !conditions.Set(object, summary) {
			return nil
		}
		return []Event{ReadyEvent(summary)}
	}})
}

func (b *bench) recorded() []string {
	var all []string
	for len(b.events.Events) > 0 {
		all = append(all, <-b.events.Events)
	}
	return all
}

func nothing(context.Context, *Pass[*scimv1alpha1.ScimApiKey]) (ctrl.Result, error) {
	return ctrl.Result{}, nil
}

func withFinalizers(finalizers ...string) func(*scimv1alpha1.ScimApiKey) {
	return func(k *scimv1alpha1.ScimApiKey) { k.Finalizers = finalizers }
}

func TestPassSetsTheFinalizerFirstAndTheStatusLast(t *testing.T) {
	b := newBench(t)
	result, err := b.run(func(context.Context, *Pass[*scimv1alpha1.ScimApiKey]) (ctrl.Result, error) {
		if now := b.current(); !slices.Contains(now.Finalizers, scimv1alpha1.Finalizer) || len(now.Status.Conditions) > 0 {
			t.Errorf("the work finds %+v", now)
		}
		return ctrl.Result{RequeueAfter: time.Hour}, nil
	})
	if err != nil || result.RequeueAfter != time.Hour {
		t.Errorf("the pass ends with %+v, %v", result, err)
	}
	if !slices.Equal(b.writes, []string{"object", "status"}) {
		t.Errorf("it writes %v", b.writes)
	}
	if wrong := conditionscheck.Check(b.current()); len(wrong) > 0 {
		t.Errorf("the status is wrong: %v", wrong)
	}
	if recorded := b.recorded(); !slices.Equal(recorded, []string{"Normal Succeeded all is well"}) {
		t.Errorf("it tells %q", recorded)
	}
}

func TestPassWritesNothingThatIsSaidAlready(t *testing.T) {
	b := newBench(t)
	for range 2 {
		b.writes, b.events = nil, events.NewFakeRecorder(10)
		b.frame.Recorder = b.events
		if _, err := b.run(nothing); err != nil {
			t.Fatal(err)
		}
	}
	if recorded := b.recorded(); len(b.writes) > 0 || len(recorded) > 0 {
		t.Errorf("the second pass writes %v, and tells %v", b.writes, recorded)
	}
}

func TestPassStatesAFailureAndReturnsIt(t *testing.T) {
	b := newBench(t)
	failure := errors.New("timed out")
	_, err := b.run(func(context.Context, *Pass[*scimv1alpha1.ScimApiKey]) (ctrl.Result, error) {
		return ctrl.Result{}, failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("the pass ends with %v", err)
	}
	if recorded := b.recorded(); !slices.Equal(recorded, []string{"Warning ReconcileFailed timed out"}) {
		t.Errorf("it tells %q", recorded)
	}
}

func TestPassTakesWhatIsNoFailureForNone(t *testing.T) {
	ending := apierrors.NewForbidden(corev1.Resource("secrets"), "a", errors.New("it is being terminated"))
	ending.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
	for name, tc := range map[string]struct {
		err  error
		want time.Duration
	}{
		"somebody else was faster": {apierrors.NewConflict(corev1.Resource("secrets"), "a", errors.New("newer")), 3 * time.Second},
		"the namespace ends":       {ending, 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, withFinalizers(scimv1alpha1.Finalizer))
			result, err := b.run(func(context.Context, *Pass[*scimv1alpha1.ScimApiKey]) (ctrl.Result, error) {
				return ctrl.Result{RequeueAfter: time.Hour}, tc.err
			})
			if err != nil || result.RequeueAfter != tc.want || len(b.writes) > 0 {
				t.Errorf("the pass ends with %+v, %v, having written %v", result, err, b.writes)
			}
		})
	}
}

func TestPassNeverSetsAFinalizerOnWhatHasChanged(t *testing.T) {
	b := newBench(t)
	object := b.current()
	changed := b.current()
	changed.Labels = map[string]string{"a": "b"}
	if err := b.frame.Client.Update(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	withdrawn := 0
	result, err := Begin(b.frame, object).Run(t.Context(), Steps{Withdraw: func(context.Context) error { withdrawn++; return nil }})
	if withdrawn != 1 {
		t.Errorf("what is to be taken away all the same was %d times", withdrawn)
	}
	if err != nil || result.RequeueAfter != 3*time.Second || len(b.current().Finalizers) > 0 {
		t.Errorf("the pass ends with %+v, %v; the finalizers are %v", result, err, b.current().Finalizers)
	}
}

func TestPassWritesNothingToWhatItHasReleased(t *testing.T) {
	for name, finalizers := range map[string][]string{
		"that is gone then":       {scimv1alpha1.Finalizer},
		"that others have yet":    {scimv1alpha1.Finalizer, "example.com/other"},
		"that was not its at all": {"example.com/other"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, withFinalizers(finalizers...))
			if err := b.frame.Client.Delete(t.Context(), b.current()); err != nil {
				t.Fatal(err)
			}
			release := func(ctx context.Context, pass *Pass[*scimv1alpha1.ScimApiKey]) (ctrl.Result, error) {
				return ctrl.Result{}, pass.Release(ctx)
			}
			if _, err := b.run(release); err != nil {
				t.Fatal(err)
			}
			now := b.current()
			if (now == nil) != (len(finalizers) == 1 && finalizers[0] == scimv1alpha1.Finalizer) {
				t.Errorf("the object is %+v", now)
			}
			if finalizers[0] == scimv1alpha1.Finalizer && !slices.Equal(b.writes, []string{"object"}) {
				t.Errorf("it writes %v", b.writes)
			}
		})
	}
}

func TestPassRemembersWhatItWrote(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(nothing); err != nil {
		t.Fatal(err)
	}
	if version := b.frame.Written.versions[key]; version != b.current().ResourceVersion {
		t.Errorf("it remembers %s, and the object is of %s", version, b.current().ResourceVersion)
	}
}

func TestRemoveAnnotationKeepsWhatThePassHasFound(t *testing.T) {
	b := newBench(t, func(k *scimv1alpha1.ScimApiKey) {
		k.Annotations = map[string]string{"done": "", "other": "stays"}
	})
	_, err := b.run(func(ctx context.Context, pass *Pass[*scimv1alpha1.ScimApiKey]) (ctrl.Result, error) {
		pass.object.Status.KeyID = "abcdefghij234567"
		return ctrl.Result{}, pass.RemoveAnnotation(ctx, "done")
	})
	now := b.current()
	if _, there := now.Annotations["done"]; err != nil || there || now.Annotations["other"] != "stays" || now.Status.KeyID != "abcdefghij234567" {
		t.Errorf("the object is %+v, after %v", now, err)
	}
}

func TestRemoveAnnotationFailsIfSomebodyElseHasWritten(t *testing.T) {
	b := newBench(t, func(k *scimv1alpha1.ScimApiKey) { k.Annotations = map[string]string{"done": ""} })
	result, err := b.run(func(ctx context.Context, pass *Pass[*scimv1alpha1.ScimApiKey]) (ctrl.Result, error) {
		other := b.current()
		other.Annotations["done"] = "once more"
		if err := b.frame.Client.Update(ctx, other); err != nil {
			t.Fatal(err)
		}
		return ctrl.Result{}, pass.RemoveAnnotation(ctx, "done")
	})
	if err != nil || result.RequeueAfter != b.frame.AfterConflict || b.current().Annotations["done"] != "once more" {
		t.Errorf("it is %+v, after %v, and comes again in %s", b.current().Annotations, err, result.RequeueAfter)
	}
}
