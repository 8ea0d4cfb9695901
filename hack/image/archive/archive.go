// Package archive writes container images without a container engine. The archive is the one that
// "docker save" writes, which containerd, Docker, kind and registry clients all read.
package archive

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
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
	Tag    string
	Files  []File
	Config v1.Config
	// Created is the time of the image and of all its files. The same files and the same time make the same
	// image, bit for bit.
	Created time.Time
}

// manifestEntry is the archive's own description of an image.
type manifestEntry struct {
	Config   string   `json:"Config"`
	RepoTags []string `json:"RepoTags"`
	Layers   []string `json:"Layers"`
}

// Write writes the archive.
func (i Image) Write(w io.Writer) error {
	layer, err := i.layer()
	if err != nil {
		return fmt.Errorf("make the layer of %s: %w", i.Tag, err)
	}
	layerSum := sum(layer)
	config, err := json.Marshal(i.configFile(layerSum))
	if err != nil {
		return fmt.Errorf("encode the configuration of %s: %w", i.Tag, err)
	}
	configName, layerName := sum(config)+".json", layerSum+".tar"
	manifest, err := json.Marshal([]manifestEntry{{
		Config:   configName,
		RepoTags: []string{i.Tag},
		Layers:   []string{layerName},
	}})
	if err != nil {
		return fmt.Errorf("encode the manifest of %s: %w", i.Tag, err)
	}
	err = i.tar(w, []File{
		{Path: configName, Mode: 0o644, Content: config},
		{Path: layerName, Mode: 0o644, Content: layer},
		{Path: "manifest.json", Mode: 0o644, Content: manifest},
	})
	if err != nil {
		return fmt.Errorf("write the archive of %s: %w", i.Tag, err)
	}
	return nil
}

// configFile describes the image to whatever runs it.
func (i Image) configFile(layerSum string) v1.ConfigFile {
	created := v1.Time{Time: i.Created.UTC()}
	return v1.ConfigFile{
		Architecture: runtime.GOARCH,
		OS:           "linux",
		Created:      created,
		Config:       i.Config,
		RootFS: v1.RootFS{
			Type:    "layers",
			DiffIDs: []v1.Hash{{Algorithm: "sha256", Hex: layerSum}},
		},
		History: []v1.History{{Created: created, CreatedBy: "hack/image"}},
	}
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

// sum is the SHA-256 of content, in hexadecimal.
func sum(content []byte) string {
	digest := sha256.Sum256(content)
	return hex.EncodeToString(digest[:])
}
