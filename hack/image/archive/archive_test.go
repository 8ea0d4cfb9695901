package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// sample is an image with a program and a file in a folder.
var sample = Image{
	Tag:          "kubescim/kubescim:test",
	Architecture: "arm64",
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
	content := write(t)
	tag, err := name.NewTag(sample.Tag)
	if err != nil {
		t.Fatal(err)
	}
	image, err := tarball.Image(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }, &tag)
	if err != nil {
		t.Fatalf("read the archive: %v", err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatalf("read the configuration: %v", err)
	}
	if config.OS != "linux" || config.Architecture != sample.Architecture || config.Config.User != sample.Config.User ||
		!slices.Equal(config.Config.Entrypoint, sample.Config.Entrypoint) || !config.Created.Equal(sample.Created) {
		t.Errorf("the configuration is %+v", config)
	}
	if len(config.RootFS.DiffIDs) != 1 {
		t.Errorf("the layers are %v, want one", config.RootFS.DiffIDs)
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
