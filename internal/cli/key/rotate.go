package key

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/output"
)

const aboutRotate = `Have another token made for a key, wait until it works on every replica of the server, and say how
to read it. The tokens before go on working for the key's overlap, so that no request fails until
the new one is in the identity provider.`

const exampleRotate = `  # Another token, into a file
  kubectl scim key rotate okta -n globex --token-file=okta.token`

func newRotate(f *command.Factory) *cobra.Command {
	var (
		tokenFile string
		limit     time.Duration
		format    output.Format
	)
	cmd := &cobra.Command{
		Use:               "rotate KEY",
		Short:             "Have another token made for a key, and say how to read it",
		Long:              aboutRotate,
		Example:           exampleRotate,
		Args:              command.Args("KEY"),
		ValidArgsFunction: f.CompleteKeys(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkTokenFile(tokenFile); err != nil {
				return command.Mistake(cmd, err)
			}
			h, err := newHandover(f, tokenFile, limit)
			if err != nil {
				return err
			}
			return h.rotate(cmd.Context(), args[0], f.Now(), format)
		},
	}
	cmd.Flags().StringVar(&tokenFile, "token-file", "", "file that is made for the token; it is in its Secret alone when omitted")
	cmd.Flags().DurationVar(&limit, "timeout", handoverTimeout, "how long to wait for the token")
	format.AddFlag(cmd)
	return cmd
}

func (h *handover) rotate(ctx context.Context, name string, now time.Time, format output.Format) error {
	key, err := command.Key(ctx, h.client, h.namespace, name)
	if err != nil {
		return err
	}
	if err := rotatable(key); err != nil {
		return err
	}
	before := key.Status.KeyID
	if err := annotate(ctx, h.client, key, scimv1alpha1.AnnotationRotateAt, rotateTime(key, now).Format(time.RFC3339)); err != nil {
		return command.Failed("asking for another token of ScimApiKey "+name, command.RoleKeyEditor, err)
	}
	fmt.Fprintf(h.errs, "another token of ScimApiKey %s is asked for; waiting until it works\n", name)
	if err := h.wait(ctx, key, func(k *scimv1alpha1.ScimApiKey) bool { return k.Status.KeyID != before }); err != nil {
		return err
	}
	if err := h.handOver(ctx, key, format); err != nil {
		return err
	}
	rotating := meta.FindStatusCondition(key.Status.Conditions, scimv1alpha1.ConditionRotating)
	if rotating != nil && rotating.Reason == scimv1alpha1.ReasonOverlap {
		fmt.Fprintln(h.errs, output.Safe(rotating.Message))
	}
	return nil
}

// rotatable says why a key cannot be rotated, and what to do instead.
func rotatable(key *scimv1alpha1.ScimApiKey) error {
	switch {
	case key.IsFederated():
		return fmt.Errorf("ScimApiKey %q is federated: it has no token that could be changed", key.Name)
	case key.TokenIssuer() == scimv1alpha1.TokenIssuerOffline:
		return fmt.Errorf("the tokens of ScimApiKey %q are made elsewhere: 'kubectl scim key generate --key=%[1]s -n %s --token-file=FILE | kubectl apply -f -' makes another one",
			key.Name, key.Namespace)
	case key.Status.KeyID == "":
		return fmt.Errorf("ScimApiKey %q has no token yet, which another one could follow: 'kubectl scim key list -n %s -o wide' says why", key.Name, key.Namespace)
	default:
		return nil
	}
}

// rotateTime is the time that asks for another token: now, and later than the newest one, both in
// whole seconds.
func rotateTime(key *scimv1alpha1.ScimApiKey, now time.Time) time.Time {
	at := now.UTC().Truncate(time.Second)
	for _, credential := range key.Status.Credentials {
		if after := credential.IssueTime.Add(time.Second); after.After(at) {
			at = after.UTC()
		}
	}
	return at
}
