package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// readyLimit bounds the wait for a daemon to answer. A loaded two-core machine needs a fraction of it.
	readyLimit = 90 * time.Second
	// healthLimit bounds the wait for a daemon that runs already: one that hangs is started again.
	healthLimit = 5 * time.Second
	// stopLimit is the time that a daemon gets to end by itself.
	stopLimit = 15 * time.Second
	// portLimit bounds the wait for a port that an ended daemon held.
	portLimit = 30 * time.Second
)

// daemon is a program that keeps running after the command has ended.
type daemon struct {
	name string
	path string
	args []string
	// config is the file the change of which needs a restart; may be empty.
	config string
	// listens are the addresses that must be free before it starts.
	listens []string
	// ready tells whether it does its work.
	ready func(ctx context.Context) error
}

// launch records the process id before the program starts and then becomes it. Were it recorded afterwards, a
// kill in between would leave a daemon that nobody knows of.
const launch = `echo $$ >"$0.new" && mv "$0.new" "$0" && exec "$@"`

// ensure makes the daemon run and answer: it leaves a good one alone and replaces one that hangs, or that was
// started from other files or with other arguments.
func (d *daemon) ensure(ctx context.Context, dir stateDir, logf func(string, ...any)) error {
	if current, ok := recorded(dir, d.name); ok {
		reason := d.whyRestart(ctx, dir, current)
		if reason == "" {
			return nil
		}
		logf("restarting %s: %s", d.name, reason)
		if err := stop(ctx, stopLimit, current); err != nil {
			return err
		}
	}
	if err := d.awaitPorts(ctx); err != nil {
		return err
	}
	return d.start(ctx, dir, logf)
}

// whyRestart tells why a running daemon is not good enough; empty if it is.
func (d *daemon) whyRestart(ctx context.Context, dir stateDir, current process) string {
	if !slices.Equal(current.args[1:], d.args) || current.executable != resolve(d.path) {
		return "it runs another version, or with other arguments"
	}
	if d.config != "" && newer(d.config, dir.pidFile(d.name)) {
		return "its configuration changed"
	}
	var last error
	err := poll(ctx, healthLimit, func() bool {
		last = d.ready(ctx)
		return last == nil
	})
	if err != nil {
		return fmt.Sprintf("it does not answer (%v)", last)
	}
	return ""
}

// newer tells whether file a was written after file b.
func newer(a, b string) bool {
	first, err := os.Stat(a)
	if err != nil {
		return false
	}
	second, err := os.Stat(b)
	return err == nil && first.ModTime().After(second.ModTime())
}

// start runs the daemon in a session of its own and waits until it answers.
func (d *daemon) start(ctx context.Context, dir stateDir, logf func(string, ...any)) error {
	begin := time.Now()
	logPath := dir.logFile(d.name)
	if err := os.Rename(logPath, logPath+".previous"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("put the old log of %s aside: %w", d.name, err)
	}
	log, err := os.Create(logPath)
	if err != nil {
		return fmt.Errorf("make the log of %s: %w", d.name, err)
	}
	defer func() { _ = log.Close() }()

	// The daemon is to outlive this command, also if that is interrupted.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh",
		append([]string{"-c", launch, dir.pidFile(d.name), d.path}, d.args...)...)
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", d.name, err)
	}
	exited := make(chan string, 1)
	go func() {
		_ = cmd.Wait()
		exited <- cmd.ProcessState.String()
	}()
	if err := d.awaitReady(ctx, exited); err != nil {
		return fmt.Errorf("start %s: %w\n%s\nThe whole log is %s. If it does not say what to mend, run "+
			"down and then up again", d.name, err, tail(logPath, 12), logPath)
	}
	logf("%s is up after %s", d.name, time.Since(begin).Round(100*time.Millisecond))
	return nil
}

// awaitReady waits until the daemon answers, and no longer than it runs.
func (d *daemon) awaitReady(ctx context.Context, exited <-chan string) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		last := d.ready(ctx)
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

// awaitPorts waits until the daemon can listen: the kernel and a daemon that ends take a while to let go.
func (d *daemon) awaitPorts(ctx context.Context) error {
	for _, address := range d.listens {
		if err := poll(ctx, portLimit, func() bool { return portFree(ctx, address) }); err != nil {
			return fmt.Errorf("%s cannot listen on %s, another program does; stop it and run up again, or use "+
				"that cluster by KUBECONFIG:\n%s", d.name, address, listeners(ctx, address))
		}
	}
	return nil
}

// portFree tells whether nothing listens on the address.
func portFree(ctx context.Context, address string) bool {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return false
	}
	return listener.Close() == nil
}

// listeners describes who listens on the port of an address, for an error message.
func listeners(ctx context.Context, address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err.Error()
	}
	output, err := exec.CommandContext(ctx, "ss", "-Hltnp", "sport = :"+port).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("(ss cannot tell which: %v)", err)
	}
	return strings.TrimSpace(string(output))
}

// tail is the last n lines of a file, for an error message.
func tail(path string, n int) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Sprintf("(no log: %v)", err)
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-n):], "\n  ")
}
