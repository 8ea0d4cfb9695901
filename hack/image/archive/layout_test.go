package archive

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// of returns the sample for an architecture, with a program that differs by it.
func of(architecture string) Image {
	image := sample
	image.Architecture = architecture
	image.Files = []File{{Path: "manager", Mode: 0o755, Content: []byte("program for " + architecture)}}
	image.Config.Labels = map[string]string{"org.opencontainers.image.title": "kubescim"}
	return image
}

// writeLayout writes a layout and returns what a registry client finds in it, whole and valid.
func writeLayout(t *testing.T, images ...Image) (root *v1.IndexManifest, index v1.ImageIndex) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layout")
	if err := WriteLayout(dir, images); err != nil {
		t.Fatalf("WriteLayout: %v", err)
	}
	found, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatalf("read the layout: %v", err)
	}
	if root, err = found.IndexManifest(); err != nil || len(root.Manifests) != 1 {
		t.Fatalf("the layout lists %+v (%v), want one index", root, err)
	}
	if index, err = found.ImageIndex(root.Manifests[0].Digest); err != nil {
		t.Fatalf("read the index: %v", err)
	}
	if err := validate.Index(index); err != nil {
		t.Errorf("the index is not valid: %v", err)
	}
	return root, index
}

func TestLayoutHasAnImageForEachArchitecture(t *testing.T) {
	root, index := writeLayout(t, of("amd64"), of("arm64"))
	if got := root.Manifests[0].Annotations[refName]; got != "test" {
		t.Errorf("the index is named %q, want test", got)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if manifest.MediaType != types.OCIImageIndex || !maps.Equal(manifest.Annotations, of("amd64").Config.Labels) {
		t.Errorf("the index is %s with %v", manifest.MediaType, manifest.Annotations)
	}
	var platforms []string
	for _, listed := range manifest.Manifests {
		platforms = append(platforms, listed.Platform.String())
		image, err := index.Image(listed.Digest)
		if err != nil {
			t.Fatal(err)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if config.Architecture != listed.Platform.Architecture || config.OS != listed.Platform.OS {
			t.Errorf("what is listed for %s is for %s/%s", listed.Platform, config.OS, config.Architecture)
		}
		layers, err := image.Layers()
		if err != nil || len(layers) != 1 {
			t.Fatalf("the layers are %v (%v), want one", layers, err)
		}
		if kind, _ := layers[0].MediaType(); kind != types.OCILayer || listed.MediaType != types.OCIManifestSchema1 {
			t.Errorf("the layer is %s, of a manifest of %s", kind, listed.MediaType)
		}
	}
	if want := []string{"linux/amd64", "linux/arm64"}; !slices.Equal(platforms, want) {
		t.Errorf("the index is for %q, want %q", platforms, want)
	}
}

func TestLayoutIsReproducible(t *testing.T) {
	_, first := writeLayout(t, of("amd64"), of("arm64"))
	_, second := writeLayout(t, of("amd64"), of("arm64"))
	one, err := first.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if two, err := second.Digest(); err != nil || one != two {
		t.Errorf("the same images came out as %s and %s (%v)", one, two, err)
	}
}

func TestLayoutIsNotAddedTo(t *testing.T) {
	if err := WriteLayout(t.TempDir(), []Image{of("amd64")}); err == nil {
		t.Error("a layout was written into a folder that was there")
	}
}
