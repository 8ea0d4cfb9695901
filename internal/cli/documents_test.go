package cli

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/output"
)

var (
	// shell are the parts of documents that are to be typed.
	shell = regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```$")
	// typed is a command line of the plugin, up to where its output goes.
	typed = regexp.MustCompile(`(?m)^[^#\n]*?kubectl scim ([^|>&#\n]*)`)
)

func newRoot() *cobra.Command {
	streams := genericiooptions.IOStreams{In: &strings.Reader{}, Out: io.Discard, ErrOut: io.Discard}
	return NewRoot(command.NewFactory(streams, nil, output.Terminal{}))
}

// Every command line in a document, and in an example, is one of a command that there is, with flags and
// arguments that it takes.
func TestWhatIsToBeTypedCanBe(t *testing.T) {
	texts := map[string]string{}
	for _, pattern := range []string{"README.md", "docs/*.md", "docs/*/*.md", "charts/*/README.md"} {
		files, err := filepath.Glob(filepath.Join("..", "..", pattern))
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, found := range shell.FindAllStringSubmatch(string(content), -1) {
				texts[file] += found[1] + "\n"
			}
		}
	}
	var examples func(*cobra.Command)
	examples = func(cmd *cobra.Command) {
		texts[cmd.CommandPath()] = cmd.Example
		if cmd.Runnable() && !cmd.HasSubCommands() && cmd.Example == "" && cmd.Name() != "help" {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		for _, below := range cmd.Commands() {
			examples(below)
		}
	}
	examples(newRoot())

	seen := map[string]bool{}
	for where, text := range texts {
		for _, found := range typed.FindAllStringSubmatch(strings.ReplaceAll(text, "\\\n", " "), -1) {
			seen[strings.Fields(found[1])[0]] = true
			if err := parses(split(found[1])); err != nil {
				t.Errorf("%s: kubectl scim %s: %v", where, found[1], err)
			}
		}
	}
	for _, cmd := range newRoot().Commands() {
		if cmd.IsAvailableCommand() && cmd.Name() != "help" && !seen[cmd.Name()] {
			t.Errorf("no document shows kubectl scim %s", cmd.Name())
		}
	}
}

// parses reports what is wrong with a command line.
func parses(args []string) error {
	cmd, rest, err := newRoot().Find(args)
	if err != nil {
		return err
	}
	cmd.InitDefaultVersionFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}
