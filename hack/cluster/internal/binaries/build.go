package binaries

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// heartbeat is how often a build that is still going on says so.
	heartbeat = 30 * time.Second
	// lockPoll is how often a process that waits for another one's build looks again.
	lockPoll = time.Second
	// temporaryPrefix marks files of a build that has not ended.
	temporaryPrefix = ".building-"
)

// Ensure builds those of the named programs that the cache lacks. Two processes that want the same ones
// build them once: the second waits for the first.
func (s *Set) Ensure(ctx context.Context, names []string) error {
	if len(s.missing(names)) == 0 {
		return nil
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return fmt.Errorf("make the cache folder (set KUBESCIM_CACHE to use another one): %w", err)
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()

	if err := s.removeHalfBuilt(); err != nil {
		return err
	}
	missing := s.missing(names)
	if len(missing) == 0 {
		return nil
	}
	s.logf("building %s into %s; this takes minutes, and happens once per version",
		strings.Join(missing, ", "), s.Dir)
	for i, name := range missing {
		if err := s.build(ctx, name, fmt.Sprintf("[%d/%d]", i+1, len(missing))); err != nil {
			return err
		}
	}
	return nil
}

// missing are those of the named programs that are not in the cache.
func (s *Set) missing(names []string) []string {
	var missing []string
	for _, name := range names {
		if _, err := os.Stat(s.Path(name)); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, name)
		}
	}
	return missing
}

// lock keeps other processes from building into the same folder. The kernel drops the lock with the process,
// so a killed build leaves none behind.
func (s *Set) lock(ctx context.Context) (unlock func(), err error) {
	file, err := os.OpenFile(filepath.Join(s.Dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the cache folder: %w", err)
	}
	for waiting := false; ; waiting = true {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = file.Close()
			return nil, fmt.Errorf("lock the cache folder %s: %w", s.Dir, err)
		}
		if !waiting {
			s.logf("another process is building into %s; waiting for it", s.Dir)
		}
		select {
		case <-ctx.Done():
			_ = file.Close()
			return nil, fmt.Errorf("wait for another process that builds into %s: %w", s.Dir, ctx.Err())
		case <-time.After(lockPoll):
		}
	}
}

// removeHalfBuilt removes what a killed build left. Only the holder of the lock may call it.
func (s *Set) removeHalfBuilt() error {
	left, err := filepath.Glob(filepath.Join(s.Dir, temporaryPrefix+"*"))
	if err != nil {
		return fmt.Errorf("look for half-built programs: %w", err)
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("remove a half-built program: %w", err)
		}
	}
	return nil
}

// build compiles one program under a temporary name and moves it into place once it is whole.
func (s *Set) build(ctx context.Context, name, progress string) error {
	start := time.Now()
	s.logf("%s building %s %s", progress, name, s.version(name))
	stop := s.beat(progress, name, start)
	defer stop()

	temporary := filepath.Join(s.Dir, temporaryPrefix+name)
	cmd := s.buildCommand(ctx, name, temporary)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("build %s: %w", name, ctx.Err())
		}
		return fmt.Errorf("build %s: %w\n%s\nCheck that Go modules can be downloaded (go env GOPROXY) and "+
			"that %s has room, then run the same command again: what is built already is kept",
			name, err, lastLines(output.String(), 20), s.Dir)
	}
	if err := os.Rename(temporary, s.Path(name)); err != nil {
		return fmt.Errorf("put %s into the cache: %w", name, err)
	}
	s.logf("%s built %s in %s", progress, name, time.Since(start).Round(time.Second))
	return nil
}

// buildCommand is the compiler call for one program. An interrupt is passed on to it, so that it ends its
// own children.
func (s *Set) buildCommand(ctx context.Context, name, output string) *exec.Cmd {
	dir, pkg := s.kubernetesModule, "k8s.io/kubernetes/cmd/"+name
	if name == Etcd {
		dir, pkg = s.etcdModule, "."
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false",
		"-ldflags", s.linkerFlags(name), "-o", output, pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// beat says every half minute that a build is still going on, until stop is called.
func (s *Set) beat(progress, name string, start time.Time) (stop func()) {
	done := make(chan struct{})
	go func() {
		ticker := time.NewTicker(heartbeat)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				s.logf("%s still building %s, %s so far", progress, name, time.Since(start).Round(time.Second))
			}
		}
	}()
	return func() { close(done) }
}

// lastLines are the last n lines of text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
