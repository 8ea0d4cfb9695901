package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
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
func saveSysctls(dir layout.Dir) error {
	path := dir.Path("sysctls.json")
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
	return layout.WriteIfChanged(path, content, 0o600)
}

// RestoreSysctls sets the machine back to how it was.
func RestoreSysctls(dir layout.Dir) error {
	content, err := os.ReadFile(dir.Path("sysctls.json"))
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
