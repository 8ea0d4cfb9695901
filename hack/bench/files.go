package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/kubescim/kubescim/hack/bench/internal/cluster"
	"github.com/kubescim/kubescim/hack/bench/internal/report"
	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// describe says where the run takes place.
func describe(ctx context.Context, c *cluster.Cluster) (result.Machine, error) {
	version, err := c.Version()
	if err != nil {
		return result.Machine{}, err
	}
	m := result.Machine{
		CPUs: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Kubernetes: version, Kubescim: "an unknown commit",
	}
	if commit, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output(); err == nil {
		m.Kubescim = strings.TrimSpace(string(commit))
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kilobytes int
		if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kilobytes); err == nil {
			m.MemoryMB = kilobytes / 1024
		}
	}
	return m, nil
}

// writeResults writes results to a file, whose folder is made.
func writeResults(path string, run interface{ Write(io.Writer) error }) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making a folder for the results: %w", err)
	}
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("making the file of the results: %w", err)
	}
	return errors.Join(run.Write(file), file.Close())
}

// readResults reads the results of `make bench` from a file.
func readResults(path string) (*result.Run, error) { return readFile(path, result.Read) }

// readTenants reads the results of `make bench-tenants` from a file.
func readTenants(path string) (*result.TenantsRun, error) { return readFile(path, result.ReadTenants) }

func readFile[T any](path string, read func(io.Reader) (*T, error)) (*T, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the results, which `make bench` and `make bench-tenants` write: %w", err)
	}
	defer func() { _ = file.Close() }()
	return read(file)
}

// writeDocs writes the results and plots into the documents, as far as there are results.
func writeDocs(results, tenants, docs string) error {
	run, err := readResults(results)
	many, manyErr := readTenants(tenants)
	switch absent, manyAbsent := errors.Is(err, fs.ErrNotExist), errors.Is(manyErr, fs.ErrNotExist); {
	case err != nil && !absent, absent && manyAbsent:
		return err
	case manyErr != nil && !manyAbsent:
		return manyErr
	}
	document := filepath.Join(docs, "scale.md")
	content, err := os.ReadFile(document)
	if err != nil {
		return fmt.Errorf("reading the document: %w", err)
	}
	text := string(content)
	if many != nil {
		if text, err = report.InsertTenants(text, many); err != nil {
			return fmt.Errorf("writing results into %s: %w", document, err)
		}
	}
	if run != nil {
		if text, err = report.Insert(text, run, "scale"); err != nil {
			return fmt.Errorf("writing results into %s: %w", document, err)
		}
		if err := writePlots(filepath.Join(docs, "scale"), run); err != nil {
			return err
		}
	}
	if err := os.WriteFile(document, []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing the document: %w", err)
	}
	return nil
}

// writePlots writes the plots of a run into a folder.
func writePlots(folder string, run *result.Run) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("making the folder of the plots: %w", err)
	}
	for _, plot := range report.Plots(run) {
		if err := os.WriteFile(filepath.Join(folder, plot.File), []byte(plot.SVG), 0o644); err != nil {
			return fmt.Errorf("writing a plot: %w", err)
		}
	}
	return nil
}
