// Package baseline runs the SCIM servers that teams would pick instead: small programs over a map in memory, on
// loopback.
package baseline

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/kubescim/kubescim/hack/bench/internal/load"
)

// Dir is where the baselines are, in the checkout.
const Dir = "hack/bench/baselines"

// startTimeout bounds how long a baseline may take to listen.
const startTimeout = 20 * time.Second

// Program is a baseline that runs.
type Program struct {
	load.Target
	cmd *exec.Cmd
}

// StartElimity builds the program on github.com/elimity-com/scim and starts it. The context bounds its life.
func StartElimity(ctx context.Context, folder string) (*Program, error) {
	path := filepath.Join(folder, "elimity")
	build := exec.CommandContext(ctx, "go", "-C", filepath.Join(Dir, "elimity"), "build", "-trimpath", "-o", path, ".")
	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the elimity baseline: %w: %s", err, output)
	}
	return start(ctx, exec.CommandContext(ctx, path))
}

// StartScimmy installs the program on scimmy-routers into a folder and starts it. The context bounds its life. It
// needs node and npm.
func StartScimmy(ctx context.Context, folder string) (*Program, error) {
	for _, command := range []string{"node", "npm"} {
		if _, err := exec.LookPath(command); err != nil {
			return nil, fmt.Errorf("the scimmy baseline needs Node.js 20 and npm on the PATH: %w", err)
		}
	}
	folder = filepath.Join(folder, "scimmy")
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(Dir, "scimmy"))); err != nil {
		return nil, fmt.Errorf("copying the scimmy baseline: %w", err)
	}
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = folder
	if output, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("installing the scimmy baseline: %w: %s", err, output)
	}
	serve := exec.CommandContext(ctx, "node", "server.mjs")
	serve.Dir = folder
	serve.Env = append(os.Environ(), "NODE_ENV=production")
	return start(ctx, serve)
}

// start starts a program and waits for its base URL, which is the first line that it prints. It gets its token in
// SCIM_TOKEN: everybody on a machine can read arguments.
func start(ctx context.Context, cmd *exec.Cmd) (*Program, error) {
	token := rand.Text()
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, "SCIM_TOKEN="+token)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", filepath.Base(cmd.Path), err)
	}
	program := &Program{cmd: cmd, Target: load.Target{Token: token}}
	if program.Base, err = firstLine(ctx, stdout); err != nil {
		return nil, errors.Join(fmt.Errorf("waiting for %s to say its URL: %w", filepath.Base(cmd.Path), err), program.Stop())
	}
	return program, nil
}

// firstLine reads a line within startTimeout.
func firstLine(ctx context.Context, from io.Reader) (string, error) {
	type answer struct {
		line string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		line, err := bufio.NewReader(from).ReadString('\n')
		answers <- answer{strings.TrimSpace(line), err}
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case a := <-answers:
		return a.line, a.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Stop ends the program and waits until it has ended.
func (p *Program) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stopping %s: %w", filepath.Base(p.cmd.Path), err)
	}
	var exit *exec.ExitError
	if err := p.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("waiting for the end of %s: %w", filepath.Base(p.cmd.Path), err)
	}
	return nil
}
