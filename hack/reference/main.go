// Command reference writes the part of docs/kubectl-scim.md that says what each command of the
// plugin takes: all that follows its marker. `make generate` runs it.
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubescim/kubescim/hack/internal/repo"
	"github.com/kubescim/kubescim/internal/cli"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/output"
)

// marker ends what is written by hand.
const marker = "<!-- What follows is written by `make generate`. -->\n"

func main() {
	log.SetFlags(0)
	root, err := repo.Root()
	if err != nil {
		log.Fatal(err)
	}
	if err := write(filepath.Join(root, "docs", "kubectl-scim.md")); err != nil {
		log.Fatal(err)
	}
}

// write replaces what follows the marker in a document.
func write(file string) error {
	before, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the document: %w", err)
	}
	kept, _, found := bytes.Cut(before, []byte(marker))
	if !found {
		return fmt.Errorf("%s has no line %q, after which the commands are described: put it back", file, strings.TrimSpace(marker))
	}
	text := bytes.NewBuffer(append(kept, marker...))
	factory := command.NewFactory(genericiooptions.IOStreams{}, time.Now, output.Palette{})
	root := cli.NewRoot(factory)
	// Those of kubectl are the same everywhere, and `kubectl options` explains them.
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { f.Hidden = true })
	if err := describe(root, text); err != nil {
		return err
	}
	// A document has no spaces at the end of a line, no two blank lines, and one line end at its own.
	lines := strings.Split(text.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t")
	}
	written := strings.ReplaceAll(strings.TrimRight(strings.Join(lines, "\n"), "\n"), "\n\n\n", "\n\n") + "\n"
	if err := os.WriteFile(file, []byte(written), 0o644); err != nil {
		return fmt.Errorf("writing the document: %w", err)
	}
	return nil
}

// describe writes about a command, and those below it.
func describe(cmd *cobra.Command, out *bytes.Buffer) error {
	cmd.DisableAutoGenTag = true
	if cmd.Name() == "help" {
		return nil
	}
	// A link leads to a file for each command, which are sections here.
	link := func(file string) string {
		return "#" + strings.ReplaceAll(strings.ReplaceAll(strings.TrimSuffix(file, ".md"), "_", "-"), " ", "-")
	}
	fmt.Fprintln(out)
	if err := doc.GenMarkdownCustom(cmd, out, link); err != nil {
		return fmt.Errorf("describing %s: %w", cmd.CommandPath(), err)
	}
	for _, below := range cmd.Commands() {
		if !below.IsAvailableCommand() || below.IsAdditionalHelpTopicCommand() {
			continue
		}
		if err := describe(below, out); err != nil {
			return err
		}
	}
	return nil
}
