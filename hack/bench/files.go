package main

import (
	"context"
	"errors"
	"fmt"
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

// writeResults writes the results to a file, whose folder is made.
func writeResults(path string, run *result.Run) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making a folder for the results: %w", err)
	}
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("making the file of the results: %w", err)
	}
	return errors.Join(run.Write(file), file.Close())
}

// readResults reads the results from a file.
func readResults(path string) (*result.Run, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the results, which `make bench` writes: %w", err)
	}
	defer func() { _ = file.Close() }()
	return result.Read(file)
}

// writeDocs writes the results and plots into the documents.
func writeDocs(results, docs string) error {
	run, err := readResults(results)
	if err != nil {
		return err
	}
	document := filepath.Join(docs, "scale.md")
	text, err := os.ReadFile(document)
	if err != nil {
		return fmt.Errorf("reading the document: %w", err)
	}
	updated, err := report.Insert(string(text), run, "scale")
	if err != nil {
		return fmt.Errorf("writing results into %s: %w", document, err)
	}
	if err := os.MkdirAll(filepath.Join(docs, "scale"), 0o755); err != nil {
		return fmt.Errorf("making the folder of the plots: %w", err)
	}
	for _, plot := range report.Plots(run) {
		if err := os.WriteFile(filepath.Join(docs, "scale", plot.File), []byte(plot.SVG), 0o644); err != nil {
			return fmt.Errorf("writing a plot: %w", err)
		}
	}
	if err := os.WriteFile(document, []byte(updated), 0o644); err != nil {
		return fmt.Errorf("writing the document: %w", err)
	}
	return nil
}
