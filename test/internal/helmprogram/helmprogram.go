// Package helmprogram finds the Helm that tests render the chart with.
package helmprogram

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// envHelm names the program; by default it is bin/helm of the checkout, which is built if it is not there.
const envHelm = "HELM"

// root is the checkout, for tests in a folder of test.
const root = "../.."

// Find returns where the program is.
var Find = sync.OnceValues(func() (string, error) {
	if program := os.Getenv(envHelm); program != "" {
		return program, nil
	}
	program, err := filepath.Abs(filepath.Join(root, "bin", "helm"))
	if err != nil {
		return "", fmt.Errorf("finding the checkout: %w", err)
	}
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	build := exec.CommandContext(context.Background(), "make", "-C", root, program)
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("building Helm; set %s to one that there is: %w", envHelm, err)
	}
	return program, nil
})
