package key

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/contract"
)

const aboutGenerate = `Make a token for a ScimApiKey here, without a cluster.

The token is written into a new file that you alone can read. Its ScimCredential, which
has the SHA-256 hash of the token, is printed for 'kubectl apply' or Git: it is no secret.
The token works within a second of the ScimCredential being applied beside its ScimApiKey
and ScimTenant.`

const exampleGenerate = `  # Let a token in that is good for 90 days
  kubectl scim key generate --key=entra -n acme --expires-in=90d --token-file=acme.token | kubectl apply -f -

  # Have it from Git
  kubectl scim key generate --key=entra -n acme --token-file=acme.token >acme/entra-credential.yaml`

// newGenerate is `kubectl scim key generate`. It asks no cluster.
func newGenerate(f *command.Factory) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:     "generate --key=NAME --token-file=FILE",
		Short:   "Make a token offline, and print its ScimCredential",
		Long:    aboutGenerate,
		Example: exampleGenerate,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return command.Mistake(cmd, fmt.Errorf("there is no argument %q: the ScimApiKey is named with --key", args[0]))
			}
			return nil
		},
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.namespace = f.NamespaceFlag()
			wanted, err := o.read(f.Now())
			if err != nil {
				return command.Mistake(cmd, err)
			}
			return generate(wanted, f.Streams.Out, f.Streams.ErrOut)
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

// generate makes a token and hands both halves over: the token to its file, and then its
// ScimCredential to out. Nothing stays of a token whose ScimCredential was not printed.
func generate(w wanted, out, errs io.Writer) error {
	token, verifier, err := apikey.Mint()
	if err != nil {
		return fmt.Errorf("making a token: %w", err)
	}
	if err := writeToken(w.tokenFile, token); err != nil {
		return err
	}
	if err := w.format.Document(out, credentialOf(verifier, w)); err != nil {
		return errors.Join(fmt.Errorf("the ScimCredential was not printed, and there is no token: %w", err), os.Remove(w.tokenFile))
	}
	fmt.Fprintf(errs, "The token with the key id %s is in %s, and nowhere else. Delete that file once you have pasted the token.\n", verifier.KeyID, w.tokenFile)
	return nil
}

// credentialOf returns the ScimCredential that lets a token in.
func credentialOf(verifier apikey.Verifier, w wanted) *scimv1alpha1.ScimCredential {
	credential := contract.CredentialOf(verifier, w.namespace, w.key, w.issued)
	credential.TypeMeta = metav1.TypeMeta{APIVersion: scimv1alpha1.GroupVersion.String(), Kind: "ScimCredential"}
	credential.Spec.NotBefore = metav1.NewTime(w.notBefore)
	credential.Spec.ExpirationTime = metav1.NewTime(w.expiration)
	return credential
}
