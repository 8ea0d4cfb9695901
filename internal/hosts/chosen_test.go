package hosts

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kubescim/kubescim/internal/operand"
)

// What a tenant has comes before what it has given up, and that in the order in which it may still
// be called.
func TestChosen(t *testing.T) {
	holder := operand.Holder{Kind: operand.KindTenant, NamespacedName: types.NamespacedName{Namespace: "team", Name: "acme"}}
	record := func(host string, chosen bool, givenUp time.Duration) corev1.ConfigMap {
		record := operand.HostRecord("kubescim-system", host, holder)
		if chosen {
			operand.MarkChosen(record)
		}
		if givenUp > 0 {
			operand.GiveUp(record, time.Now().Add(-givenUp))
		}
		return *record
	}
	got := chosen([]corev1.ConfigMap{
		record("long-ago.example.com", true, 2*time.Hour), record("its-own.example.com", false, 0),
		record("just-now.example.com", true, time.Hour), record("b.example.com", true, 0), record("a.example.com", true, 0),
	})
	if want := []string{"a.example.com", "b.example.com", "just-now.example.com", "long-ago.example.com"}; !slices.Equal(got, want) {
		t.Errorf("they are %q", got)
	}
}
