package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kubescim/kubescim/hack/cluster/internal/binaries"
	"github.com/kubescim/kubescim/hack/cluster/internal/components"
	"github.com/kubescim/kubescim/hack/cluster/internal/daemon"
	"github.com/kubescim/kubescim/hack/cluster/internal/debian"
	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
	"github.com/kubescim/kubescim/hack/internal/gobuild"
)

// Edge makes nginx serve the Ingresses of the cluster, which must be up, by the program of this checkout.
func (c *Cluster) Edge(ctx context.Context) error {
	unlock, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if _, ok := daemon.Recorded(c.dir, binaries.APIServer); !ok {
		return errors.New("serve Ingresses: the local cluster does not run; run up first")
	}
	if err := debian.Ensure(ctx, debian.ForEdge, c.logf); err != nil {
		return err
	}
	if err := c.buildEdge(ctx); err != nil {
		return err
	}
	if err := components.Edge(c.dir).Ensure(ctx, c.dir, c.logf); err != nil {
		return err
	}
	c.logf("Ingresses are served at https://%s", layout.EdgeAddress)
	return nil
}

// buildEdge compiles the program, and replaces the one that is there if it is another.
func (c *Cluster) buildEdge(ctx context.Context) error {
	if err := os.MkdirAll(components.EdgeDir(c.dir), 0o700); err != nil {
		return fmt.Errorf("make the folder of the edge: %w", err)
	}
	program := components.Edge(c.dir).Path
	built := program + ".built"
	cmd := gobuild.Command(ctx, "-s -w", "-o", built, "./edge")
	cmd.Dir = filepath.Join(c.checkout, "hack")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the edge: %w\n%s", err, bytes.TrimSpace(output))
	}
	content, err := os.ReadFile(built)
	if err != nil {
		return fmt.Errorf("read the edge that was built: %w", err)
	}
	if err := os.Remove(built); err != nil {
		return fmt.Errorf("remove what the compiler has made: %w", err)
	}
	return layout.WriteIfChanged(program, content, 0o755)
}
