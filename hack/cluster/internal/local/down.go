package local

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/kubescim/kubescim/hack/cluster/internal/binaries"
	"github.com/kubescim/kubescim/hack/cluster/internal/components"
	"github.com/kubescim/kubescim/hack/cluster/internal/containerd"
	"github.com/kubescim/kubescim/hack/cluster/internal/daemon"
	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
	"github.com/kubescim/kubescim/hack/cluster/internal/network"
	"github.com/kubescim/kubescim/hack/cluster/internal/traces"
)

// Down stops the cluster and removes all that it left on the machine, also after runs that were killed, and then
// looks whether really nothing is left.
func (c *Cluster) Down(ctx context.Context) error {
	unlock, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.stopAll(ctx); err != nil {
		return err
	}
	if err := removeTraces(ctx, c.dir); err != nil {
		return err
	}
	return verifyGone(ctx, c.dir, c.logf)
}

// stopAll ends the daemons and the containers. Containers go when nothing starts them again, and containerd and
// the API server last, since the others wait for those.
func (c *Cluster) stopAll(ctx context.Context) error {
	c.logf("stopping")
	err := stopDaemons(ctx, c.dir, components.EdgeName, binaries.Kubelet, binaries.ControllerManager, binaries.Scheduler, binaries.KubeProxy)
	if err != nil {
		return err
	}
	return together(ctx,
		func(ctx context.Context) error {
			if err := stopDaemons(ctx, c.dir, binaries.APIServer); err != nil {
				return err
			}
			return stopDaemons(ctx, c.dir, binaries.Etcd)
		},
		func(ctx context.Context) error {
			if err := stopDaemons(ctx, c.dir, containerd.Name); err != nil {
				return err
			}
			return stopContainers(ctx, c.dir)
		})
}

// stopDaemons ends the named daemons together.
func stopDaemons(ctx context.Context, dir layout.Dir, names ...string) error {
	var found []daemon.Process
	for _, name := range names {
		if current, ok := daemon.Recorded(dir, name); ok {
			found = append(found, current)
		}
	}
	return daemon.Stop(ctx, daemon.StopLimit, found...)
}

// stopContainers kills what runs in containers and then the shims, which outlive containerd by design. Shims go
// last because one that is killed before its container would leave that running.
func stopContainers(ctx context.Context, dir layout.Dir) error {
	for _, belongs := range []func(daemon.Process) bool{
		func(p daemon.Process) bool { return p.IsContainer(dir) },
		func(p daemon.Process) bool { return p.IsShim(dir) },
	} {
		all, err := daemon.Processes()
		if err != nil {
			return err
		}
		var found []daemon.Process
		for _, candidate := range all {
			if belongs(candidate) {
				found = append(found, candidate)
			}
		}
		if err := daemon.Stop(ctx, 0, found...); err != nil {
			return err
		}
	}
	return nil
}

// removeTraces removes everything but processes. It goes on after an error, so that one thing that does not go
// leaves no others behind.
func removeTraces(ctx context.Context, dir layout.Dir) error {
	outside, err := traces.Outside(ctx, dir)
	if err != nil {
		return err
	}
	failed := []error{
		traces.UnmountBelow(string(dir)),
		network.RemoveBridge(ctx),
		network.RemoveRules(ctx),
		network.RestoreSysctls(dir),
		traces.RemoveFiles(outside),
		traces.RemoveCgroups(),
	}
	if err := errors.Join(failed...); err != nil {
		return err
	}
	if err := os.RemoveAll(string(dir)); err != nil {
		return fmt.Errorf("remove the folder of the cluster: %w", err)
	}
	if err := traces.RemoveFiles([]string{layout.ClaimFile}); err != nil {
		return err
	}
	return traces.RemoveEmptyFolders()
}
