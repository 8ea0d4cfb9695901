// Package erase is `kubectl scim erase`: it deletes for good a user whom the identity provider has
// deleted, and reports of each place where something of a user can be.
package erase

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/directory"
	"github.com/kubescim/kubescim/internal/cli/output"
)

const about = `Delete for good a user whom the identity provider has deleted and the tenant keeps, and report of each
place where something of the user can be: what is there, what becomes of it, and what remains. Without --yes,
it only reports.

A user whom the identity provider has not deleted is refused: it would bring the user back. Users are
otherwise deleted by the tenant's server alone: break glass, with --as and --as-group
(docs/break-glass.md).`

const example = `  # What is there of Alice?
  kubectl scim erase alice.martin@acme.example.com -n acme

  # Delete her for good
  kubectl scim erase alice.martin@acme.example.com -n acme --yes \
    --as=scim.kubescim.dev:break-glass --as-group=scim.kubescim.dev:break-glass`

// New is the command.
func New(f *command.Factory) *cobra.Command {
	var (
		flags   directory.UserFlags
		confirm bool
		format  output.Format
	)
	cmd := &cobra.Command{
		Use:               "erase USER",
		Short:             "Delete for good a user whom the identity provider has deleted",
		Long:              about,
		Example:           example,
		Args:              command.Args("USER"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, user, err := flags.Find(cmd.Context(), f, args[0])
			if err != nil {
				return err
			}
			found, err := gather(cmd.Context(), c, user)
			if err != nil {
				return err
			}
			if confirm {
				if err := remove(cmd.Context(), c, user); err != nil {
					return err
				}
			}
			return printPlaces(f, found.places(confirm), format)
		},
	}
	flags.AddTo(f, cmd)
	cmd.Flags().BoolVar(&confirm, "yes", false, "delete the user; it cannot be undone")
	format.AddFlag(cmd)
	return cmd
}

// remove deletes this very user, as it was read.
func remove(ctx context.Context, c client.Client, user *scimv1alpha1.ScimUser) error {
	if user.Spec.Meta.DeletedTime.IsZero() {
		return errors.New("the identity provider has not deleted this user, and would bring it back: have it deleted there first, and erase it then")
	}
	err := c.Delete(ctx, user, client.Preconditions{UID: &user.UID, ResourceVersion: &user.ResourceVersion})
	switch {
	case apierrors.IsConflict(err):
		return fmt.Errorf("the user has just changed, and may have come back: look at it with 'kubectl scim history %s -n %s'", user.Name, user.Namespace)
	case err != nil:
		return command.Failed("deleting ScimUser "+user.Name, "", err)
	default:
		return nil
	}
}

func printPlaces(f *command.Factory, places []Place, format output.Format) error {
	if format.Structured() {
		return format.Document(f.Streams.Out, places)
	}
	text := &strings.Builder{}
	table := output.NewTable(text, f.Terminal, "PLACE", "FOUND")
	for _, p := range places {
		table.Row(output.Text(p.Place), output.Text(p.Found))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(text, "\n%s\n", f.Terminal.Paint(output.Heading, "What becomes of it"))
	for _, p := range places {
		if p.Becomes != "" {
			f.Terminal.Paragraph(text, output.Plain, "- ", output.Safe(p.Place+": "+p.Becomes))
		}
	}
	if _, err := io.WriteString(f.Streams.Out, text.String()); err != nil {
		return fmt.Errorf("printing what there is of the user: %w", err)
	}
	return nil
}
