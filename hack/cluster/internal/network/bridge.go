// Package network is the network of the cluster on the machine: the bridge that pods are on, the kernel settings that they
// need, and the removal of both and of the rules that kubelet, kube-proxy and the CNI plugins leave in iptables.
package network

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
)

// Prepare makes the bridge that pods are on and lets the kernel forward. It reports whether packets on the
// bridge pass iptables, which replies to pods behind the same Service need.
func Prepare(ctx context.Context, dir layout.Dir) (bridgeFiltered bool, err error) {
	bridgeFilter := sysctlPath("net/bridge/bridge-nf-call-iptables")
	if !layout.Exists(bridgeFilter) {
		// A module that cannot be loaded is no error: the caller has another way.
		_ = exec.CommandContext(ctx, "modprobe", "br_netfilter").Run()
	}
	if err := saveSysctls(dir); err != nil {
		return false, err
	}
	for _, key := range forwarding {
		if err := setSysctl(key, "1"); err != nil {
			return false, err
		}
	}
	if err := makeBridge(ctx); err != nil {
		return false, err
	}
	if !layout.Exists(bridgeFilter) {
		return false, nil
	}
	return true, setSysctl("net/bridge/bridge-nf-call-iptables", "1")
}

// makeBridge makes the bridge with the node's address, unless it is there.
func makeBridge(ctx context.Context) error {
	if !linkExists(layout.BridgeName) {
		if err := ip(ctx, "link", "add", layout.BridgeName, "type", "bridge"); err != nil {
			return err
		}
	}
	if err := ip(ctx, "address", "replace", layout.BridgeAddress, "dev", layout.BridgeName); err != nil {
		return err
	}
	return ip(ctx, "link", "set", layout.BridgeName, "up")
}

// RemoveBridge removes the bridge and the pods' ends of the cables in it.
func RemoveBridge(ctx context.Context) error {
	if !linkExists(layout.BridgeName) {
		return nil
	}
	ports, err := filepath.Glob(filepath.Join("/sys/class/net", layout.BridgeName, "brif", "*"))
	if err != nil {
		return fmt.Errorf("list what is on the bridge %s: %w", layout.BridgeName, err)
	}
	for _, port := range ports {
		name := filepath.Base(port)
		// A cable goes away by itself when the network namespace at its other end does.
		if err := ip(ctx, "link", "delete", name); err != nil && linkExists(name) {
			return err
		}
	}
	return ip(ctx, "link", "delete", layout.BridgeName)
}

// linkExists reports whether the machine has a network link of that name.
func linkExists(name string) bool { return layout.Exists(filepath.Join("/sys/class/net", name)) }

// ip runs the ip command.
func ip(ctx context.Context, args ...string) error {
	if output, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(output)))
	}
	return nil
}
