package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// verifyGone looks for everything that a cluster could leave on the machine, and says what it found.
func (c *Cluster) verifyGone(ctx context.Context) error {
	var left []string
	for _, look := range []func(context.Context) ([]string, error){
		c.processesLeft, c.mountsLeft, rulesOfClusterLeft, c.filesLeft, portsLeft,
	} {
		found, err := look(ctx)
		if err != nil {
			return err
		}
		left = append(left, found...)
	}
	if len(left) > 0 {
		return fmt.Errorf("down left behind:\n  %s\nRun down again; if it stays, restart the machine",
			strings.Join(left, "\n  "))
	}
	c.logf("nothing is left: no process, mount, iptables rule, network link, control group, file or port")
	return nil
}

// processesLeft are daemons, shims and containers of the cluster.
func (c *Cluster) processesLeft(context.Context) ([]string, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	var left []string
	for _, candidate := range all {
		if candidate.isShim(c.dir) || candidate.isContainer(c.dir) || c.isAnyDaemon(candidate) {
			left = append(left, fmt.Sprintf("process %d: %s", candidate.pid, strings.Join(candidate.args, " ")))
		}
	}
	return left, nil
}

// isAnyDaemon tells whether a process is one of the cluster's daemons.
func (c *Cluster) isAnyDaemon(p process) bool {
	for _, name := range daemonNames {
		if p.isDaemon(name, c.dir) {
			return true
		}
	}
	return false
}

// mountsLeft are mounts below the folder of the cluster.
func (c *Cluster) mountsLeft(context.Context) ([]string, error) {
	points, err := mountsBelow(string(c.dir))
	if err != nil {
		return nil, err
	}
	var left []string
	for _, point := range points {
		left = append(left, "mount "+point)
	}
	return left, nil
}

// rulesOfClusterLeft are commands of a script that would still find something to remove.
func rulesOfClusterLeft(ctx context.Context) ([]string, error) {
	var left []string
	for _, command := range []string{"iptables", "ip6tables"} {
		script, err := rulesLeft(ctx, command)
		if err != nil {
			return nil, err
		}
		if script != "" {
			left = append(left, command+" rules:\n"+script)
		}
	}
	return left, nil
}

// filesLeft are the bridge, control groups, the folder of the cluster and files outside it.
func (c *Cluster) filesLeft(ctx context.Context) ([]string, error) {
	paths, err := c.dir.outside(ctx)
	if err != nil {
		return nil, err
	}
	paths = append(paths, cgroupRoots()...)
	paths = append(paths, "/sys/class/net/"+bridgeName, string(c.dir), claimFile)
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
func portsLeft(ctx context.Context) ([]string, error) {
	var left []string
	for _, address := range allListens {
		if poll(ctx, portLimit, func() bool { return portFree(ctx, address) }) != nil {
			left = append(left, "port "+portOf(address)+": "+listeners(ctx, address))
		}
	}
	return left, nil
}
