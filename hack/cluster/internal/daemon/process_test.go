package daemon

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
)

const testDir = layout.Dir("/var/lib/kubescim-cluster")

func TestIsDaemon(t *testing.T) {
	tests := map[string]struct {
		process Process
		want    bool
	}{
		"the daemon": {
			Process{executable: "/cache/etcd", args: []string{"etcd", "--data-dir=/var/lib/kubescim-cluster/etcd"}}, true,
		},
		"told the folder itself": {
			Process{executable: "/cache/etcd", args: []string{"etcd", "/var/lib/kubescim-cluster"}}, true,
		},
		"same program for another cluster": {
			Process{executable: "/cache/etcd", args: []string{"etcd", "--data-dir=/var/lib/etcd"}}, false,
		},
		"a folder with a longer name": {
			Process{executable: "/cache/etcd", args: []string{"etcd", "--data-dir=/var/lib/kubescim-cluster2/etcd"}}, false,
		},
		"another program that names the folder": {
			Process{executable: "/usr/bin/less", args: []string{"less", "/var/lib/kubescim-cluster/logs/etcd.log"}}, false,
		},
		"a recycled process id": {Process{executable: "/usr/bin/bash", args: []string{"bash"}}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.process.IsDaemon("etcd", testDir); got != test.want {
				t.Errorf("IsDaemon = %t, want %t", got, test.want)
			}
		})
	}
}

func TestIsShim(t *testing.T) {
	socket := testDir.ContainerdSocket()
	tests := map[string]struct {
		process Process
		want    bool
	}{
		"ours": {Process{executable: "/usr/bin/containerd-shim-runc-v2",
			args: []string{"shim", "-namespace", "k8s.io", "-id", "x", "-address", socket}}, true},
		"of the system": {Process{executable: "/usr/bin/containerd-shim-runc-v2",
			args: []string{"shim", "-id", "x", "-address", "/run/containerd/containerd.sock"}}, false},
		"cut off": {Process{executable: "/usr/bin/containerd-shim-runc-v2",
			args: []string{"shim", "-address"}}, false},
		"a client of our containerd": {Process{executable: "/usr/bin/ctr",
			args: []string{"ctr", "-address", socket}}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.process.IsShim(testDir); got != test.want {
				t.Errorf("IsShim = %t, want %t", got, test.want)
			}
		})
	}
}

func TestRootIsBelow(t *testing.T) {
	tests := map[string]struct {
		mountinfo string
		want      bool
	}{
		"a container of ours": {
			"100 90 0:30 / / rw - overlay overlay rw,upperdir=/var/lib/kubescim-cluster/containerd/1/fs\n", true,
		},
		"a container of another containerd": {
			"100 90 0:30 / / rw - overlay overlay rw,upperdir=/var/lib/containerd/1/fs\n", false,
		},
		"the machine, which sees our containers' mounts": {
			"1 0 8:1 / / rw - ext4 /dev/sda1 rw\n" +
				"100 1 0:30 / /run/x rw - overlay overlay rw,upperdir=/var/lib/kubescim-cluster/containerd/1/fs\n", false,
		},
		"nothing": {"", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := rootIsBelow([]byte(test.mountinfo), string(testDir)); got != test.want {
				t.Errorf("rootIsBelow = %t, want %t", got, test.want)
			}
		})
	}
}

// sleeper starts a program that mentions dir and runs until it is stopped.
func sleeper(t *testing.T, dir layout.Dir) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/bin/sleep", "600")
	cmd.Args[0] = dir.Path("sleeper")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	return cmd
}

func TestRecordedAndStop(t *testing.T) {
	dir := layout.Dir(t.TempDir())
	if err := os.Mkdir(dir.Path("run"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := sleeper(t, dir)
	executable, err := os.Readlink("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/exe")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(executable)
	record := func(daemon, content string) {
		if err := os.WriteFile(dir.PIDFile(daemon), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	record(name, strconv.Itoa(cmd.Process.Pid)+"\n")
	found, ok := Recorded(dir, name)
	if !ok || found.pid != cmd.Process.Pid {
		t.Fatalf("Recorded = %v, %t; want process %d", found, ok, cmd.Process.Pid)
	}
	for daemon, content := range map[string]string{
		"empty": "", "garbage": "etcd", "init": "1", "negative": "-1", "etcd": strconv.Itoa(cmd.Process.Pid),
	} {
		record(daemon, content)
		if found, ok := Recorded(dir, daemon); ok {
			t.Errorf("Recorded(%q) with %q = %v, want none", daemon, content, found)
		}
	}

	recycled := found
	recycled.args = []string{"other"}
	if err := Stop(context.Background(), time.Second, recycled); err != nil {
		t.Fatalf("Stop of a recycled process id: %v", err)
	}
	if len(running([]Process{found})) != 1 {
		t.Fatal("Stop ended a process that had only taken over the id")
	}
	if err := Stop(context.Background(), 5*time.Second, found); err != nil {
		t.Fatalf("Stop: %v", err)
	}
	if len(running([]Process{found})) != 0 {
		t.Error("Stop returned while the process still runs")
	}
}
