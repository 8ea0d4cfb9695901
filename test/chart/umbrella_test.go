package chart_test

import (
	"os"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// umbrella returns a chart that has this one as a dependency, with values.
func umbrella(t *testing.T, values string) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range map[string]string{
		"Chart.yaml": `apiVersion: v2
name: platform
version: 1.0.0
dependencies:
  - {name: kubescim, version: "*", condition: kubescim.enabled}
`,
		"values.yaml": values,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(folder, "charts", "kubescim"), os.DirFS(chartPath)); err != nil {
		t.Fatal(err)
	}
	return folder
}

// A chart that has this one as a dependency turns it on by a value of its own.
func TestAsADependency(t *testing.T) {
	g := NewWithT(t)
	platform := umbrella(t, "kubescim: {enabled: true, replicas: 2}\n")
	operator := ofKind[appsv1.Deployment](t, renderChart(t, platform), "Deployment")
	g.Expect(operator).To(HaveLen(1))
	g.Expect(operator[0].Spec.Replicas).To(HaveValue(BeEquivalentTo(2)))
	g.Expect(renderChart(t, platform, "--set", "kubescim.enabled=false")).To(BeEmpty())
}

// What is global holds for this chart as for those beside it, which may have global values of their own.
func TestGlobalValuesOfAParent(t *testing.T) {
	for name, tc := range map[string]struct {
		global, own string
		image       string
		pullSecrets []corev1.LocalObjectReference
	}{
		"none": {"{storageClass: fast}", "{}", "kubescim/kubescim:0.1.0", nil},
		"a registry": {
			"{imageRegistry: mirror.example.com}", "{image: {registry: registry.example.com}}", "mirror.example.com/kubescim/kubescim:0.1.0", nil,
		},
		"a registry of the chart's own": {
			`{imageRegistry: ""}`, "{image: {registry: registry.example.com}}", "registry.example.com/kubescim/kubescim:0.1.0", nil,
		},
		"Secrets by name": {
			"{imagePullSecrets: [mirror]}", "{imagePullSecrets: [{name: own}]}", "kubescim/kubescim:0.1.0",
			[]corev1.LocalObjectReference{{Name: "own"}, {Name: "mirror"}},
		},
		"Secrets as objects": {
			"{imagePullSecrets: [{name: mirror}]}", "{imagePullSecrets: [{name: mirror}]}", "kubescim/kubescim:0.1.0",
			[]corev1.LocalObjectReference{{Name: "mirror"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			objects := renderChart(t, umbrella(t, "global: "+tc.global+"\nkubescim: "+tc.own+"\n"))
			pod := ofKind[appsv1.Deployment](t, objects, "Deployment")[0].Spec.Template.Spec
			g.Expect(pod.Containers[0].Image).To(Equal(tc.image))
			g.Expect(serverImage(pod.Containers[0])).To(Equal(tc.image), "the servers are of the same image")
			g.Expect(pod.ImagePullSecrets).To(Equal(tc.pullSecrets))
		})
	}
}
