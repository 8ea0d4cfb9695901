package nginx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	// checkLimit bounds the check of a configuration.
	checkLimit = 20 * time.Second
	// loadLimit bounds the wait for nginx to serve by a configuration, loadInterval is how often it is asked.
	loadLimit    = 15 * time.Second
	loadInterval = 50 * time.Millisecond
	// stopLimit bounds the end of nginx.
	stopLimit = 10 * time.Second
)

// Program is an nginx that runs. It is of use to one goroutine at a time.
type Program struct {
	settings Settings
	path     string
	command  *exec.Cmd
	current  string // the generation
}

// Start has nginx, the program at path, serve by the first configuration, and returns when it does. nginx ends with the context.
// It also ends with the calling thread, and so is not left behind by a process that is killed.
func Start(ctx context.Context, path string, settings Settings, first *Configuration) (*Program, error) {
	p := &Program{settings: settings, path: path}
	if err := os.MkdirAll(filepath.Join(settings.Directory, "temp"), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of nginx: %w", err)
	}
	if err := p.write(ctx, first); err != nil {
		return nil, err
	}
	p.command = exec.CommandContext(ctx, path, "-e", "stderr", "-c", p.file("nginx.conf"))
	p.command.Stdout, p.command.Stderr = os.Stderr, os.Stderr
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	p.command.Cancel = func() error { return p.command.Process.Signal(syscall.SIGTERM) }
	p.command.WaitDelay = stopLimit
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start nginx: %w", err)
	}
	return p, p.await(ctx, first)
}

// Wait waits for the end of nginx.
func (p *Program) Wait() error {
	if err := p.command.Wait(); err != nil {
		return fmt.Errorf("nginx has ended: %w", err)
	}
	return errors.New("nginx has ended")
}

// Load has nginx serve by a configuration, and returns when it does. With an error, it goes on by the one before.
func (p *Program) Load(ctx context.Context, c *Configuration) error {
	if c.Generation == p.current {
		return nil
	}
	if err := p.write(ctx, c); err != nil {
		return err
	}
	if err := p.command.Process.Signal(syscall.SIGHUP); err != nil {
		return fmt.Errorf("reload nginx: %w", err)
	}
	return p.await(ctx, c)
}

// await waits until nginx serves by the configuration, and forgets what no configuration names any more.
func (p *Program) await(ctx context.Context, c *Configuration) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, loadInterval, loadLimit, true, func(ctx context.Context) (bool, error) {
		var generation string
		generation, last = p.generation(ctx)
		return generation == c.Generation, nil
	})
	if err != nil {
		return errors.Join(fmt.Errorf("nginx does not serve by its new configuration; its log says why: %w", err), last)
	}
	p.current = c.Generation
	return p.clean(c)
}

// generation asks nginx for the generation that it serves by.
func (p *Program) generation(ctx context.Context) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.settings.Health.String()+"/healthz", nil)
	if err != nil {
		return "", fmt.Errorf("ask nginx for its generation: %w", err)
	}
	request.Close = true // The next one is to be answered by a process of the newest generation.
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("ask nginx for its generation: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err != nil {
		return "", fmt.Errorf("ask nginx for its generation: %w", err)
	}
	return string(body), nil
}

// write puts a configuration into the place of the one before, if nginx can read it.
func (p *Program) write(ctx context.Context, c *Configuration) error {
	for name, certificate := range c.Certificates {
		for extension, content := range map[string][]byte{".crt": certificate.Chain(), ".key": certificate.Key()} {
			if err := os.WriteFile(p.file(name+extension), content, 0o600); err != nil {
				return fmt.Errorf("write a certificate: %w", err)
			}
		}
	}
	next := p.file("nginx.conf.new")
	if err := os.WriteFile(next, []byte(c.Text), 0o600); err != nil {
		return fmt.Errorf("write the configuration of nginx: %w", err)
	}
	checking, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	if output, err := exec.CommandContext(checking, p.path, "-t", "-q", "-e", "stderr", "-c", next).CombinedOutput(); err != nil {
		return fmt.Errorf("nginx refuses the configuration %s: %w: %s", next, err, bytes.TrimSpace(output))
	}
	if err := os.Rename(next, p.file("nginx.conf")); err != nil {
		return fmt.Errorf("write the configuration of nginx: %w", err)
	}
	return nil
}

// clean removes the files of certificates that the configuration does not name.
func (p *Program) clean(c *Configuration) error {
	files, err := filepath.Glob(p.file("certificate-*"))
	if err != nil {
		return fmt.Errorf("list the certificates of nginx: %w", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		if c.Certificates[name] != nil {
			continue
		}
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a certificate that is of no use any more: %w", err)
		}
	}
	return nil
}

// file is one of nginx's folder.
func (p *Program) file(name string) string { return filepath.Join(p.settings.Directory, name) }
