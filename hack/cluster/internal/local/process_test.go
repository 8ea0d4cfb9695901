package local

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

const testDir = stateDir("/var/lib/kubescim-cluster")

func TestIsDaemon(t *testing.T) {
	tests := map[string]struct {
		process process
		want    bool
	}{
		"the daemon": {
			process{executable: "/cache/etcd", args: []string{"etcd", "--data-dir=/var/lib/kubescim-cluster/etcd"}}, true,
		},
		"told the folder itself": {
			process{executable: "/cache/etcd", args: []string{"etcd", "/var/lib/kubescim-cluster"}}, true,
		},
		"same program for another cluster": {
			process{executable: "/cache/etcd", args: []string{"etcd", "--data-dir=/var/lib/etcd"}}, false,
		},
		"a folder with a longer name": {
			process{executable: "/cache/etcd", args: []string{"etcd", "--data-dir=/var/lib/kubescim-cluster2/etcd"}}, false,
		},
		"another program that names the folder": {
			process{executable: "/usr/bin/less", args: []string{"less", "/var/lib/kubescim-cluster/logs/etcd.log"}}, false,
		},
		"a recycled process id": {process{executable: "/usr/bin/bash", args: []string{"bash"}}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.process.isDaemon("etcd", testDir); got != test.want {
				t.Errorf("isDaemon = %t, want %t", got, test.want)
			}
		})
	}
}

func TestIsShim(t *testing.T) {
	socket := testDir.containerdSocket()
	tests := map[string]struct {
		process process
		want    bool
	}{
		"ours": {process{executable: "/usr/bin/containerd-shim-runc-v2",
			args: []string{"shim", "-namespace", "k8s.io", "-id", "x", "-address", socket}}, true},
		"of the system": {process{executable: "/usr/bin/containerd-shim-runc-v2",
			args: []string{"shim", "-id", "x", "-address", "/run/containerd/containerd.sock"}}, false},
		"cut off": {process{executable: "/usr/bin/containerd-shim-runc-v2",
			args: []string{"shim", "-address"}}, false},
		"a client of our containerd": {process{executable: "/usr/bin/ctr",
			args: []string{"ctr", "-address", socket}}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.process.isShim(testDir); got != test.want {
				t.Errorf("isShim = %t, want %t", got, test.want)
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
func sleeper(t *testing.T, dir stateDir) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/bin/sleep", "600")
	cmd.Args[0] = dir.path("sleeper")
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
	dir := stateDir(t.TempDir())
	if err := os.Mkdir(dir.path("run"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := sleeper(t, dir)
	executable, err := os.Readlink("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/exe")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(executable)
	record := func(daemon, content string) {
		if err := os.WriteFile(dir.pidFile(daemon), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	record(name, strconv.Itoa(cmd.Process.Pid)+"\n")
	found, ok := recorded(dir, name)
	if !ok || found.pid != cmd.Process.Pid {
		t.Fatalf("recorded = %v, %t; want process %d", found, ok, cmd.Process.Pid)
	}
	for daemon, content := range map[string]string{
		"empty": "", "garbage": "etcd", "init": "1", "negative": "-1", "etcd": strconv.Itoa(cmd.Process.Pid),
	} {
		record(daemon, content)
		if found, ok := recorded(dir, daemon); ok {
			t.Errorf("recorded(%q) with %q = %v, want none", daemon, content, found)
		}
	}

	recycled := found
	recycled.args = []string{"other"}
	if err := stop(context.Background(), time.Second, recycled); err != nil {
		t.Fatalf("stop of a recycled process id: %v", err)
	}
	if len(running([]process{found})) != 1 {
		t.Fatal("stop ended a process that had only taken over the id")
	}
	if err := stop(context.Background(), 5*time.Second, found); err != nil {
		t.Fatalf("stop: %v", err)
	}
	if len(running([]process{found})) != 0 {
		t.Error("stop returned while the process still runs")
	}
}
