// Package debian installs the Debian packages that the cluster needs.
package debian

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
)

// installLimit bounds the installation of packages.
const installLimit = 10 * time.Minute

// Package is a Debian package, with a file that it brings.
type Package struct {
	name, file string
	// service is one that the package starts and nobody here wants; empty when there is none.
	service string
}

// Packages that something here needs.
var (
	ForCluster = []Package{
		{name: "containerd", file: "containerd"},
		{name: "runc", file: "runc"},
		{name: "containernetworking-plugins", file: layout.CNIPluginDir + "/bridge"},
		{name: "iptables", file: "iptables"},
		{name: "conntrack", file: "conntrack"},
		{name: "iproute2", file: "ip"},
	}
	ForEdge  = []Package{{name: "nginx", file: "nginx", service: "nginx"}}
	ForTests = []Package{{name: "postgresql", file: "pg_ctlcluster", service: "postgresql"}}
)

// Ensure installs those that are missing.
func Ensure(ctx context.Context, packages []Package, logf func(string, ...any)) error {
	missing := slices.DeleteFunc(slices.Clone(packages), func(p Package) bool {
		_, err := exec.LookPath(p.file)
		return err == nil
	})
	if len(missing) == 0 {
		return nil
	}
	names := make([]string, len(missing))
	for i, each := range missing {
		names[i] = each.name
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("this machine has no apt-get; install %s yourself, CNI plugins into %s",
			strings.Join(names, ", "), layout.CNIPluginDir)
	}
	logf("installing Debian packages: %s", strings.Join(names, " "))
	ctx, cancel := context.WithTimeout(ctx, installLimit)
	defer cancel()
	if err := aptGet(ctx, "update"); err != nil {
		return err
	}
	if err := aptGet(ctx, append([]string{"install", "--yes", "--no-install-recommends"}, names...)...); err != nil {
		return err
	}
	for _, each := range missing {
		if err := each.disable(ctx); err != nil {
			return err
		}
	}
	return nil
}

// disable ends the service, and keeps it from starting with the machine.
func (p Package) disable(ctx context.Context) error {
	if p.service == "" {
		return nil
	}
	for _, args := range [][]string{{"invoke-rc.d", "--quiet", p.service, "stop"}, {"update-rc.d", p.service, "disable"}} {
		if output, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s\nStop the service %s yourself", strings.Join(args, " "), err, bytes.TrimSpace(output), p.service)
		}
	}
	return nil
}

// aptGet runs apt-get without questions. Another run of it may hold the lock, so it waits for that.
func aptGet(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-qq", "-o", "DPkg::Lock::Timeout=300"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("apt-get %s: %w\n%s\nInstall the packages yourself and run up again",
			strings.Join(args, " "), err, bytes.TrimSpace(output.Bytes()))
	}
	return nil
}

// ExtendPath lets programs in the folders of the system administrator be found, which the PATH of a person
// often lacks.
func ExtendPath() error {
	path := os.Getenv("PATH")
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if !strings.Contains(string(filepath.ListSeparator)+path+string(filepath.ListSeparator),
			string(filepath.ListSeparator)+dir+string(filepath.ListSeparator)) {
			path += string(filepath.ListSeparator) + dir
		}
	}
	if err := os.Setenv("PATH", path); err != nil {
		return fmt.Errorf("extend PATH: %w", err)
	}
	return nil
}
