package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestDaemonsDoNotGetTheFilesOfTheirStarter(t *testing.T) {
	dir := newTestDir(t)
	lock, err := os.Create(filepath.Join(t.TempDir(), "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	// As a caller hands on a lock: the file stays open when another program is begun.
	if _, err := unix.FcntlInt(lock.Fd(), unix.F_SETFD, 0); err != nil {
		t.Fatal(err)
	}
	d := newTestDaemon(dir, "while true; do sleep 1; done")
	if err := d.Ensure(t.Context(), dir, t.Logf); err != nil {
		t.Fatalf("Ensure: %v", err)
	}
	var found Process
	err = Poll(t.Context(), 5*time.Second, func() (ok bool) {
		found, ok = Recorded(dir, d.Name)
		return ok && len(found.args) == len(d.Args)+1
	})
	if err != nil {
		t.Fatalf("the daemon is not recorded: %v", err)
	}
	defer func() { _ = Stop(context.Background(), 0, found) }()
	folder := fmt.Sprintf("/proc/%d/fd", found.pid)
	open, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range open {
		if path, _ := os.Readlink(filepath.Join(folder, entry.Name())); path == lock.Name() {
			t.Errorf("the daemon has the file %s of its starter open", path)
		}
	}
}
