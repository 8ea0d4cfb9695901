package scimtenant

import (
	"context"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/moving"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// An operator that was stopped in the middle of a pass, or goes by a cache that is behind, does not
// put a list of servers back which another one has changed since, whyever it writes one.
func TestStaleListOfServersIsNotWritten(t *testing.T) {
	const mode, one, two = scimv1alpha1.HostingModeMemory, "one-scim-server", "two-scim-server"
	for name, stale := range map[string]*scope{
		"another host": healthy(func(s *scope) {
			s.tenant.Status.Servers = []scimv1alpha1.TenantServer{{Name: one, Mode: mode, Host: "former.example.com"}}
			s.next = []moving.Server{{Name: one, Mode: mode}}
		}),
		"the first server": healthy(func(s *scope) { s.listed, s.next = nil, []moving.Server{{Name: one, Mode: mode}} }),
	} {
		t.Run(name, func(t *testing.T) {
			moved := []scimv1alpha1.TenantServer{{Name: two, Mode: mode}}
			frame, tenant := frameWith(t, stale.tenant)
			stale.tenant, stale.pass = tenant, reconcile.Begin(frame, tenant)

			current := tenant.DeepCopy()
			current.Status.Servers = moved
			if err := frame.Client.Status().Update(t.Context(), current); err != nil {
				t.Fatal(err)
			}
			nothing := func(context.Context) (ctrl.Result, error) { return ctrl.Result{}, nil }
			result, err := stale.pass.Run(t.Context(), reconcile.Steps{Normal: nothing, State: stale.state})
			if err != nil || result.RequeueAfter != frame.AfterConflict {
				t.Errorf("the pass ends with %+v, %v, and is to begin anew", result, err)
			}
			if err := frame.Client.Get(t.Context(), client.ObjectKeyFromObject(current), current); err != nil {
				t.Fatal(err)
			}
			if !equality.Semantic.DeepEqual(current.Status.Servers, moved) {
				t.Errorf("the tenant is served by %+v, want %+v", current.Status.Servers, moved)
			}
		})
	}
}

// frameWith returns a frame with a client that has the tenant, and the tenant as it was read.
func frameWith(t *testing.T, tenant *scimv1alpha1.ScimTenant) (reconcile.Frame, *scimv1alpha1.ScimTenant) {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := scimv1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	tenant.Finalizers = []string{scimv1alpha1.Finalizer}
	frame := (&Reconciler{
		Client:   fake.NewClientBuilder().WithScheme(scheme).WithObjects(tenant).WithStatusSubresource(tenant).Build(),
		Recorder: events.NewFakeRecorder(10),
	}).frame()
	read := &scimv1alpha1.ScimTenant{}
	if err := frame.Client.Get(t.Context(), client.ObjectKeyFromObject(tenant), read); err != nil {
		t.Fatal(err)
	}
	return frame, read
}
