package apply

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubescim/kubescim/internal/operand"
)

func TestApplyGivesWayToWhoGoesOnChangingAnObject(t *testing.T) {
	ctx, c := context.Background(), newCluster(t)
	a := New(c, c)
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	a.now = func() time.Time { return now }
	// fight has somebody else change the object, and reports whether it was put right.
	fight := func() bool {
		t.Helper()
		edit(t, c, func(s *corev1.Service) { s.Spec.Selector[operand.LabelName] = "other" })
		obj, err := a.Apply(ctx, operand.TenantOwner(acme()), operand.Service(operand.DedicatedServer(acme())))
		if contested := (*ContestedError)(nil); err != nil && !errors.As(err, &contested) {
			t.Fatal(err)
		}
		if s, ok := obj.(*corev1.Service); !ok || (err == nil) != (s.Spec.Selector[operand.LabelName] != "other") {
			t.Fatalf("with error %v, Apply returned %+v", err, obj)
		}
		return err == nil
	}
	if _, err := a.Apply(ctx, operand.TenantOwner(acme()), operand.Service(operand.DedicatedServer(acme()))); err != nil {
		t.Fatal(err)
	}
	for i := range rewriteBurst {
		if !fight() {
			t.Fatalf("change %d was not undone", i+1)
		}
	}
	if fight() {
		t.Error("the object is put right however often it is changed")
	}
	now = now.Add(rewriteInterval)
	if !fight() || fight() {
		t.Error("a minute later, the object is not put right once")
	}

	// What the tenant asks for is written at any time.
	intent := operand.Service(operand.DedicatedServer(acme())).WithAnnotations(map[string]string{"example.com/changed": "yes"})
	if _, err := a.Apply(ctx, operand.TenantOwner(acme()), intent); err != nil {
		t.Errorf("another intent: %v", err)
	}
}

// An object that is as intended is no object of a fight, however often it is looked at.
func TestWritesThatChangeNothingAreNotCounted(t *testing.T) {
	ctx, c := context.Background(), newCluster(t)
	a := New(c, c)
	for i := range 3 * rewriteBurst {
		if i > 0 {
			edit(t, c, func(s *corev1.Service) {
				s.Annotations = map[string]string{"example.com/note": time.Duration(i).String()}
			})
		}
		if _, err := a.Apply(ctx, operand.TenantOwner(acme()), operand.Service(operand.DedicatedServer(acme()))); err != nil {
			t.Fatalf("after %d notes: %v", i, err)
		}
	}
}
