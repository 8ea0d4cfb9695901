package operand

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/rollout"
)

// What is the operator's and what is the owner's must not be mixed up: the one comes in
// turn, and the other at once.
func TestRecordOf(t *testing.T) {
	usual := Settings{Image: "kubescim:1", Absence: time.Hour}
	other := func(change func(*Settings)) Settings {
		s := usual
		change(&s)
		return s
	}
	record := func(spec scimv1alpha1.ServerSpec, settings Settings) rollout.Record {
		t.Helper()
		release, err := ReleaseOf(settings)
		if err != nil {
			t.Fatal(err)
		}
		r, err := RecordOf(DedicatedServer(tenant(func(t *scimv1alpha1.ScimTenant) { t.Spec.Server = spec })), settings, release)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	before := record(scimv1alpha1.ServerSpec{}, usual)
	for name, tc := range map[string]struct {
		spec                     scimv1alpha1.ServerSpec
		settings                 Settings
		release, shape, template bool
	}{
		"nothing":            {settings: usual},
		"another image":      {settings: other(func(s *Settings) { s.Image = "kubescim:2" }), release: true, template: true},
		"another argument":   {settings: other(func(s *Settings) { s.Absence = time.Minute }), release: true, template: true},
		"another default":    {settings: other(func(s *Settings) { s.Defaults.Resources = memory("1Gi") }), release: true, template: true},
		"assigned ids":       {settings: other(func(s *Settings) { s.AssignedIDs = true }), release: true, template: true},
		"more replicas":      {spec: scimv1alpha1.ServerSpec{Replicas: 5}, settings: usual},
		"autoscaling":        {spec: scimv1alpha1.ServerSpec{Autoscaling: scimv1alpha1.ServerAutoscaling{MaxReplicas: 5}}, settings: usual},
		"resources":          {spec: scimv1alpha1.ServerSpec{Resources: memory("1Gi")}, settings: usual, shape: true, template: true},
		"the usual, written": {spec: scimv1alpha1.ServerSpec{Resources: ptrTo(usualResources())}, settings: usual, shape: true},
	} {
		t.Run(name, func(t *testing.T) {
			after := record(tc.spec, tc.settings)
			if (after.Release != before.Release) != tc.release || (after.Shape != before.Shape) != tc.shape || (after.Template != before.Template) != tc.template {
				t.Errorf("it is %+v, and was %+v", after, before)
			}
		})
	}
	// A release in which an empty spec has another shape takes every server for changed by its owner.
	if before.Shape != "501de836b88be0a8" {
		t.Errorf("the shape of nothing is %s", before.Shape)
	}
}

func ptrTo(r corev1.ResourceRequirements) *corev1.ResourceRequirements { return &r }

func usualResources() corev1.ResourceRequirements {
	return as[corev1.PodSpec](&testing.T{}, Deployment(DedicatedServer(tenant()), Settings{Image: "kubescim:1"}).Spec.Template.Spec).Containers[0].Resources
}
