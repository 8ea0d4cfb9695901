// Package tool finds programs that tests run.
package tool

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// root is the checkout, for tests in a folder of test.
const root = "../.."

// Helm returns where the Helm is that renders the chart: at HELM, or else in bin.
var Helm = found("HELM", "helm")

// Promtool returns where the promtool is that tests alerts: at PROMTOOL, or else in bin.
var Promtool = found("PROMTOOL", "promtool")

// found finds a program where a variable says, or in bin of the checkout, where it is made if it is not there.
func found(variable, name string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		if program := os.Getenv(variable); program != "" {
			return program, nil
		}
		program, err := filepath.Abs(filepath.Join(root, "bin", name))
		if err != nil {
			return "", fmt.Errorf("finding the checkout: %w", err)
		}
		if _, err := os.Stat(program); err == nil {
			return program, nil
		}
		build := exec.CommandContext(context.Background(), "make", "-C", root, program)
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		if err := build.Run(); err != nil {
			return "", fmt.Errorf("making %s; set %s to one that there is: %w", name, variable, err)
		}
		return program, nil
	})
}
