package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"github.com/kubescim/kubescim/hack/cluster/internal/components"
	"github.com/kubescim/kubescim/hack/cluster/internal/daemon"
	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
	"github.com/kubescim/kubescim/hack/cluster/internal/network"
	"github.com/kubescim/kubescim/hack/cluster/internal/traces"
)

// verifyGone looks for everything that a cluster could leave on the machine, and says what it found.
func verifyGone(ctx context.Context, dir layout.Dir, logf func(string, ...any)) error {
	var left []string
	for _, look := range []func(context.Context, layout.Dir) ([]string, error){
		processesLeft, mountsLeft, rulesLeft, filesLeft, portsLeft,
	} {
		found, err := look(ctx, dir)
		if err != nil {
			return err
		}
		left = append(left, found...)
	}
	if len(left) > 0 {
		return fmt.Errorf("down left behind:\n  %s\nRun down again; if it stays, restart the machine",
			strings.Join(left, "\n  "))
	}
	logf("nothing is left: no process, mount, iptables rule, network link, control group, file or port")
	return nil
}

// processesLeft are daemons, shims and containers of the cluster.
func processesLeft(_ context.Context, dir layout.Dir) ([]string, error) {
	all, err := daemon.Processes()
	if err != nil {
		return nil, err
	}
	var left []string
	for _, candidate := range all {
		if candidate.IsShim(dir) || candidate.IsContainer(dir) || isAnyDaemon(candidate, dir) {
			left = append(left, candidate.String())
		}
	}
	return left, nil
}

// isAnyDaemon reports whether a process is one of the cluster's daemons.
func isAnyDaemon(p daemon.Process, dir layout.Dir) bool {
	for _, name := range components.Names {
		if p.IsDaemon(name, dir) {
			return true
		}
	}
	return false
}

// mountsLeft are mounts below the folder of the cluster.
func mountsLeft(_ context.Context, dir layout.Dir) ([]string, error) {
	points, err := traces.MountsBelow(string(dir))
	if err != nil {
		return nil, err
	}
	var left []string
	for _, point := range points {
		left = append(left, "mount "+point)
	}
	return left, nil
}

// rulesLeft are the cluster's rules in iptables.
func rulesLeft(ctx context.Context, _ layout.Dir) ([]string, error) { return network.RulesLeft(ctx) }

// filesLeft are the bridge, control groups, the folder of the cluster and files outside it.
func filesLeft(ctx context.Context, dir layout.Dir) ([]string, error) {
	paths, err := traces.Outside(ctx, dir)
	if err != nil {
		return nil, err
	}
	paths = append(paths, traces.Cgroups()...)
	paths = append(paths, "/sys/class/net/"+layout.BridgeName, string(dir), layout.ClaimFile)
	var left []string
	for _, path := range paths {
		_, err := os.Lstat(path)
		if err == nil {
			left = append(left, path)
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("look whether %s is gone: %w", path, err)
		}
	}
	return left, nil
}

// portsLeft are ports that something still listens on. The kernel may take a moment to free them.
func portsLeft(ctx context.Context, _ layout.Dir) ([]string, error) {
	var left []string
	for _, address := range components.Listens {
		if daemon.Poll(ctx, daemon.PortLimit, func() bool { return daemon.PortFree(ctx, address) }) != nil {
			left = append(left, "port "+portOf(address)+": "+daemon.Listeners(ctx, address))
		}
	}
	return left, nil
}

// portOf is the port of an address.
func portOf(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return port
}
