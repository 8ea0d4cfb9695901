package main

import (
	"fmt"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kubescim/kubescim/hack/image/archive"
)

// user is the user and group that the programs run as. A number, because only of a number can the kubelet tell
// that it is not root (runAsNonRoot).
const user = "65532:65532"

// accounts give the number a name for programs that ask for it.
const (
	passwd = "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n"
	group  = "root:x:0:\nnonroot:x:65532:\n"
)

// assemble puts programs of an architecture into an image, each in the root folder under its own name.
func assemble(tag, architecture string, programs []string, source source) (archive.Image, error) {
	files := []archive.File{
		{Path: "etc/group", Mode: 0o644, Content: []byte(group)},
		{Path: "etc/passwd", Mode: 0o644, Content: []byte(passwd)},
	}
	for _, program := range programs {
		content, err := os.ReadFile(program)
		if err != nil {
			return archive.Image{}, fmt.Errorf("read a program for the image: %w", err)
		}
		files = append(files, archive.File{Path: filepath.Base(program), Mode: 0o755, Content: content})
	}
	return archive.Image{
		Tag:          tag,
		Architecture: architecture,
		Files:        files,
		Created:      source.time,
		Config: v1.Config{
			User:       user,
			Entrypoint: []string{"/" + filepath.Base(programs[0])},
			WorkingDir: "/",
			Labels:     labels(source),
		},
	}, nil
}

// labels say what the image is, in the words that registries and scanners know.
func labels(source source) map[string]string {
	labels := map[string]string{
		"org.opencontainers.image.title":       "kubescim",
		"org.opencontainers.image.description": "Kubernetes operator that runs SCIM 2.0 servers",
		"org.opencontainers.image.source":      "https://github.com/kubescim/kubescim",
		"org.opencontainers.image.licenses":    "Apache-2.0",
		"org.opencontainers.image.version":     source.version,
	}
	if source.revision != "" {
		labels["org.opencontainers.image.revision"] = source.revision
	}
	return labels
}
