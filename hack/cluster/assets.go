package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kubescim/kubescim/hack/cluster/internal/binaries"
)

// assets makes sure that the programs that envtest starts are there, and prints their folder and nothing else
// on standard output.
func assets(ctx context.Context, root checkout) error {
	if dir := os.Getenv("KUBEBUILDER_ASSETS"); hasAssets(dir) {
		fmt.Println(dir)
		return nil
	}
	set, err := binaries.NewSet(root.root, logf)
	if err != nil {
		return err
	}
	if err := set.Ensure(ctx, binaries.ForTests); err != nil {
		return err
	}
	fmt.Println(set.Dir)
	return nil
}

// helm makes sure that helm is there, and prints its path and nothing else on standard output.
func helm(ctx context.Context, root checkout) error {
	set, err := binaries.NewSet(root.root, logf)
	if err != nil {
		return err
	}
	if err := set.Ensure(ctx, []string{binaries.Helm}); err != nil {
		return err
	}
	fmt.Println(set.Path(binaries.Helm))
	return nil
}

// hasAssets tells whether dir holds what envtest cannot do without.
func hasAssets(dir string) bool {
	if dir == "" {
		return false
	}
	for _, name := range []string{binaries.Etcd, binaries.APIServer} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.Mode().IsRegular() {
			return false
		}
	}
	return true
}
