package key

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/output"
)

// handoverTimeout is how long a token is waited for, if the command line says nothing else.
const handoverTimeout = 2 * time.Minute

const aboutCreate = `Make a ScimApiKey for a tenant, wait until its token works on every replica of the server, and
say how to read it.

The token is in a Secret then, and is not printed. With --token-file it is written into a new file
that you alone can read. A key for tokens that are made elsewhere is made with --offline, and its
tokens with 'kubectl scim key generate'.`

const exampleCreate = `  # A bearer token, which is changed every 90 days
  kubectl scim key create globex okta -n globex --rotate-every-days=90 --overlap-hours=72

  # An OAuth client, whose secret is in a file and does not stay in the cluster
  kubectl scim key create acme entra -n acme --oauth-client --once --token-file=entra.secret

  # One for Git, that changes nothing here
  kubectl scim key create acme entra -n acme --offline --dry-run >entra-key.yaml`

func newCreate(f *command.Factory) *cobra.Command {
	var (
		o      createOptions
		limit  time.Duration
		format output.Format
	)
	cmd := &cobra.Command{
		Use:               "create TENANT NAME",
		Short:             "Make a key for a tenant, and say how to read its token",
		Long:              aboutCreate,
		Example:           exampleCreate,
		Args:              command.Args("TENANT", "NAME"),
		ValidArgsFunction: f.CompleteTenants(),
		RunE: func(cmd *cobra.Command, args []string) error {
			key, err := o.read(args[0], args[1], f.Now())
			if err != nil {
				return command.Mistake(cmd, err)
			}
			if o.dryRun {
				key.Namespace = f.NamespaceFlag()
				return manifestFormat(format).Document(f.Streams.Out, manifestOf(key))
			}
			h, err := newHandover(f, o.tokenFile, limit)
			if err != nil {
				return err
			}
			return h.create(cmd.Context(), key, format)
		},
	}
	o.addFlags(cmd.Flags())
	cmd.Flags().DurationVar(&limit, "timeout", handoverTimeout, "how long to wait for the token")
	format.AddFlag(cmd)
	return cmd
}

// manifestFormat is the form of a manifest: YAML, unless JSON is asked for.
func manifestFormat(format output.Format) output.Format {
	if format == output.FormatJSON {
		return format
	}
	return output.FormatYAML
}

// create makes the key, and hands its token over.
func (h *handover) create(ctx context.Context, key *scimv1alpha1.ScimApiKey, format output.Format) error {
	key.Namespace = h.namespace
	// Whoever may make keys need not be allowed to see tenants.
	if _, err := command.Tenant(ctx, h.client, h.namespace, key.Spec.TenantRef.Name); err != nil && !apierrors.IsForbidden(err) {
		return err
	}
	doing := fmt.Sprintf("creating ScimApiKey %s/%s", key.Namespace, key.Name)
	err := h.client.Create(ctx, key)
	switch {
	case apierrors.IsAlreadyExists(err):
		return fmt.Errorf("there is a ScimApiKey %q already: 'kubectl scim key rotate %[1]s -n %s' makes another token of it", key.Name, key.Namespace)
	case err != nil:
		return command.Failed(doing, command.RoleKeyEditor, err)
	case key.TokenIssuer() == scimv1alpha1.TokenIssuerOffline:
		fmt.Fprintf(h.out, "ScimApiKey %s is there. Make its token with\n  kubectl scim key generate --key=%[1]s -n %s --token-file=FILE | kubectl apply -f -\n",
			key.Name, key.Namespace)
		return nil
	}
	fmt.Fprintf(h.errs, "ScimApiKey %s is there; waiting until its token works\n", key.Name)
	if err := h.wait(ctx, key, func(*scimv1alpha1.ScimApiKey) bool { return true }); err != nil {
		return err
	}
	return h.handOver(ctx, key, format)
}

// manifestOf leaves out of a key what nobody wrote.
func manifestOf(key *scimv1alpha1.ScimApiKey) any {
	return struct {
		APIVersion string                      `json:"apiVersion"`
		Kind       string                      `json:"kind"`
		Metadata   map[string]string           `json:"metadata"`
		Spec       scimv1alpha1.ScimApiKeySpec `json:"spec"`
	}{scimv1alpha1.GroupVersion.String(), "ScimApiKey", metadataOf(key), key.Spec}
}

func metadataOf(object client.Object) map[string]string {
	metadata := map[string]string{"name": object.GetName()}
	if namespace := object.GetNamespace(); namespace != "" {
		metadata["namespace"] = namespace
	}
	return metadata
}
