package sender

import (
	"net/http"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/store/index"
)

// forget does what is done before the last trace of a user goes who was deleted some time ago.
func (w *world) forget(revision uint64, ago time.Duration) {
	w.t.Helper()
	if !(Deletion{Revision: revision, Time: w.clock.Add(-ago)}).MissedBy(w.stored()) {
		return
	}
	stated, err := StateMissed(w.t.Context(), w.client, w.stored())
	if err != nil {
		w.t.Fatal(err)
	}
	w.Update(stated)
}

// complete expects what the sink says of deletions.
func (w *world) complete(want metav1.ConditionStatus) *metav1.Condition {
	w.t.Helper()
	found := meta.FindStatusCondition(w.stored().Status.Conditions, scimv1alpha1.ConditionDeletionsComplete)
	if found == nil || found.Status != want {
		w.t.Fatalf("DeletionsComplete is %+v, want %s", found, want)
	}
	return found
}

func TestADeletionThatAReceiverHasHeardOfIsForgottenInSilence(t *testing.T) {
	w := newWorld(t)
	w.memory.put(id(1), 10)
	w.memory.PutKept(index.Kept{ID: id(2), Revision: 20})
	w.pass(0)
	for range 8 {
		w.pass(24 * time.Hour) // Nothing is owed.
	}
	writes := w.writes
	w.forget(20, 7*24*time.Hour)
	w.pass(time.Minute)
	if w.complete(metav1.ConditionTrue); w.writes != writes {
		t.Errorf("there were %d writes", w.writes-writes)
	}
}

func TestADeletionThatAReceiverHasNotHeardOfIsStatedUntilAllIsSentAgain(t *testing.T) {
	w := newWorld(t)
	w.memory.put(id(1), 10)
	w.pass(0)
	began := w.complete(metav1.ConditionTrue).LastTransitionTime
	w.receiver.answers(func(rw http.ResponseWriter) { rw.WriteHeader(http.StatusServiceUnavailable) })
	w.memory.put(id(3), 30)
	w.pass(8 * 24 * time.Hour)
	w.forget(20, 7*24*time.Hour)
	w.complete(metav1.ConditionFalse)
	writes := w.writes
	if w.forget(25, 7*24*time.Hour); w.writes != writes {
		t.Error("it is stated twice")
	}
	w.receiver.answers(nil)
	sink := w.pass(time.Minute)
	w.says(sink, metav1.ConditionTrue, scimv1alpha1.ReasonDelivering, "")
	w.complete(metav1.ConditionFalse)

	if err := w.client.Status().Patch(t.Context(), w.stored(), client.RawPatch("application/merge-patch+json", []byte(`{"status":{"cursor":null}}`))); err != nil {
		t.Fatal(err)
	}
	w.Update(w.stored())
	w.pass(time.Minute)
	if since := w.complete(metav1.ConditionTrue).LastTransitionTime; !since.After(began.Time) {
		t.Errorf("it is so since %s, and was since %s", since, began)
	}
}

// While a new receiver is sent all that there is, traces go of those whom it has never heard of.
func TestANewReceiverMissesNobodyWhoWasDeletedBefore(t *testing.T) {
	w := newWorld(t)
	w.forget(20, 7*24*time.Hour)
	w.memory.put(id(1), 10)
	w.pass(0)
	w.forget(20, 7*24*time.Hour)
	w.complete(metav1.ConditionTrue)
	w.forget(20, time.Minute)
	w.complete(metav1.ConditionFalse)
}

func TestAGroupAndAUserAreCountedByCursorsOfTheirOwn(t *testing.T) {
	sink := &scimv1alpha1.ScimEventSink{Status: scimv1alpha1.ScimEventSinkStatus{Cursor: scimv1alpha1.EventCursor{Users: 10, Groups: 20}}}
	for deletion, want := range map[Deletion]bool{
		{Revision: 15, Time: time.Now()}: true, {Revision: 10, Time: time.Now()}: false,
		{Group: true, Revision: 15, Time: time.Now()}: false, {Group: true, Revision: 25, Time: time.Now()}: true,
	} {
		if got := deletion.MissedBy(sink); got != want {
			t.Errorf("%+v is missed: %v", deletion, got)
		}
	}
}
