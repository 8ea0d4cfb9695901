// Package gitops_test checks what the tools that deploy tenants and keys take them
// for: those that read kstatus (Helm, Flux, kubectl wait), and Argo CD.
package gitops_test

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

// resource is a tenant or a key.
type resource interface {
	client.Object
	conditions.Object
}

func newTenant() resource {
	return &scimv1alpha1.ScimTenant{
		TypeMeta:   metav1.TypeMeta{APIVersion: scimv1alpha1.GroupVersion.String(), Kind: "ScimTenant"},
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "acme"},
		Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderEntra},
	}
}

func newKey() resource {
	return &scimv1alpha1.ScimApiKey{
		TypeMeta:   metav1.TypeMeta{APIVersion: scimv1alpha1.GroupVersion.String(), Kind: "ScimApiKey"},
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "entra"},
		Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: "acme"}},
	}
}

// state is a state of a resource, and what it is taken for.
type state struct {
	outcome conditions.Outcome
	reason  string
	// stale is true when it was found about an earlier spec.
	stale bool
	// deleted is true when the resource is being deleted.
	deleted bool

	kstatus, argo string
}

// states are those that the operator leaves a resource in.
var states = map[string]state{
	"ready":         {outcome: conditions.Ready, reason: scimv1alpha1.ReasonSucceeded, kstatus: "Current", argo: "Healthy"},
	"paused":        {outcome: conditions.Ready, reason: scimv1alpha1.ReasonPaused, kstatus: "Current", argo: "Suspended"},
	"suspended":     {outcome: conditions.Ready, reason: scimv1alpha1.ReasonSuspended, kstatus: "Current", argo: "Suspended"},
	"being made":    {outcome: conditions.Reconciling, reason: scimv1alpha1.ReasonServerRollingOut, kstatus: "InProgress", argo: "Progressing"},
	"stalled":       {outcome: conditions.Stalled, reason: scimv1alpha1.ReasonObjectConflict, kstatus: "Failed", argo: "Degraded"},
	"once ready":    {outcome: conditions.Ready, reason: scimv1alpha1.ReasonSucceeded, stale: true, kstatus: "InProgress", argo: "Progressing"},
	"once stalled":  {outcome: conditions.Stalled, reason: scimv1alpha1.ReasonObjectConflict, stale: true, kstatus: "InProgress", argo: "Progressing"},
	"being deleted": {outcome: conditions.Reconciling, reason: scimv1alpha1.ReasonDeleting, deleted: true, kstatus: "Terminating", argo: "Progressing"},
}

// in returns the resource in a state.
func (s state) in(t *testing.T, obj resource) *unstructured.Unstructured {
	t.Helper()
	obj.SetGeneration(3)
	conditions.Set(obj, conditions.Summary{Outcome: s.outcome, Reason: s.reason, Message: "because of " + s.reason})
	observed := obj.GetGeneration()
	if s.stale {
		obj.SetGeneration(4)
	}
	if s.deleted {
		obj.SetDeletionTimestamp(&metav1.Time{Time: time.Now()})
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		t.Fatal(err)
	}
	if err := unstructured.SetNestedField(content, observed, "status", "observedGeneration"); err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: content}
}

// fresh returns a tenant and a key as the API server has them before any operator
// has seen them.
func fresh(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	g, ctx := NewWithT(t), context.Background()
	env, err := controllertest.Start()
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Error(err)
		}
	})
	var found []*unstructured.Unstructured
	for _, obj := range []resource{newTenant(), newKey()} {
		gvk := obj.GetObjectKind().GroupVersionKind()
		g.Expect(env.Client.Create(ctx, obj)).To(Succeed())
		stored := &unstructured.Unstructured{}
		stored.SetGroupVersionKind(gvk)
		g.Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(obj), stored)).To(Succeed())
		found = append(found, stored)
	}
	return found
}

// TestWhatToolsTakeResourcesFor goes through all states, and both kinds.
func TestWhatToolsTakeResourcesFor(t *testing.T) {
	for name, state := range states {
		for _, obj := range []resource{newTenant(), newKey()} {
			t.Run(obj.GetObjectKind().GroupVersionKind().Kind+" "+name, func(t *testing.T) {
				stored := state.in(t, obj)
				if got := kstatusOf(t, stored); got != state.kstatus {
					t.Errorf("for kstatus it is %s, want %s", got, state.kstatus)
				}
				got, message := argoHealthOf(t, stored)
				if got != state.argo || message == "" {
					t.Errorf("for Argo CD it is %s (%q), want %s", got, message, state.argo)
				}
			})
		}
	}
}

// TestNoToolTakesAFreshResourceForReady is about the moment after a resource was
// applied, when the operator has not seen it, or does not even run.
func TestNoToolTakesAFreshResourceForReady(t *testing.T) {
	for _, obj := range fresh(t) {
		if got := kstatusOf(t, obj); got != "InProgress" {
			t.Errorf("for kstatus, a fresh %s is %s", obj.GetKind(), got)
		}
		if got, message := argoHealthOf(t, obj); got != "Progressing" || message == "" {
			t.Errorf("for Argo CD, a fresh %s is %s (%q)", obj.GetKind(), got, message)
		}
	}
}
