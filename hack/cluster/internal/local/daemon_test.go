package local

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newTestDir is a folder in which daemons can be started.
func newTestDir(t *testing.T) stateDir {
	t.Helper()
	dir := stateDir(t.TempDir())
	if err := dir.make(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// newTestDaemon is a shell that runs the script, which is told the folder so that it is known for a daemon.
func newTestDaemon(dir stateDir, script string) *daemon {
	shell := resolve("/bin/sh")
	return &daemon{
		name:  filepath.Base(shell),
		path:  shell,
		args:  []string{"-c", script, string(dir)},
		ready: func(context.Context) error { return nil },
	}
}

func TestEnsureStartsOnceAndReplaces(t *testing.T) {
	dir := newTestDir(t)
	d := newTestDaemon(dir, "while true; do sleep 1; done")
	ensure := func() process {
		t.Helper()
		if err := d.ensure(t.Context(), dir, t.Logf); err != nil {
			t.Fatalf("ensure: %v", err)
		}
		var found process
		err := poll(t.Context(), 5*time.Second, func() (ok bool) {
			found, ok = recorded(dir, d.name)
			return ok && len(found.args) == len(d.args)+1
		})
		if err != nil {
			t.Fatalf("the daemon is not recorded: %v", err)
		}
		t.Cleanup(func() { _ = stop(context.Background(), 0, found) })
		return found
	}
	first := ensure()
	if again := ensure(); again.pid != first.pid {
		t.Error("a good daemon was replaced")
	}
	d.args[1] += " # changed"
	second := ensure()
	if second.pid == first.pid || len(running([]process{first})) != 0 {
		t.Error("a daemon with other arguments was kept")
	}
	d.ready = func(context.Context) error {
		if found, ok := recorded(dir, d.name); ok && found.pid == second.pid {
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
	d.ready = func(context.Context) error { return errors.New("refused") }
	err := d.start(t.Context(), dir, t.Logf)
	if err == nil {
		t.Fatal("start succeeded")
	}
	for _, want := range []string{"exit status 3", "no such option", dir.logFile(d.name)} {
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
	if portFree(t.Context(), address) {
		t.Error("a port in use counts as free")
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if !portFree(t.Context(), address) {
		t.Error("a free port counts as in use")
	}
}

func TestWriteIfChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	long := time.Now().Add(-time.Hour)
	write := func(content string) time.Time {
		t.Helper()
		if err := writeIfChanged(path, []byte(content), 0o600); err != nil {
			t.Fatalf("writeIfChanged: %v", err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.ModTime()
	}
	write("one")
	if err := os.Chtimes(path, long, long); err != nil {
		t.Fatal(err)
	}
	if !write("one").Equal(long) {
		t.Error("a file with the same content was written again")
	}
	if !write("two").After(long) {
		t.Error("a file with other content was not written")
	}
}
