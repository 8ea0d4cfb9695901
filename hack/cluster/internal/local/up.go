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
	err = together(ctx, c.ensurePackages,
		func(ctx context.Context) error { return c.programs.Ensure(ctx, binaries.All) })
	if err != nil {
		return err
	}
	if err := c.prepare(ctx); err != nil {
		return err
	}
	if err := c.startAll(ctx); err != nil {
		return err
	}
	return c.awaitUsable(ctx)
}

// prepare makes all files and settings that the daemons are started with.
func (c *Cluster) prepare(ctx context.Context) error {
	if err := c.dir.forgetLastBoot(); err != nil {
		return err
	}
	if err := c.dir.make(); err != nil {
		return err
	}
	if err := c.dir.claim(); err != nil {
		return err
	}
	if err := ensurePKI(c.dir.path("pki")); err != nil {
		return err
	}
	if err := writeKubeconfigs(c.dir); err != nil {
		return err
	}
	bridgeFiltered, err := c.prepareNetwork(ctx)
	if err != nil {
		return err
	}
	return writeConfigs(c.dir, bridgeFiltered)
}

// startAll starts what can start at the same time together. The API server needs etcd, and everything else gives
// up or waits in long steps if the API server or containerd is not there.
func (c *Cluster) startAll(ctx context.Context) error {
	err := together(ctx,
		func(ctx context.Context) error {
			if err := c.etcd().ensure(ctx, c.dir, c.logf); err != nil {
				return err
			}
			return c.apiServer().ensure(ctx, c.dir, c.logf)
		},
		func(ctx context.Context) error {
			if err := c.containerd().ensure(ctx, c.dir, c.logf); err != nil {
				return err
			}
			return c.ensurePauseImage(ctx)
		})
	if err != nil {
		return err
	}
	var steps []step
	for _, d := range []*daemon{c.kubelet(), c.controllerManager(), c.scheduler(), c.kubeProxy()} {
		steps = append(steps, func(ctx context.Context) error { return d.ensure(ctx, c.dir, c.logf) })
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
func (c *Cluster) awaitUsable(ctx context.Context) error {
	var last error
	err := poll(ctx, usableLimit, func() bool {
		last = c.usable(ctx)
		return last == nil
	})
	if err != nil {
		return fmt.Errorf("the cluster does not get ready: %w\n%s\nThe logs are in %s. If they do not say what to "+
			"mend, run down and then up again", last, tail(c.dir.logFile(binaries.Kubelet), 12), c.dir.path("logs"))
	}
	return nil
}

// forgetLastBoot removes what was about processes and mounts of an earlier boot, if there was one since: a
// containerd that finds its old containers there looks for each of them in vain.
func (d stateDir) forgetLastBoot() error {
	content, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return fmt.Errorf("find out when the machine started: %w", err)
	}
	boot, path := strings.TrimSpace(string(content)), d.path("run", "boot-id")
	if old, err := os.ReadFile(path); err == nil && string(old) == boot {
		return nil
	}
	if err := unmountBelow(d.path("run")); err != nil {
		return err
	}
	if err := os.RemoveAll(d.path("run")); err != nil {
		return fmt.Errorf("remove what was left from before the machine started: %w", err)
	}
	if err := os.MkdirAll(d.path("run"), 0o755); err != nil {
		return fmt.Errorf("make the folder of the cluster: %w", err)
	}
	return writeIfChanged(path, []byte(boot), 0o644)
}
