// Package repo finds the checkout that a command of this module is run in. `go -C hack run` starts a command in hack,
// while its users think in paths of the checkout.
package repo

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// module is the one whose go.mod marks the root of the checkout.
const module = "github.com/kubescim/kubescim"

// Root is the root of the checkout that has the working folder.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w", err)
	}
	for {
		content, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && modfile.ModulePath(content) == module {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no checkout of %s here or above; run this inside one", module)
		}
		dir = parent
	}
}

// Enter makes the root of the checkout the working folder, which all relative paths are of then, and returns it.
func Enter() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	if err := os.Chdir(root); err != nil {
		return "", fmt.Errorf("enter the root of the checkout: %w", err)
	}
	return root, nil
}
