package daemon

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
)

// newTestDir is a folder in which daemons can be started.
func newTestDir(t *testing.T) layout.Dir {
	t.Helper()
	dir := layout.Dir(t.TempDir())
	if err := dir.Make(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// newTestDaemon is a shell that runs the script, which is told the folder so that it is known for a daemon.
func newTestDaemon(dir layout.Dir, script string) *Daemon {
	shell := resolve("/bin/sh")
	return &Daemon{
		Name:  filepath.Base(shell),
		Path:  shell,
		Args:  []string{"-c", script, string(dir)},
		Ready: func(context.Context) error { return nil },
	}
}

func TestEnsureStartsOnceAndReplaces(t *testing.T) {
	dir := newTestDir(t)
	d := newTestDaemon(dir, "while true; do sleep 1; done")
	ensure := func() Process {
		t.Helper()
		if err := d.Ensure(t.Context(), dir, t.Logf); err != nil {
			t.Fatalf("Ensure: %v", err)
		}
		var found Process
		err := Poll(t.Context(), 5*time.Second, func() (ok bool) {
			found, ok = Recorded(dir, d.Name)
			return ok && len(found.args) == len(d.Args)+1
		})
		if err != nil {
			t.Fatalf("the daemon is not recorded: %v", err)
		}
		t.Cleanup(func() { _ = Stop(context.Background(), 0, found) })
		return found
	}
	first := ensure()
	if again := ensure(); again.pid != first.pid {
		t.Error("a good daemon was replaced")
	}
	d.Args[1] += " # changed"
	second := ensure()
	if second.pid == first.pid || len(running([]Process{first})) != 0 {
		t.Error("a daemon with other arguments was kept")
	}
	d.Ready = func(context.Context) error {
		if found, ok := Recorded(dir, d.Name); ok && found.pid == second.pid {
			return errors.New("hangs")
		}
		return nil
	}
	if third := ensure(); third.pid == second.pid {
		t.Error("a daemon that hangs was kept")
	}
}

func TestStartTellsWhyADaemonEnded(t *testing.T) {
	dir := newTestDir(t)
	d := newTestDaemon(dir, "echo no such option; exit 3")
	d.Ready = func(context.Context) error { return errors.New("refused") }
	err := d.start(t.Context(), dir, t.Logf)
	if err == nil {
		t.Fatal("start succeeded")
	}
	for _, want := range []string{"exit status 3", "no such option", dir.LogFile(d.Name)} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
}

func TestPortFree(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if PortFree(t.Context(), address) {
		t.Error("a port in use counts as free")
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if !PortFree(t.Context(), address) {
		t.Error("a free port counts as in use")
	}
}
