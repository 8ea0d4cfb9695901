package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/kubescim/kubescim/internal/program"
)

// Role is a ClusterRole of the chart, as it is called in a release of the name kubescim.
type Role string

// Roles by what they permit.
const (
	RoleTenantViewer Role = "kubescim-tenant-viewer"
	RoleTenantEditor Role = "kubescim-tenant-editor"
	RoleKeyEditor    Role = "kubescim-key-editor"
	RoleUserViewer   Role = "kubescim-user-viewer"
)

// Failed says what was being done when the API server answered with an error, and how to mend
// that. The role is what permits it; empty where none of the chart's does.
func Failed(doing string, role Role, err error) error {
	switch {
	case err == nil:
		return nil
	case meta.IsNoMatchError(err):
		return fmt.Errorf("%s: the cluster does not know Kubescim's kinds: install its chart, or choose another cluster with --context (%w)", doing, err)
	case apierrors.IsForbidden(err) && strings.Contains(err.Error(), "ValidatingAdmissionPolicy"):
		return fmt.Errorf("%s: a policy of the cluster refuses it: %w", doing, err) // Which says how to mend it.
	case apierrors.IsForbidden(err) && role != "":
		return fmt.Errorf("%s: you lack the right: whoever administers the cluster can bind you the ClusterRole %s in the namespace (%w)", doing, role, err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%s: you lack the right: ask whoever administers the cluster for it (%w)", doing, err)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("%s: the cluster does not accept your credentials: sign in again, or choose another user with --user or --context (%w)", doing, err)
	case utilnet.IsConnectionRefused(err), utilnet.IsTimeout(err):
		return fmt.Errorf("%s: the API server does not answer: check the kubeconfig's context, or try again (%w)", doing, err)
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
}

// Mistake reports what is wrong with a command line, and where one reads how to mend it.
func Mistake(cmd *cobra.Command, err error) error {
	fmt.Fprintf(cmd.ErrOrStderr(), "error: %v\nSee '%s --help' for usage.\n", err, cmd.CommandPath())
	return &program.UsageError{Err: err}
}

// Group completes a command that does nothing but have commands below it.
func Group(cmd *cobra.Command, below ...*cobra.Command) *cobra.Command {
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		err := fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())
		if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
			err = fmt.Errorf("%w: did you mean %s?", err, strings.Join(similar, " or "))
		}
		return Mistake(cmd, err)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(below...)
	return cmd
}

// Args checks that there is an argument for each of the names. One that is optional stands in
// brackets, after those that are not.
func Args(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > len(names) {
			return Mistake(cmd, fmt.Errorf("there is nothing that the argument %q could be: the command is '%s'", args[len(names)], cmd.UseLine()))
		}
		if len(args) < len(names) && !strings.HasPrefix(names[len(args)], "[") {
			return Mistake(cmd, fmt.Errorf("%s is missing: the command is '%s'", names[len(args)], cmd.UseLine()))
		}
		return nil
	}
}
