// Package archive writes container images without a container engine: one image as the archive that
// "docker save" writes, which containerd, Docker, kind and registry clients all read, or the images of
// several architectures as an OCI layout, which registry clients push as one.
package archive

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// File is a regular file of the image. It belongs to root, so that the image's user cannot change it.
type File struct {
	// Path is where it is, without a leading slash.
	Path    string
	Mode    int64
	Content []byte
}

// Image is an image with one layer.
type Image struct {
	// Tag is its name, such as kubescim/kubescim:dev.
	Tag string
	// Architecture is the one of its programs, as Go names it.
	Architecture string
	Files        []File
	Config       v1.Config
	// Created is the time of the image and of all its files. The same files and the same time make the same
	// image, bit for bit.
	Created time.Time
}

// Write writes the archive.
func (i Image) Write(w io.Writer) error {
	tag, err := name.NewTag(i.Tag)
	if err != nil {
		return fmt.Errorf("the tag %q is none: write it as in kubescim/kubescim:dev: %w", i.Tag, err)
	}
	image, err := i.build()
	if err != nil {
		return fmt.Errorf("make the image %s: %w", i.Tag, err)
	}
	if err := tarball.Write(tag, image, w); err != nil {
		return fmt.Errorf("write the archive of %s: %w", i.Tag, err)
	}
	return nil
}

// build returns the image with its layer and configuration.
func (i Image) build() (v1.Image, error) {
	content, err := i.layer()
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.Append(base, mutate.Addendum{Layer: layer, History: v1.History{CreatedBy: "hack/image"}})
	if err != nil {
		return nil, err
	}
	image, err = mutate.Config(image, i.Config)
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file.OS, file.Architecture = "linux", i.Architecture
	if image, err = mutate.ConfigFile(image, file); err != nil {
		return nil, err
	}
	return mutate.CreatedAt(image, v1.Time{Time: i.Created.UTC()})
}

// layer is the tar of the image's files.
func (i Image) layer() ([]byte, error) {
	var buffer bytes.Buffer
	if err := i.tar(&buffer, i.Files); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}

// tar writes files with nothing in their headers that differs from one build to the next.
func (i Image) tar(w io.Writer, files []File) error {
	writer := tar.NewWriter(w)
	for _, dir := range parents(files) {
		if err := writer.WriteHeader(i.header(tar.TypeDir, dir+"/", 0o755, 0)); err != nil {
			return fmt.Errorf("add folder %s: %w", dir, err)
		}
	}
	for _, file := range files {
		if err := writer.WriteHeader(i.header(tar.TypeReg, file.Path, file.Mode, len(file.Content))); err != nil {
			return fmt.Errorf("add file %s: %w", file.Path, err)
		}
		if _, err := writer.Write(file.Content); err != nil {
			return fmt.Errorf("add file %s: %w", file.Path, err)
		}
	}
	return writer.Close()
}

// header belongs to root and has the time of the image.
func (i Image) header(kind byte, name string, mode int64, size int) *tar.Header {
	return &tar.Header{
		Typeflag: kind, Name: name, Mode: mode, Size: int64(size),
		ModTime: i.Created.UTC(), Format: tar.FormatPAX,
	}
}
