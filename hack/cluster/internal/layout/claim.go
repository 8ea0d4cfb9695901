package layout

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// ClaimFile says in which folder the cluster of this machine lives. It is gone after a restart of the machine, as
// are the processes, addresses and rules that two clusters would fight over.
const ClaimFile = "/run/kubescim-cluster"

// claimed is the folder of a cluster other than the one in dir; empty if there is none.
func claimed(file string, dir Dir) (string, error) {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look where the cluster of this machine lives: %w", err)
	}
	owner := strings.TrimSpace(string(content))
	if owner == string(dir) {
		return "", nil
	}
	// The run that removed the folder was killed before it removed the claim.
	if _, err := os.Stat(owner); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return owner, nil
}

// NeedNoOther refuses to touch a machine that has a cluster in another folder.
func (d Dir) NeedNoOther() error {
	owner, err := claimed(ClaimFile, d)
	if err != nil {
		return err
	}
	if owner != "" {
		return fmt.Errorf("this machine has a cluster in %s already, and can have but one; "+
			"set KUBESCIM_CLUSTER_DIR to that, to use it or to run down", owner)
	}
	return nil
}

// Claim notes that the cluster of this machine lives in this folder.
func (d Dir) Claim() error {
	return WriteIfChanged(ClaimFile, []byte(string(d)+"\n"), 0o644)
}
