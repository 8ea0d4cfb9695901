package local

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
)

const (
	// pollInterval is how often a condition is looked at that is waited for.
	pollInterval = 100 * time.Millisecond
	// killWait bounds the time from SIGKILL to the end of a process, which only the kernel can draw out.
	killWait = 10 * time.Second
)

// process is what /proc says about a running program.
type process struct {
	pid int
	// executable is the file that runs, also if it has been replaced since.
	executable string
	args       []string
}

// readProcess looks a process up. There is none if it ended, and also if it is a zombie: that runs no more.
func readProcess(pid int) (process, bool) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	executable, err := os.Readlink(filepath.Join(dir, "exe"))
	if err != nil {
		return process{}, false
	}
	cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil || len(cmdline) == 0 {
		return process{}, false
	}
	return process{
		pid:        pid,
		executable: strings.TrimSuffix(executable, " (deleted)"),
		args:       strings.Split(strings.TrimSuffix(string(cmdline), "\x00"), "\x00"),
	}, true
}

// processes are all that run on the machine.
func processes() ([]process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var all []process
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

// isDaemon tells whether a process is the named daemon of the cluster in dir: the right program, told to use
// files of that cluster. A process id alone proves nothing, since the kernel uses it again.
func (p process) isDaemon(name string, dir stateDir) bool {
	return filepath.Base(p.executable) == name && p.mentions(dir)
}

// mentions tells whether the program was given a path below dir.
func (p process) mentions(dir stateDir) bool {
	return slices.ContainsFunc(p.args, func(arg string) bool {
		return strings.Contains(arg+"/", string(dir)+"/")
	})
}

// isShim tells whether a process is a shim of the cluster's own containerd. Shims outlive it by design, and
// name its socket in their arguments.
func (p process) isShim(dir stateDir) bool {
	if !strings.HasPrefix(filepath.Base(p.executable), "containerd-shim") {
		return false
	}
	at := slices.Index(p.args, "-address")
	return at >= 0 && at+1 < len(p.args) && p.args[at+1] == dir.containerdSocket()
}

// isContainer tells whether a process runs in a container of the cluster: its root file system is an overlay
// whose upper layer is below dir.
func (p process) isContainer(dir stateDir) bool {
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

// recorded is the running daemon whose process id is in the pid file, if it still is that daemon.
func recorded(dir stateDir, name string) (process, bool) {
	content, err := os.ReadFile(dir.pidFile(name))
	if err != nil {
		return process{}, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil || pid <= 1 {
		return process{}, false
	}
	found, ok := readProcess(pid)
	return found, ok && found.isDaemon(name, dir)
}

// stop ends processes: all at once with SIGTERM, and those that are left after the grace period with SIGKILL.
// Each is looked up again before it gets a signal, so that a recycled process id gets none.
func stop(ctx context.Context, grace time.Duration, targets ...process) error {
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
		if poll(ctx, step.wait, func() bool { return len(running(targets)) == 0 }) == nil {
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
func running(targets []process) []process {
	var still []process
	for _, target := range targets {
		now, ok := readProcess(target.pid)
		if ok && now.executable == target.executable && slices.Equal(now.args, target.args) {
			still = append(still, target)
		}
	}
	return still
}

// poll waits until the condition holds.
func poll(ctx context.Context, limit time.Duration, condition func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		if condition() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
