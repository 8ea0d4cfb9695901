// Package daemon runs programs that outlive the command that started them, and finds and ends them again: by their pid
// files, and never a process that is not the cluster's. It knows no component of Kubernetes.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
)

const (
	// readyLimit bounds the wait for a daemon to answer. A loaded two-core machine needs a fraction of it.
	readyLimit = 90 * time.Second
	// healthLimit bounds the wait for a daemon that runs already: one that hangs is started again.
	healthLimit = 5 * time.Second
	// StopLimit is the time that a daemon gets to end by itself.
	StopLimit = 15 * time.Second
	// PortLimit bounds the wait for a port that an ended daemon held.
	PortLimit = 30 * time.Second
)

// Daemon is a program that keeps running after the command has ended.
type Daemon struct {
	// Name is that of its program, pid file and log; Path is the program.
	Name, Path string
	Args       []string
	// Config is the file the change of which needs a restart; may be empty.
	Config string
	// Listens are the addresses that must be free before it starts.
	Listens []string
	// Ready is nil if it does its work.
	Ready func(ctx context.Context) error
}

// launch records the process id before the program starts and then becomes it. Were it recorded afterwards, a
// kill in between would leave a daemon that nobody knows of.
const launch = `echo $$ >"$0.new" && mv "$0.new" "$0" && exec "$@"`

// Ensure makes the daemon run and answer: it leaves a good one alone and replaces one that hangs, or that was
// started from other files or with other arguments.
func (d *Daemon) Ensure(ctx context.Context, dir layout.Dir, logf func(string, ...any)) error {
	if current, ok := Recorded(dir, d.Name); ok {
		reason := d.whyRestart(ctx, dir, current)
		if reason == "" {
			return nil
		}
		logf("restarting %s: %s", d.Name, reason)
		if err := Stop(ctx, StopLimit, current); err != nil {
			return err
		}
	}
	if err := d.awaitPorts(ctx); err != nil {
		return err
	}
	return d.start(ctx, dir, logf)
}

// whyRestart tells why a running daemon is not good enough; empty if it is.
func (d *Daemon) whyRestart(ctx context.Context, dir layout.Dir, current Process) string {
	if !slices.Equal(current.args[1:], d.Args) || current.executable != resolve(d.Path) {
		return "it runs another version, or with other arguments"
	}
	if d.Config != "" && newer(d.Config, dir.PIDFile(d.Name)) {
		return "its configuration changed"
	}
	var last error
	err := Poll(ctx, healthLimit, func() bool {
		last = d.Ready(ctx)
		return last == nil
	})
	if err != nil {
		return fmt.Sprintf("it does not answer (%v)", last)
	}
	return ""
}

// newer reports whether file a was written after file b.
func newer(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && first.ModTime().After(second.ModTime())
}

// start runs the daemon in a session of its own and waits until it answers.
func (d *Daemon) start(ctx context.Context, dir layout.Dir, logf func(string, ...any)) error {
	begin := time.Now()
	logPath := dir.LogFile(d.Name)
	if err := os.Rename(logPath, logPath+".previous"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("put the old log of %s aside: %w", d.Name, err)
	}
	log, err := os.Create(logPath)
	if err != nil {
		return fmt.Errorf("make the log of %s: %w", d.Name, err)
	}
	defer func() { _ = log.Close() }()

	if err := keepFiles(); err != nil {
		return err
	}
	// The daemon is to outlive this command, also if that is interrupted.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh",
		append([]string{"-c", launch, dir.PIDFile(d.Name), d.Path}, d.Args...)...)
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", d.Name, err)
	}
	exited := make(chan string, 1)
	go func() {
		_ = cmd.Wait()
		exited <- cmd.ProcessState.String()
	}()
	if err := d.awaitReady(ctx, exited); err != nil {
		return fmt.Errorf("start %s: %w\n%s\nThe whole log is %s. If it does not say what to mend, run "+
			"down and then up again", d.Name, err, Tail(logPath, 12), logPath)
	}
	logf("%s is up after %s", d.Name, time.Since(begin).Round(100*time.Millisecond))
	return nil
}

// awaitReady waits until the daemon answers, and no longer than it runs.
func (d *Daemon) awaitReady(ctx context.Context, exited <-chan string) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		last := d.Ready(ctx)
		if last == nil {
			return nil
		}
		select {
		case state := <-exited:
			return fmt.Errorf("it ended at once (%s), after the lines", state)
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return fmt.Errorf("it did not answer within %s (%w), and wrote last", readyLimit, last)
		case <-ticker.C:
		}
	}
}

// Tail is the last n lines of a file, for an error message.
func Tail(path string, n int) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Sprintf("(no log: %v)", err)
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-n):], "\n  ")
}

// resolve is the file that runs when path is executed, links followed.
func resolve(path string) string {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return path
	}
	return target
}
