package archive

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// sample is an image with a program and a file in a folder.
var sample = Image{
	Tag: "kubescim/kubescim:test",
	Files: []File{
		{Path: "etc/passwd", Mode: 0o644, Content: []byte("nonroot\n")},
		{Path: "manager", Mode: 0o755, Content: []byte("program")},
	},
	Config:  v1.Config{User: "65532:65532", Entrypoint: []string{"/manager"}},
	Created: time.Unix(1_700_000_000, 0),
}

// write returns the archive of the sample.
func write(t *testing.T) []byte {
	t.Helper()
	var buffer bytes.Buffer
	if err := sample.Write(&buffer); err != nil {
		t.Fatalf("Write: %v", err)
	}
	return buffer.Bytes()
}

// unpack reads a tar, its headers in order and its contents by name.
func unpack(t *testing.T, content []byte) ([]tar.Header, map[string][]byte) {
	t.Helper()
	var headers []tar.Header
	contents := map[string][]byte{}
	reader := tar.NewReader(bytes.NewReader(content))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return headers, contents
		}
		if err != nil {
			t.Fatalf("read the archive: %v", err)
		}
		headers = append(headers, *header)
		if contents[header.Name], err = io.ReadAll(reader); err != nil {
			t.Fatalf("read %s: %v", header.Name, err)
		}
	}
}

func TestWriteIsReproducible(t *testing.T) {
	if !bytes.Equal(write(t), write(t)) {
		t.Error("the same image came out different")
	}
}

func TestWriteDescribesTheImage(t *testing.T) {
	_, files := unpack(t, write(t))
	var manifest []manifestEntry
	if err := json.Unmarshal(files["manifest.json"], &manifest); err != nil {
		t.Fatalf("read the manifest: %v", err)
	}
	if len(manifest) != 1 || !slices.Equal(manifest[0].RepoTags, []string{sample.Tag}) || len(manifest[0].Layers) != 1 {
		t.Fatalf("the manifest is %+v", manifest)
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(files[manifest[0].Config]))
	if err != nil {
		t.Fatalf("read the configuration: %v", err)
	}
	if manifest[0].Config != sum(files[manifest[0].Config])+".json" {
		t.Errorf("the configuration is called %s, not by its digest", manifest[0].Config)
	}
	layer := files[manifest[0].Layers[0]]
	if want := []v1.Hash{{Algorithm: "sha256", Hex: sum(layer)}}; !slices.Equal(config.RootFS.DiffIDs, want) {
		t.Errorf("the layers are %v, want %v", config.RootFS.DiffIDs, want)
	}
	if config.OS != "linux" || config.Config.User != sample.Config.User {
		t.Errorf("the configuration is %+v", config)
	}
}

func TestLayerBelongsToRoot(t *testing.T) {
	layer, err := sample.layer()
	if err != nil {
		t.Fatalf("layer: %v", err)
	}
	headers, contents := unpack(t, layer)
	var names []string
	for _, header := range headers {
		names = append(names, header.Name)
		if header.Uid != 0 || header.Gid != 0 || !header.ModTime.Equal(sample.Created) {
			t.Errorf("%s belongs to %d:%d and is from %s", header.Name, header.Uid, header.Gid, header.ModTime)
		}
	}
	if want := []string{"etc/", "etc/passwd", "manager"}; !slices.Equal(names, want) {
		t.Errorf("the layer holds %q, want %q", names, want)
	}
	if headers[2].Mode != 0o755 || string(contents["manager"]) != "program" {
		t.Errorf("manager has mode %o and content %q", headers[2].Mode, contents["manager"])
	}
}
