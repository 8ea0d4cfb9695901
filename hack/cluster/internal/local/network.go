package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// forwarding are the kernel settings that pods need to reach each other and the machine's network.
var forwarding = []string{"net/ipv4/ip_forward"}

// touched are kernel settings that the kubelet and kube-proxy change besides.
var touched = []string{
	"kernel/panic", "kernel/panic_on_oops", "vm/overcommit_memory", "vm/panic_on_oom",
	"net/ipv4/conf/all/route_localnet", "net/bridge/bridge-nf-call-iptables",
	"net/netfilter/nf_conntrack_tcp_be_liberal", "net/netfilter/nf_conntrack_tcp_timeout_established",
	"net/netfilter/nf_conntrack_tcp_timeout_close_wait",
}

// sysctlPath is the file of a kernel setting.
func sysctlPath(key string) string { return filepath.Join("/proc/sys", key) }

// saveSysctls writes down, once, how the machine was set before the cluster came.
func (d stateDir) saveSysctls() error {
	path := d.path("sysctls.json")
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	values := map[string]string{}
	for _, key := range append(append([]string{}, forwarding...), touched...) {
		if value, err := os.ReadFile(sysctlPath(key)); err == nil {
			values[key] = strings.TrimSpace(string(value))
		}
	}
	content, err := json.Marshal(values)
	if err != nil {
		return fmt.Errorf("encode the kernel settings: %w", err)
	}
	return writeIfChanged(path, content, 0o600)
}

// restoreSysctls sets the machine back to how it was.
func (d stateDir) restoreSysctls() error {
	content, err := os.ReadFile(d.path("sysctls.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the kernel settings from before: %w", err)
	}
	values := map[string]string{}
	if err := json.Unmarshal(content, &values); err != nil {
		return fmt.Errorf("read the kernel settings from before: %w", err)
	}
	var failed []error
	for key, value := range values {
		if err := setSysctl(key, value); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// setSysctl writes a kernel setting if it has another value: some machines let nobody write, and have the
// right value already.
func setSysctl(key, value string) error {
	current, err := os.ReadFile(sysctlPath(key))
	if err == nil && strings.TrimSpace(string(current)) == value {
		return nil
	}
	if err := os.WriteFile(sysctlPath(key), []byte(value), 0o644); err != nil {
		return fmt.Errorf("set the kernel setting %s to %s: %w", key, value, err)
	}
	return nil
}

// prepareNetwork makes the bridge that pods are on and lets the kernel forward. It tells whether packets on the
// bridge pass iptables, which replies to pods behind the same Service need.
func (c *Cluster) prepareNetwork(ctx context.Context) (bridgeFiltered bool, err error) {
	bridgeFilter := sysctlPath("net/bridge/bridge-nf-call-iptables")
	if !exists(bridgeFilter) {
		// A module that cannot be loaded is no error: the caller has another way.
		_ = exec.CommandContext(ctx, "modprobe", "br_netfilter").Run()
	}
	if err := c.dir.saveSysctls(); err != nil {
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
	if !exists(bridgeFilter) {
		return false, nil
	}
	return true, setSysctl("net/bridge/bridge-nf-call-iptables", "1")
}

// makeBridge makes the bridge with the node's address, unless it is there.
func makeBridge(ctx context.Context) error {
	if !linkExists(bridgeName) {
		if err := ip(ctx, "link", "add", bridgeName, "type", "bridge"); err != nil {
			return err
		}
	}
	if err := ip(ctx, "address", "replace", bridgeAddress, "dev", bridgeName); err != nil {
		return err
	}
	return ip(ctx, "link", "set", bridgeName, "up")
}

// removeBridge removes the bridge and the pods' ends of the cables in it.
func removeBridge(ctx context.Context) error {
	if !linkExists(bridgeName) {
		return nil
	}
	ports, err := filepath.Glob(filepath.Join("/sys/class/net", bridgeName, "brif", "*"))
	if err != nil {
		return fmt.Errorf("list what is on the bridge %s: %w", bridgeName, err)
	}
	for _, port := range ports {
		name := filepath.Base(port)
		// A cable goes away by itself when the network namespace at its other end does.
		if err := ip(ctx, "link", "delete", name); err != nil && linkExists(name) {
			return err
		}
	}
	return ip(ctx, "link", "delete", bridgeName)
}

// linkExists tells whether the machine has a network link of that name.
func linkExists(name string) bool { return exists(filepath.Join("/sys/class/net", name)) }

// exists tells whether there is such a file.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// ip runs the ip command.
func ip(ctx context.Context, args ...string) error {
	if output, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(output)))
	}
	return nil
}
