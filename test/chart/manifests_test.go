package chart_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

// Whoever installs without Helm gets the objects that the chart makes, and the namespace, which Helm makes itself.
func TestAllManifestsAreThoseOfTheChart(t *testing.T) {
	ofChart := byName(render(t))
	for name, objects := range map[string][]*unstructured.Unstructured{
		"config/default":    kustomize(t, filepath.Join(root, "config", "default")),
		"dist/install.yaml": dist(t, "kubescim/kubescim:0.1.0"),
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			found := byName(objects)
			g.Expect(found).To(HaveKey("Namespace /kubescim-system"))
			delete(found, "Namespace /kubescim-system")
			g.Expect(found).To(HaveLen(len(ofChart)))
			for name, object := range ofChart {
				g.Expect(found).To(HaveKeyWithValue(name, object))
			}
		})
	}
}

// The definitions that are installed say which release they are of, by which older ones are refused.
func TestTheDefinitionsSayTheirRelease(t *testing.T) {
	made, err := filepath.Glob(filepath.Join(root, "config", "crd", "bases", "*.yaml"))
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	for name, objects := range map[string][]*unstructured.Unstructured{"0.1.0": render(t), "0.2.0-rc.1": dist(t, "registry.example.com/kubescim:v0.2.0-rc.1")} {
		g := NewWithT(t)
		definitions := ofKind[metav1.PartialObjectMetadata](t, objects, "CustomResourceDefinition")
		g.Expect(definitions).To(HaveLen(len(made)))
		for _, definition := range definitions {
			g.Expect(definition.Annotations).To(HaveKeyWithValue("scim.kubescim.dev/release", name), definition.Name)
		}
	}
}

// byName returns objects by their kinds and names, without what says who has installed them: Helm, or kustomize.
func byName(objects []*unstructured.Unstructured) map[string]map[string]any {
	named := map[string]map[string]any{}
	for _, object := range objects {
		withoutInstaller(object.Object)
		if object.GetKind() == "CustomResourceDefinition" {
			// What belongs to a Helm release is labelled so, and kept when it ends.
			object.SetLabels(nil)
			unstructured.RemoveNestedField(object.Object, "metadata", "annotations", "helm.sh/resource-policy")
		}
		named[object.GetKind()+" "+object.GetNamespace()+"/"+object.GetName()] = object.Object
	}
	return named
}

// withoutInstaller takes the labels of the installer off an object, and off the pods that it describes.
func withoutInstaller(part map[string]any) {
	for name, value := range part {
		inner, _ := value.(map[string]any)
		if name == "labels" {
			delete(inner, "helm.sh/chart")
			delete(inner, "app.kubernetes.io/managed-by")
		}
		withoutInstaller(inner)
	}
}

// kustomize returns the objects of a kustomization.
func kustomize(t *testing.T, folder string) []*unstructured.Unstructured {
	t.Helper()
	command := exec.CommandContext(t.Context(), kubectl(t), "kustomize", folder)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("kubectl kustomize %s: %v", folder, err)
	}
	return read(t, out)
}

// dist returns the objects of what `make dist` writes for an image.
func dist(t *testing.T, image string) []*unstructured.Unstructured {
	t.Helper()
	folder := t.TempDir()
	build := exec.CommandContext(t.Context(), "make", "-C", root, "dist", "IMG="+image, "DIST="+folder, "KUBECTL="+kubectl(t))
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("make dist: %v: %s", err, out)
	}
	content, err := os.ReadFile(filepath.Join(folder, "install.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return read(t, content)
}

func read(t *testing.T, manifests []byte) []*unstructured.Unstructured {
	t.Helper()
	objects, err := controllertest.ReadManifests(manifests)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func kubectl(t *testing.T) string {
	t.Helper()
	assets, err := controllertest.Assets()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(assets, "kubectl")
}
