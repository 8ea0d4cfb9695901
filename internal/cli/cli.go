// Package cli is kubectl-scim: its commands, each in a package of its own, and how the program
// ends.
package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kubescim/kubescim/internal/cli/check"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/connect"
	"github.com/kubescim/kubescim/internal/cli/directory"
	"github.com/kubescim/kubescim/internal/cli/erase"
	"github.com/kubescim/kubescim/internal/cli/history"
	"github.com/kubescim/kubescim/internal/cli/key"
	"github.com/kubescim/kubescim/internal/cli/output"
	"github.com/kubescim/kubescim/internal/cli/requests"
	"github.com/kubescim/kubescim/internal/cli/session"
	"github.com/kubescim/kubescim/internal/cli/status"
	"github.com/kubescim/kubescim/internal/cli/tenant"
	"github.com/kubescim/kubescim/internal/cli/transfer"
	"github.com/kubescim/kubescim/internal/program"
)

// Program is what the plugin gets from where it runs.
type Program struct {
	Streams genericiooptions.IOStreams
	Now     func() time.Time
	Getenv  func(string) string
	// Reach leads to the operator; by a port-forward when nil.
	Reach command.Reach
}

// Run is the whole program, and returns its exit status.
func (p Program) Run(ctx context.Context, args []string) int {
	factory := command.NewFactory(p.Streams, p.Now, output.TerminalFor(p.Streams.Out, p.Getenv))
	if p.Reach != nil {
		factory.Reach = p.Reach
	}
	root := NewRoot(factory)
	root.SetArgs(append([]string{}, args...)) // Of nil, cobra makes the arguments of the process.
	root.SetIn(p.Streams.In)
	root.SetOut(p.Streams.Out)
	root.SetErr(p.Streams.ErrOut)
	err := root.ExecuteContext(ctx)
	var usage *program.UsageError
	if err != nil && !errors.As(err, &usage) {
		fmt.Fprintln(p.Streams.ErrOut, "error:", output.Safe(strings.ReplaceAll(err.Error(), "\n", "; ")))
	}
	return program.ExitCode(err)
}

// NewRoot is `kubectl scim`, with all that is below it.
func NewRoot(f *command.Factory) *cobra.Command {
	root := command.Group(&cobra.Command{
		Use:           "kubectl-scim",
		Short:         "Work with Kubescim's SCIM tenants, their keys and their users",
		Version:       program.Version,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl scim"},
		SilenceErrors: true,
		SilenceUsage:  true,
		// What it would write is for a program that is called kubectl-scim. kubectl asks the
		// program kubectl_complete-scim instead.
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	},
		status.New(f), requests.New(f),
		directory.NewUsers(f), directory.NewGroups(f), directory.NewMembers(f),
		key.New(f),
		tenant.NewPause(f), tenant.NewResume(f), tenant.NewMove(f),
		connect.New(f), check.New(f), history.New(f),
		transfer.NewExport(f), transfer.NewImport(f),
		session.New(f), erase.New(f),
	)
	root.SetFlagErrorFunc(command.Mistake)
	f.AddFlags(root.PersistentFlags())
	return root
}
