package hosting

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/eventsink/sender"
)

// The last trace of a deletion stays until it is known who has not heard of it, and until these have had time to.
func TestForget(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := scimv1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	sink := func(name string, users int64) *scimv1alpha1.ScimEventSink {
		return &scimv1alpha1.ScimEventSink{
			ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name},
			Spec:       scimv1alpha1.ScimEventSinkSpec{TenantRef: scimv1alpha1.TenantReference{Name: "acme"}},
			Status:     scimv1alpha1.ScimEventSinkStatus{Cursor: scimv1alpha1.EventCursor{Users: users}},
		}
	}
	behind, ahead := sink("behind", 10), sink("ahead", 20)
	cluster := fake.NewClientBuilder().WithScheme(scheme).WithObjects(behind, ahead).WithStatusSubresource(behind).Build()
	p := &Process{Options: Options{Client: cluster}}
	forget := func(ago time.Duration) bool {
		t.Helper()
		may, err := p.forget(t.Context(), "acme", sender.Deletion{Revision: 15, Time: time.Now().Add(-ago)})
		if err != nil {
			t.Fatal(err)
		}
		return may
	}
	if may, err := p.forget(t.Context(), "acme", sender.Deletion{Revision: 15}); may || err == nil {
		t.Errorf("it may go before the sinks are known: %v, %v", may, err)
	}
	var known []*scimv1alpha1.ScimEventSink
	for _, one := range []*scimv1alpha1.ScimEventSink{behind, ahead} {
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(one), one); err != nil {
			t.Fatal(err)
		}
		known = append(known, one)
	}
	p.SendTo(known)
	if forget(time.Second) {
		t.Error("it may go at once")
	}
	if !forget(time.Hour) || !forget(2*time.Hour) {
		t.Error("it may not go although the sink says so")
	}
	for _, one := range known {
		if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(one), one); err != nil {
			t.Fatal(err)
		}
		missed := meta.IsStatusConditionFalse(one.Status.Conditions, scimv1alpha1.ConditionDeletionsComplete)
		if missed != (one.Name == "behind") {
			t.Errorf("sink %s misses the deletion: %v", one.Name, missed)
		}
	}
}
