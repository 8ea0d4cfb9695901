package command

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// completionTimeout is how long a person waits after the tabulator.
const completionTimeout = 3 * time.Second

// Completion is what a shell asks for the words that can come next.
type Completion = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective)

// CompleteTenants completes the name of a ScimTenant, as the first argument.
func (f *Factory) CompleteTenants() Completion {
	return f.first(func() client.ObjectList { return &scimv1alpha1.ScimTenantList{} })
}

// CompleteKeys completes the name of a ScimApiKey, as the first argument.
func (f *Factory) CompleteKeys() Completion {
	return f.first(func() client.ObjectList { return &scimv1alpha1.ScimApiKeyList{} })
}

// CompleteFlag has the value of a flag of a command completed by the names of the objects of a list.
func (f *Factory) CompleteFlag(cmd *cobra.Command, flag string, list func() client.ObjectList) {
	complete(cmd, flag, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return f.names(cmd.Context(), list()), cobra.ShellCompDirectiveNoFileComp
	})
}

// complete has the value of a flag, which the command must have, completed.
func complete(cmd *cobra.Command, flag string, words Completion) {
	if err := cmd.RegisterFlagCompletionFunc(flag, words); err != nil {
		panic(err) // There is no such flag, or it has this already.
	}
}

func (f *Factory) first(list func() client.ObjectList) Completion {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return f.names(cmd.Context(), list()), cobra.ShellCompDirectiveNoFileComp
	}
}

// names returns names, and none where the cluster cannot be asked: a shell has no place for
// an error.
func (f *Factory) names(ctx context.Context, list client.ObjectList) []string {
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	c, namespace, err := f.Cluster()
	if err != nil {
		return nil
	}
	found, err := names(ctx, c, namespace, list)
	if err != nil {
		return nil
	}
	return found
}
