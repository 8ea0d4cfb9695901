// Command recording records on a cluster how users appear while an identity provider provisions them: above, the requests of a
// provider's session as they are answered; below, what `kubectl get scimusers --watch` prints meanwhile. It writes
// docs/recording.cast, an asciicast that any player plays, and docs/recording.svg, which is made of it.
//
//	go -C hack run ./recording -namespace acme -tenant acme     records, and makes the picture
//	go -C hack run ./recording -render                          makes the picture of what was recorded
//
// kubectl, with the plugin scim, must be on the PATH, and its cluster must have the tenant.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/kubescim/kubescim/hack/internal/repo"
)

// deadline bounds a recording.
const deadline = 2 * time.Minute

func main() {
	log.SetFlags(0)
	log.SetPrefix("recording: ")
	namespace, tenant := flag.String("namespace", "acme", "namespace of the tenant"), flag.String("tenant", "acme", "tenant to provision into")
	render := flag.Bool("render", false, "make the picture of what was recorded, and record nothing")
	flag.Parse()
	if err := run(context.Background(), *namespace, *tenant, *render); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, namespace, tenant string, render bool) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	root, err := repo.Root()
	if err != nil {
		return err
	}
	file := filepath.Join(root, "docs", "recording")
	if !render {
		recorded, err := record(ctx, namespace, tenant)
		if err != nil {
			return fmt.Errorf("recording a session with ScimTenant %s/%s: %w", namespace, tenant, err)
		}
		if err := os.WriteFile(file+".cast", recorded.encode(), 0o644); err != nil {
			return fmt.Errorf("writing what was recorded: %w", err)
		}
	}
	content, err := os.ReadFile(file + ".cast")
	if err != nil {
		return fmt.Errorf("reading what was recorded: %w", err)
	}
	recorded, err := decode(content)
	if err != nil {
		return fmt.Errorf("reading %s.cast: %w", file, err)
	}
	if err := os.WriteFile(file+".svg", picture(recorded), 0o644); err != nil {
		return fmt.Errorf("writing the picture: %w", err)
	}
	return nil
}
