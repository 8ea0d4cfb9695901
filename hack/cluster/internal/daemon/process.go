package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
)

const (
	// pollInterval is how often a condition is looked at that is waited for.
	pollInterval = 100 * time.Millisecond
	// killWait bounds the time from SIGKILL to the end of a process, which only the kernel can draw out.
	killWait = 10 * time.Second
)

// Process is what /proc says about a running program.
type Process struct {
	pid int
	// executable is the file that runs, also if it has been replaced since.
	executable string
	args       []string
}

// readProcess looks a process up. There is none if it ended, and also if it is a zombie: that runs no more.
func readProcess(pid int) (Process, bool) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	executable, err := os.Readlink(filepath.Join(dir, "exe"))
	if err != nil {
		return Process{}, false
	}
	cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil || len(cmdline) == 0 {
		return Process{}, false
	}
	return Process{
		pid:        pid,
		executable: strings.TrimSuffix(executable, " (deleted)"),
		args:       strings.Split(strings.TrimSuffix(string(cmdline), "\x00"), "\x00"),
	}, true
}

// String is the process for a message.
func (p Process) String() string {
	return fmt.Sprintf("process %d: %s", p.pid, strings.Join(p.args, " "))
}

// Processes are all that run on the machine.
func Processes() ([]Process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var all []Process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if found, ok := readProcess(pid); ok {
			all = append(all, found)
		}
	}
	return all, nil
}

// IsDaemon reports whether a process is the named daemon of the cluster in dir: the right program, told to use
// files of that cluster. A process id alone proves nothing, since the kernel uses it again.
func (p Process) IsDaemon(name string, dir layout.Dir) bool {
	return filepath.Base(p.executable) == name && p.mentions(dir)
}

// mentions reports whether the program was given a path below dir.
func (p Process) mentions(dir layout.Dir) bool {
	return slices.ContainsFunc(p.args, func(arg string) bool {
		return strings.Contains(arg+"/", string(dir)+"/")
	})
}

// IsShim reports whether a process is a shim of the cluster's own containerd. Shims outlive it by design, and
// name its socket in their arguments.
func (p Process) IsShim(dir layout.Dir) bool {
	if !strings.HasPrefix(filepath.Base(p.executable), "containerd-shim") {
		return false
	}
	at := slices.Index(p.args, "-address")
	return at >= 0 && at+1 < len(p.args) && p.args[at+1] == dir.ContainerdSocket()
}

// IsContainer reports whether a process runs in a container of the cluster: its root file system is an overlay
// whose upper layer is below dir.
func (p Process) IsContainer(dir layout.Dir) bool {
	content, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), "mountinfo"))
	if err != nil {
		return false
	}
	return rootIsBelow(content, string(dir))
}

// rootIsBelow reads in a process's mount table whether its root is an overlay that is kept below dir.
func rootIsBelow(mountinfo []byte, dir string) bool {
	for line := range bytes.Lines(mountinfo) {
		fields := strings.Fields(string(line))
		if len(fields) > 5 && fields[4] == "/" {
			return strings.Contains(string(line), "upperdir="+dir+"/")
		}
	}
	return false
}

// Recorded is the running daemon whose process id is in the pid file, if it still is that daemon.
func Recorded(dir layout.Dir, name string) (Process, bool) {
	content, err := os.ReadFile(dir.PIDFile(name))
	if err != nil {
		return Process{}, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil || pid <= 1 {
		return Process{}, false
	}
	found, ok := readProcess(pid)
	return found, ok && found.IsDaemon(name, dir)
}

// Stop ends processes: all at once with SIGTERM, and those that are left after the grace period with SIGKILL.
// Each is looked up again before it gets a signal, so that a recycled process id gets none.
func Stop(ctx context.Context, grace time.Duration, targets ...Process) error {
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGTERM, grace}, {syscall.SIGKILL, killWait}} {
		if step.wait == 0 {
			continue
		}
		for _, target := range running(targets) {
			if err := syscall.Kill(target.pid, step.signal); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("stop %s (process %d): %w", target.executable, target.pid, err)
			}
		}
		if Poll(ctx, step.wait, func() bool { return len(running(targets)) == 0 }) == nil {
			return nil
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("stop processes: %w", err)
	}
	left := running(targets)
	return fmt.Errorf("%d processes do not end, not even by SIGKILL, the first being %s (process %d); "+
		"restart the machine", len(left), left[0].executable, left[0].pid)
}

// running are those of the targets that still run the same program with the same arguments.
func running(targets []Process) []Process {
	var still []Process
	for _, target := range targets {
		now, ok := readProcess(target.pid)
		if ok && now.executable == target.executable && slices.Equal(now.args, target.args) {
			still = append(still, target)
		}
	}
	return still
}

// Poll waits until the condition holds, at most as long as the limit.
func Poll(ctx context.Context, limit time.Duration, condition func() bool) error {
	return wait.PollUntilContextTimeout(ctx, pollInterval, limit, true, func(context.Context) (bool, error) {
		return condition(), nil
	})
}
