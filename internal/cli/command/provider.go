package command

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// ConnectionFlags are the flags of commands about how an identity provider calls a tenant.
type ConnectionFlags struct {
	// Key is the ScimApiKey that is named; empty for the only one that the tenant has.
	Key string

	provider string
	known    []string
}

// KnownProviders returns, in order, the names of the identity providers that a table has.
func KnownProviders[V any](table map[scimv1alpha1.IdentityProvider]V) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(table)) {
		names = append(names, string(name))
	}
	return names
}

// AddTo adds the flags to a command that knows some providers. aboutKey explains what the key is for.
func (c *ConnectionFlags) AddTo(f *Factory, cmd *cobra.Command, known []string, aboutKey string) {
	c.known = known
	cmd.Flags().StringVar(&c.provider, "provider", "", "identity provider, if it is not the one of the tenant: "+strings.Join(known, ", "))
	cmd.Flags().StringVar(&c.Key, "key", "", aboutKey)
	complete(cmd, "provider", cobra.FixedCompletions(known, cobra.ShellCompDirectiveNoFileComp))
	f.CompleteFlag(cmd, "key", func() client.ObjectList { return &scimv1alpha1.ScimApiKeyList{} })
}

// ProviderOf returns the provider that is named, in any case, or else that of the tenant.
func (c *ConnectionFlags) ProviderOf(tenant *scimv1alpha1.ScimTenant) (scimv1alpha1.IdentityProvider, error) {
	if c.provider == "" {
		return tenant.Spec.IdentityProvider, nil
	}
	i := slices.IndexFunc(c.known, func(known string) bool { return strings.EqualFold(known, c.provider) })
	if i < 0 {
		return "", fmt.Errorf("--provider=%q is none that is known: there are %s", c.provider, strings.Join(c.known, ", "))
	}
	return scimv1alpha1.IdentityProvider(c.known[i]), nil
}
