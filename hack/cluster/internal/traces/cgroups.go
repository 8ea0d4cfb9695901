package traces

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// RemoveCgroups removes the groups that the kubelet and containerd made for pods. The kernel removes only empty
// ones, so what another program may have put there stays.
func RemoveCgroups() error {
	var failed error
	for _, root := range Cgroups() {
		failed = errors.Join(failed, removeTree(root))
	}
	return failed
}

// Cgroups are the kubelet's group in each hierarchy, of cgroup v1 or v2.
func Cgroups() []string {
	var roots []string
	for _, pattern := range []string{"/sys/fs/cgroup/kubepods", "/sys/fs/cgroup/*/kubepods"} {
		// The patterns are well formed, which is all that Glob complains about.
		found, _ := filepath.Glob(pattern)
		roots = append(roots, found...)
	}
	return roots
}

// removeTree removes folders from the inside out. The files in a cgroup go with it and cannot be removed.
func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list the control groups of pods: %w", err)
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeTree(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a control group of pods: %w", err)
	}
	return nil
}
