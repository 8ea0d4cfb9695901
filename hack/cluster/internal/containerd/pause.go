package containerd

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
	"github.com/kubescim/kubescim/hack/image/archive"
	"github.com/kubescim/kubescim/hack/internal/gobuild"
)

// EnsurePauseImage gives containerd the image that it needs before it can run any pod.
func EnsurePauseImage(ctx context.Context, dir layout.Dir, checkout string, logf func(string, ...any)) error {
	present, err := Ctr(ctx, dir, "--namespace", "k8s.io", "images", "list", "--quiet")
	if err != nil {
		return fmt.Errorf("look for the pause image: %w", err)
	}
	for name := range strings.Lines(present) {
		if strings.HasSuffix(strings.TrimSpace(name), "/"+PauseImage) {
			return nil
		}
	}
	program := dir.Path("run", "pause")
	if err := buildPause(ctx, checkout, program); err != nil {
		return err
	}
	file := program + ".tar"
	if err := writePauseImage(program, file); err != nil {
		return err
	}
	return Import(ctx, dir, file, logf)
}

// buildPause compiles the pause program of this checkout.
func buildPause(ctx context.Context, checkout, program string) error {
	cmd := gobuild.ForImage(ctx, runtime.GOARCH, "-s -w", "-o", program, "./pause")
	cmd.Dir = filepath.Join(checkout, "hack")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the pause program: %w\n%s", err, bytes.TrimSpace(output))
	}
	return nil
}

// writePauseImage packs the program.
func writePauseImage(program, file string) error {
	content, err := os.ReadFile(program)
	if err != nil {
		return fmt.Errorf("read the pause program: %w", err)
	}
	image := archive.Image{
		Tag:          PauseImage,
		Architecture: runtime.GOARCH,
		Files:        []archive.File{{Path: "pause", Mode: 0o755, Content: content}},
		Config:       v1.Config{Entrypoint: []string{"/pause"}, User: "65535:65535", WorkingDir: "/"},
		Created:      time.Unix(0, 0),
	}
	var packed bytes.Buffer
	if err := image.Write(&packed); err != nil {
		return err
	}
	if err := os.WriteFile(file, packed.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the pause image: %w", err)
	}
	return nil
}
