// Package key is `kubectl scim key`: ways into a tenant, and their tokens. No token is ever
// printed: one that is asked for goes into a file that its owner alone can read.
package key

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/output"
	"github.com/kubescim/kubescim/internal/cli/view"
)

// New is the command, with those below it.
func New(f *command.Factory) *cobra.Command {
	return command.Group(&cobra.Command{Use: "key", Short: "Work with ScimApiKeys and their tokens"},
		newList(f), newCreate(f), newRotate(f), newRevoke(f), newGenerate(f))
}

const aboutList = `List the tokens of a tenant's keys, or of all keys of the namespace: when each ends, and when
it was used last. A key in whose rotation two tokens work has two rows.`

const exampleList = `  # Which keys does acme have, and which of them are in use?
  kubectl scim key list acme -n acme

  # All of the namespace, with what their conditions say
  kubectl scim key list -n customers -o wide`

// pageSize is how many keys are read at a time.
const pageSize = 500

func newList(f *command.Factory) *cobra.Command {
	var format output.Format
	cmd := &cobra.Command{
		Use:               "list [TENANT]",
		Short:             "List keys and their tokens, with their ends and last uses",
		Long:              aboutList,
		Example:           exampleList,
		Args:              command.Args("[TENANT]"),
		ValidArgsFunction: f.CompleteTenants(),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, namespace, err := f.Cluster()
			if err != nil {
				return err
			}
			tokens, err := tokensOf(cmd.Context(), c, namespace, args)
			if err != nil {
				return err
			}
			if format.Structured() {
				return format.Document(f.Streams.Out, tokens)
			}
			if len(tokens) == 0 {
				fmt.Fprintf(f.Streams.ErrOut, "There are no keys in the namespace %q: 'kubectl scim key create' makes one.\n", namespace)
			}
			return view.PrintTokens(f.Streams.Out, f.Terminal, tokens, f.Now(), format == output.FormatWide)
		},
	}
	format.AddFlag(cmd)
	return cmd
}

// tokensOf returns the tokens of a tenant that is named, or of all.
func tokensOf(ctx context.Context, c client.Client, namespace string, names []string) ([]view.Token, error) {
	options := []client.ListOption{client.InNamespace(namespace), client.Limit(pageSize)}
	for _, name := range names {
		if _, err := command.Tenant(ctx, c, namespace, name); err != nil {
			return nil, err
		}
		options = append(options, client.MatchingFields{"spec.tenantRef.name": name})
	}
	tokens := []view.Token{}
	for next := ""; ; {
		keys := &scimv1alpha1.ScimApiKeyList{}
		if err := c.List(ctx, keys, append(options, client.Continue(next))...); err != nil {
			return nil, command.Failed("listing ScimApiKeys", command.RoleTenantViewer, err)
		}
		for i := range keys.Items {
			tokens = append(tokens, view.Tokens(&keys.Items[i])...)
		}
		if next = keys.Continue; next == "" {
			return tokens, nil
		}
	}
}
