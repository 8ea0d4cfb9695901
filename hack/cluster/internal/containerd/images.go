// Package containerd puts images into the cluster's own containerd, and makes the one of the pause program.
package containerd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
)

// Name is the name of containerd's program, which comes from Debian.
const Name = "containerd"

// PauseImage keeps the namespaces of a pod. It is made from this checkout, so it needs no registry.
const PauseImage = "kubescim/pause:1"

// importLimit bounds the import of an image.
const importLimit = 5 * time.Minute

// Import gives an image archive to containerd, in the namespace that the kubelet uses.
func Import(ctx context.Context, dir layout.Dir, file string, logf func(string, ...any)) error {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("load an image: there is no %s; make it with: go -C hack run ./image", file)
	}
	ctx, cancel := context.WithTimeout(ctx, importLimit)
	defer cancel()
	output, err := Ctr(ctx, dir, "--namespace", "k8s.io", "images", "import", file)
	if err != nil {
		return fmt.Errorf("load %s: %w", file, err)
	}
	logf("%s", strings.TrimSpace(output))
	return nil
}

// Ctr runs containerd's command line client against the cluster's own containerd.
func Ctr(ctx context.Context, dir layout.Dir, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "ctr", append([]string{"--address", dir.ContainerdSocket(),
		"--connect-timeout", "2s"}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("ctr %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
