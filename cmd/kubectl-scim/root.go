package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubescim/kubescim/internal/program"
)

// newRoot is `kubectl scim`, with all that is below it.
func newRoot(now func() time.Time) *cobra.Command {
	root := group(&cobra.Command{
		Use:           "kubectl-scim",
		Short:         "Work with Kubescim's SCIM tenants and their keys",
		Version:       program.Version,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl scim"},
		SilenceErrors: true,
		SilenceUsage:  true,
		// What it would write is for a program that is called kubectl-scim.
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	})
	root.SetFlagErrorFunc(mistake)
	key := group(&cobra.Command{Use: "key", Short: "Work with ScimApiKeys and their tokens"})
	key.AddCommand(newGenerate(now))
	root.AddCommand(key)
	return root
}

// group completes a command that does nothing but have commands below it.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := cobra.NoArgs(cmd, args); err != nil {
			return mistake(cmd, err)
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}

// mistake reports what is wrong with a command line, and where one reads how to mend it.
func mistake(cmd *cobra.Command, err error) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "error: %v\nSee '%s --help' for usage.\n", err, cmd.CommandPath())
	return &program.UsageError{Err: err}
}
