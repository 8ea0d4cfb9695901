package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/kubescim/kubescim/hack/cluster/internal/binaries"
	"github.com/kubescim/kubescim/hack/cluster/internal/components"
	"github.com/kubescim/kubescim/hack/cluster/internal/containerd"
	"github.com/kubescim/kubescim/hack/cluster/internal/daemon"
	"github.com/kubescim/kubescim/hack/cluster/internal/debian"
	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
	"github.com/kubescim/kubescim/hack/cluster/internal/network"
	"github.com/kubescim/kubescim/hack/cluster/internal/pki"
	"github.com/kubescim/kubescim/hack/cluster/internal/traces"
)

// usableLimit bounds the wait for the node and the default ServiceAccount, once all daemons are up.
const usableLimit = 2 * time.Minute

// step is a part of up that can run beside others.
type step func(context.Context) error

// Up makes the cluster run. It looks at every part and does what is missing, so it also mends a cluster of which
// parts died, and goes on where a killed run stopped.
func (c *Cluster) Up(ctx context.Context) error {
	if runtime.GOOS != "linux" {
		return errors.New("the local cluster needs Linux; install kind and Docker, or name a cluster by KUBECONFIG")
	}
	unlock, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	err = together(ctx,
		func(ctx context.Context) error { return debian.Ensure(ctx, debian.ForCluster, c.logf) },
		func(ctx context.Context) error { return c.programs.Ensure(ctx, binaries.All) })
	if err != nil {
		return err
	}
	if err := prepare(ctx, c.dir, c.checkout); err != nil {
		return err
	}
	if err := c.startAll(ctx); err != nil {
		return err
	}
	return awaitUsable(ctx, c.dir)
}

// prepare makes all files and settings that the daemons are started with.
func prepare(ctx context.Context, dir layout.Dir, checkout string) error {
	if err := forgetLastBoot(dir); err != nil {
		return err
	}
	if err := dir.Make(); err != nil {
		return err
	}
	if err := dir.Claim(); err != nil {
		return err
	}
	if err := pki.Ensure(dir.Path("pki")); err != nil {
		return err
	}
	if err := pki.WriteKubeconfigs(dir); err != nil {
		return err
	}
	bridgeFiltered, err := network.Prepare(ctx, dir)
	if err != nil {
		return err
	}
	return components.WriteConfigs(dir, checkout, bridgeFiltered)
}

// startAll starts what can start at the same time together. The API server needs etcd, and everything else gives
// up or waits in long steps if the API server or containerd is not there.
func (c *Cluster) startAll(ctx context.Context) error {
	err := together(ctx,
		func(ctx context.Context) error {
			if err := components.Etcd(c.dir, c.programs).Ensure(ctx, c.dir, c.logf); err != nil {
				return err
			}
			return components.APIServer(c.dir, c.programs).Ensure(ctx, c.dir, c.logf)
		},
		func(ctx context.Context) error {
			if err := components.Containerd(c.dir).Ensure(ctx, c.dir, c.logf); err != nil {
				return err
			}
			return containerd.EnsurePauseImage(ctx, c.dir, c.checkout, c.logf)
		})
	if err != nil {
		return err
	}
	var steps []step
	for _, d := range []*daemon.Daemon{
		components.Kubelet(c.dir, c.programs), components.ControllerManager(c.dir, c.programs),
		components.Scheduler(c.dir, c.programs), components.KubeProxy(c.dir, c.programs),
	} {
		steps = append(steps, func(ctx context.Context) error { return d.Ensure(ctx, c.dir, c.logf) })
	}
	return together(ctx, steps...)
}

// together runs steps side by side. The first error stops the others, and is the one to tell: theirs would only
// say that they were stopped.
func together(ctx context.Context, steps ...step) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for _, do := range steps {
		group.Go(func() {
			if err := do(ctx); err != nil {
				cancel(err)
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// awaitUsable waits until pods can be made.
func awaitUsable(ctx context.Context, dir layout.Dir) error {
	var last error
	err := daemon.Poll(ctx, usableLimit, func() bool {
		last = components.Usable(ctx, dir)
		return last == nil
	})
	if err != nil {
		return fmt.Errorf("the cluster does not get ready: %w\n%s\nThe logs are in %s. If they do not say what to "+
			"mend, run down and then up again", last, daemon.Tail(dir.LogFile(binaries.Kubelet), 12), dir.Path("logs"))
	}
	return nil
}

// forgetLastBoot removes what was about processes and mounts of an earlier boot, if there was one since: a
// containerd that finds its old containers there looks for each of them in vain.
func forgetLastBoot(dir layout.Dir) error {
	content, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return fmt.Errorf("find out when the machine started: %w", err)
	}
	boot, path := strings.TrimSpace(string(content)), dir.Path("run", "boot-id")
	if old, err := os.ReadFile(path); err == nil && string(old) == boot {
		return nil
	}
	if err := traces.UnmountBelow(dir.Path("run")); err != nil {
		return err
	}
	if err := os.RemoveAll(dir.Path("run")); err != nil {
		return fmt.Errorf("remove what was left from before the machine started: %w", err)
	}
	if err := os.MkdirAll(dir.Path("run"), 0o755); err != nil {
		return fmt.Errorf("make the folder of the cluster: %w", err)
	}
	return layout.WriteIfChanged(path, []byte(boot), 0o644)
}
