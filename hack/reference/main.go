// Command reference writes those parts of documents that say what code knows: in docs/kubectl-scim.md,
// what each command of the plugin takes; in docs/for-administrators.md, what to enter in each identity
// provider; in docs/reference.md, every field of every kind. Each is all that follows a marker. `make generate` runs it.
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
	"github.com/kubescim/kubescim/internal/cli/connect"
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
	for document, describe := range map[string]func(*bytes.Buffer) error{
		"kubectl-scim.md":       describeCommands,
		"for-administrators.md": describeProviders,
		"reference.md":          describeKinds(filepath.Join(root, "config", "crd", "bases")),
	} {
		if err := write(filepath.Join(root, "docs", document), describe); err != nil {
			log.Fatal(err)
		}
	}
}

// write replaces what follows the marker in a document.
func write(file string, describe func(*bytes.Buffer) error) error {
	before, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the document: %w", err)
	}
	kept, _, found := bytes.Cut(before, []byte(marker))
	if !found {
		return fmt.Errorf("%s has no line %q, after which it is generated: put it back", file, strings.TrimSpace(marker))
	}
	text := bytes.NewBuffer(append(kept, marker...))
	if err := describe(text); err != nil {
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

// describeProviders writes what the administrator of each identity provider does.
func describeProviders(out *bytes.Buffer) error {
	_, err := out.WriteString(connect.Page())
	return err
}

// describeCommands writes about the plugin of kubectl.
func describeCommands(out *bytes.Buffer) error {
	root := cli.NewRoot(command.NewFactory(genericiooptions.IOStreams{}, time.Now, output.Terminal{}))
	// Those of kubectl are the same everywhere, and `kubectl options` explains them.
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) { f.Hidden = true })
	return describe(root, out)
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
