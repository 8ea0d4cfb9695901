package binaries

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/kubescim/kubescim/hack/internal/gobuild"
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
	return s.build(ctx, missing)
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
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("remove a half-built program: %w", err)
		}
	}
	return nil
}

// build compiles the programs with one call of the compiler, which then uses all cores to the end and compiles
// nothing twice, into a folder of its own, and moves them into place once they are whole.
func (s *Set) build(ctx context.Context, names []string) error {
	start := time.Now()
	packages := make([]string, len(names))
	for i, name := range names {
		packages[i] = programs[name]
	}
	units, err := s.units(ctx, packages)
	if err != nil {
		return s.explain(ctx, err)
	}
	s.logf("found the source of %d packages in %s", len(units), time.Since(start).Round(time.Second))
	temporary, err := os.MkdirTemp(s.Dir, temporaryPrefix)
	if err != nil {
		return fmt.Errorf("make a folder to build in: %w", err)
	}
	defer func() { _ = os.RemoveAll(temporary) }()
	if err := s.compile(ctx, packages, temporary, newProgress(units, len(names))); err != nil {
		return s.explain(ctx, err)
	}
	for _, name := range names {
		if err := os.MkdirAll(filepath.Dir(s.Path(name)), 0o755); err != nil {
			return fmt.Errorf("make the cache folder for %s: %w", name, err)
		}
		if err := os.Rename(filepath.Join(temporary, executable(name)), s.Path(name)); err != nil {
			return fmt.Errorf("put %s into the cache: %w", name, err)
		}
	}
	s.logf("built %d programs in %s", len(names), time.Since(start).Round(time.Second))
	return nil
}

// explain says what to do about a build that failed.
func (s *Set) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("build programs: %w", ctx.Err())
	}
	return fmt.Errorf("build programs: %w\nCheck that Go modules can be downloaded (go env GOPROXY) and that %s and "+
		"%s have room, then run the same command again: what is compiled already is kept", err, s.Dir, "the folder of go env GOCACHE")
}

// compile builds the packages into the folder dir, and says how far it is.
func (s *Set) compile(ctx context.Context, packages []string, dir string, progress *progress) error {
	cmd := gobuild.Command(ctx, s.linkerFlags(), append([]string{"-mod=readonly", "-v", "-o", dir + "/"}, packages...)...)
	cmd.Dir = s.module
	follower := &follower{progress: progress}
	cmd.Stdout, cmd.Stderr = follower, follower
	stop := s.beat(follower, dir)
	defer stop()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w\n%s", err, lastLines(follower.said(), 20))
	}
	return nil
}

// beat says every half minute how far a build is, until stop is called.
func (s *Set) beat(follower *follower, dir string) (stop func()) {
	done, start := make(chan struct{}), time.Now()
	go func() {
		ticker := time.NewTicker(heartbeat)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				linked, _ := os.ReadDir(dir) // A folder that cannot be read has no programs for now.
				s.logf("%s", follower.describe(len(linked), time.Since(start)))
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
