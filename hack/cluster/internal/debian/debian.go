// Package debian installs the Debian packages that the cluster needs.
package debian

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
)

// installLimit bounds the installation of packages.
const installLimit = 10 * time.Minute

// packages are the Debian packages that the cluster needs, each with a file that it brings.
var packages = []struct{ name, file string }{
	{"containerd", "containerd"},
	{"runc", "runc"},
	{"containernetworking-plugins", layout.CNIPluginDir + "/bridge"},
	{"iptables", "iptables"},
	{"conntrack", "conntrack"},
	{"iproute2", "ip"},
}

// missingPackages are those whose file is not there.
func missingPackages() []string {
	var missing []string
	for _, pkg := range packages {
		if _, err := exec.LookPath(pkg.file); err != nil {
			missing = append(missing, pkg.name)
		}
	}
	return missing
}

// Ensure installs what is missing.
func Ensure(ctx context.Context, logf func(string, ...any)) error {
	missing := missingPackages()
	if len(missing) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("this machine has no apt-get; install %s yourself, with the CNI plugins in %s",
			strings.Join(missing, ", "), layout.CNIPluginDir)
	}
	logf("installing Debian packages: %s", strings.Join(missing, " "))
	ctx, cancel := context.WithTimeout(ctx, installLimit)
	defer cancel()
	if err := aptGet(ctx, "update"); err != nil {
		return err
	}
	return aptGet(ctx, append([]string{"install", "--yes", "--no-install-recommends"}, missing...)...)
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
