package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/kubescim/kubescim/hack/internal/repo"
)

// checkout is the working copy that the command was started in. What belongs to it alone, and not to the
// machine, is below its .cluster folder, which version control ignores.
type checkout struct {
	root string
}

// enterCheckout makes the root of the checkout the working folder.
func enterCheckout() (checkout, error) {
	root, err := repo.Enter()
	return checkout{root: root}, err
}

// dir holds everything that the cluster command writes into the checkout.
func (c checkout) dir() string { return filepath.Join(c.root, ".cluster") }

// bin holds kubectl, for the PATH that env prints.
func (c checkout) bin() string { return filepath.Join(c.dir(), "bin") }

// kubeconfig is the file that KUBECONFIG is to name.
func (c checkout) kubeconfig() string { return filepath.Join(c.dir(), "kubeconfig") }

// writeKubeconfig puts the kubeconfig into the checkout, readable by its owner alone because it holds the key
// of an administrator.
func (c checkout) writeKubeconfig(content []byte) error {
	if err := os.MkdirAll(c.dir(), 0o755); err != nil {
		return fmt.Errorf("make the folder for the kubeconfig: %w", err)
	}
	temporary := c.kubeconfig() + ".new"
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return fmt.Errorf("write the kubeconfig: %w", err)
	}
	if err := os.Rename(temporary, c.kubeconfig()); err != nil {
		return fmt.Errorf("write the kubeconfig: %w", err)
	}
	return nil
}

// linkKubectl makes the kubectl at path the one that env puts on the PATH.
func (c checkout) linkKubectl(path string) error {
	link := filepath.Join(c.bin(), "kubectl")
	if target, err := os.Readlink(link); err == nil && target == path {
		return nil
	}
	if err := os.MkdirAll(c.bin(), 0o755); err != nil {
		return fmt.Errorf("make the folder for kubectl: %w", err)
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace the link to kubectl: %w", err)
	}
	if err := os.Symlink(path, link); err != nil {
		return fmt.Errorf("link kubectl: %w", err)
	}
	return nil
}

// clean removes everything that the cluster command wrote into the checkout.
func (c checkout) clean() error {
	if err := os.RemoveAll(c.dir()); err != nil {
		return fmt.Errorf("remove what the cluster left in the checkout: %w", err)
	}
	return nil
}
