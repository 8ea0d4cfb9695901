package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kubescim/kubescim/hack/cluster/internal/binaries"
)

// Down stops the cluster and removes all that it left on the machine, also after runs that were killed, and then
// looks whether really nothing is left.
func (c *Cluster) Down(ctx context.Context) error {
	if err := needRoot(); err != nil {
		return err
	}
	if err := extendPath(); err != nil {
		return err
	}
	unlock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.dir.needNoOther(); err != nil {
		return err
	}
	if err := c.stopAll(ctx); err != nil {
		return err
	}
	if err := c.removeTraces(ctx); err != nil {
		return err
	}
	return c.verifyGone(ctx)
}

// stopAll ends the daemons and the containers. Containers go when nothing starts them again, and containerd and
// the API server last, since the others wait for those.
func (c *Cluster) stopAll(ctx context.Context) error {
	c.logf("stopping")
	err := c.stopDaemons(ctx, binaries.Kubelet, binaries.ControllerManager, binaries.Scheduler, binaries.KubeProxy)
	if err != nil {
		return err
	}
	return together(ctx,
		func(ctx context.Context) error {
			if err := c.stopDaemons(ctx, binaries.APIServer); err != nil {
				return err
			}
			return c.stopDaemons(ctx, binaries.Etcd)
		},
		func(ctx context.Context) error {
			if err := c.stopDaemons(ctx, containerdName); err != nil {
				return err
			}
			return c.stopContainers(ctx)
		})
}

// stopDaemons ends the named daemons together.
func (c *Cluster) stopDaemons(ctx context.Context, names ...string) error {
	var found []process
	for _, name := range names {
		if current, ok := recorded(c.dir, name); ok {
			found = append(found, current)
		}
	}
	return stop(ctx, stopLimit, found...)
}

// stopContainers kills what runs in containers and then the shims, which outlive containerd by design. Shims go
// last because one that is killed before its container would leave that running.
func (c *Cluster) stopContainers(ctx context.Context) error {
	for _, belongs := range []func(process) bool{
		func(p process) bool { return p.isContainer(c.dir) },
		func(p process) bool { return p.isShim(c.dir) },
	} {
		all, err := processes()
		if err != nil {
			return err
		}
		var found []process
		for _, candidate := range all {
			if belongs(candidate) {
				found = append(found, candidate)
			}
		}
		if err := stop(ctx, 0, found...); err != nil {
			return err
		}
	}
	return nil
}

// removeTraces removes everything but processes. It goes on after an error, so that one thing that does not go
// leaves no others behind.
func (c *Cluster) removeTraces(ctx context.Context) error {
	outside, err := c.dir.outside(ctx)
	if err != nil {
		return err
	}
	failed := []error{
		unmountBelow(string(c.dir)),
		removeBridge(ctx),
		removeRules(ctx),
		c.dir.restoreSysctls(),
		removeFiles(outside),
		removeCgroups(),
	}
	if err := errors.Join(failed...); err != nil {
		return err
	}
	if err := os.RemoveAll(string(c.dir)); err != nil {
		return fmt.Errorf("remove the folder of the cluster: %w", err)
	}
	if err := removeFiles([]string{claimFile}); err != nil {
		return err
	}
	return removeEmptyFolders()
}

// removeCgroups removes the groups that the kubelet and containerd made for pods. The kernel removes only empty
// ones, so what another program may have put there stays.
func removeCgroups() error {
	var failed error
	for _, root := range cgroupRoots() {
		failed = errors.Join(failed, removeTree(root))
	}
	return failed
}

// cgroupRoots are the kubelet's group in each hierarchy, of cgroup v1 or v2.
func cgroupRoots() []string {
	var roots []string
	for _, pattern := range []string{"/sys/fs/cgroup/kubepods", "/sys/fs/cgroup/*/kubepods"} {
		// The patterns are well formed, which is all that Glob complains about.
		found, _ := filepath.Glob(pattern)
		roots = append(roots, found...)
	}
	return roots
}

// removeTree removes folders from the inside out. The files in a cgroup go with it and cannot be removed.
func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list the control groups of pods: %w", err)
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeTree(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a control group of pods: %w", err)
	}
	return nil
}
