package scimrolebinding

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/roster"
)

// A ScimRoleBinding says so when those who have gone may have the role still, since nobody can know that they have.
func TestUsersThatCannotBeRead(t *testing.T) {
	ctx, stopped := t.Context(), func() context.Context {
		ctx, stop := context.WithCancel(context.Background())
		stop()
		return ctx
	}()
	binding := client.ObjectKey{Namespace: "globex", Name: "admins"}
	r := newRosters(nil)
	r.queue = workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[ctrl.Request]())
	t.Cleanup(r.queue.ShutDown)
	r.run = func(func(context.Context)) func() { return func() {} }
	r.acquire(binding, "globex")
	kept := r.kept[client.ObjectKey{Namespace: "globex", Name: "globex"}]
	says := func(after time.Duration, want string) {
		t.Helper()
		if got := r.unreadable(binding, time.Now().Add(after)); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("after %s, it says %q", after, got)
		}
	}
	says(time.Hour, "")
	r.note(stopped, kept, roster.Users, errors.New("stopped"))
	r.note(ctx, kept, roster.Users, apierrors.NewResourceExpired("too old"))
	r.note(ctx, kept, roster.Users, nil)
	says(time.Hour, "")
	r.note(ctx, kept, roster.Users, errors.New("forbidden"))
	r.note(ctx, kept, roster.Users, errors.New("another"))
	r.note(ctx, kept, roster.Groups, nil)
	says(unreadableAfter-time.Second, "")
	says(unreadableAfter, "forbidden")
	if r.queue.Len() > 0 {
		t.Error("a binding is looked at before that is known")
	}
	r.note(ctx, kept, roster.Users, nil)
	says(time.Hour, "")
	if r.queue.Len() != 1 {
		t.Error("the binding is not looked at again")
	}
}

func TestReadyWhileUsersCannotBeRead(t *testing.T) {
	ready := func(s *scope) *metav1.Condition {
		s.binding = &scimv1alpha1.ScimRoleBinding{ObjectMeta: metav1.ObjectMeta{Generation: 1}}
		conditions.Set(s.binding, because(conditions.Ready, scimv1alpha1.ReasonSucceeded, "all have the role"))
		s.binding.Status.ObservedGeneration = 1
		setStatus(s)
		return meta.FindStatusCondition(s.binding.Status.Conditions, scimv1alpha1.ConditionReady)
	}
	for name, tc := range map[string]struct {
		scope  *scope
		reason string
	}{
		"after a start":               {&scope{reading: true}, scimv1alpha1.ReasonSucceeded},
		"after a start, for long":     {&scope{reading: true, unreadable: "forbidden"}, scimv1alpha1.ReasonReconcileFailed},
		"since a while":               {&scope{unreadable: "forbidden", groups: []string{"g"}}, scimv1alpha1.ReasonReconcileFailed},
		"of a tenant that is paused":  {&scope{unreadable: "forbidden", paused: true}, scimv1alpha1.ReasonPaused},
		"of a role that is not bound": {&scope{unreadable: "forbidden", refused: "not on the list"}, scimv1alpha1.ReasonNotAllowed},
	} {
		if now := ready(tc.scope); now.Reason != tc.reason {
			t.Errorf("%s: Ready is %s: %s", name, now.Reason, now.Message)
		}
	}
}
