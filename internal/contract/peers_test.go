package contract

import (
	"slices"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestUnreachablePeers(t *testing.T) {
	lease := func(name, unreachable string) coordinationv1.Lease {
		l := coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if unreachable != "" {
			l.Annotations = map[string]string{AnnotationUnreachablePeers: unreachable}
		}
		return l
	}
	got := UnreachablePeers([]coordinationv1.Lease{lease("b", "c,a"), lease("c", ""), lease("a", "b")})
	want := []Unreachable{{From: "a", To: "b"}, {From: "b", To: "a"}, {From: "b", To: "c"}}
	if !slices.Equal(got, want) {
		t.Errorf("UnreachablePeers = %v, want %v", got, want)
	}
	if got := UnreachablePeers([]coordinationv1.Lease{lease("a", "")}); got != nil {
		t.Errorf("UnreachablePeers of pods that reach each other = %v", got)
	}
}
