package key

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
)

const aboutRevoke = `Delete a key, and wait until no replica of the server accepts a token of it any more.

Its tokens are refused within a second. That cannot be undone; to switch a key off for a while,
set its spec.state to Suspended.`

const exampleRevoke = `  kubectl scim key revoke okta -n globex`

func newRevoke(f *command.Factory) *cobra.Command {
	var limit time.Duration
	cmd := &cobra.Command{
		Use:               "revoke KEY",
		Short:             "Delete a key, and wait until its tokens are refused everywhere",
		Long:              aboutRevoke,
		Example:           exampleRevoke,
		Args:              command.Args("KEY"),
		ValidArgsFunction: f.CompleteKeys(),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, namespace, err := f.Cluster()
			if err != nil {
				return err
			}
			key, err := command.Key(cmd.Context(), c, namespace, args[0])
			if err != nil {
				return err
			}
			if err := revoke(cmd.Context(), c, key, limit); err != nil {
				return err
			}
			fmt.Fprintf(f.Streams.Out, "ScimApiKey %s is revoked: no replica accepts a token of it.\n", key.Name)
			return nil
		},
	}
	cmd.Flags().DurationVar(&limit, "timeout", handoverTimeout, "how long to wait for the replicas")
	return cmd
}

// revoke deletes this very key, and waits until it is gone.
func revoke(ctx context.Context, c client.Client, key *scimv1alpha1.ScimApiKey, limit time.Duration) error {
	err := c.Delete(ctx, key, client.Preconditions{UID: &key.UID})
	if client.IgnoreNotFound(err) != nil {
		return command.Failed("deleting ScimApiKey "+key.Name, command.RoleKeyEditor, err)
	}
	uid := key.UID
	err = command.Wait(ctx, limit, func(ctx context.Context) (bool, error) {
		err := c.Get(ctx, client.ObjectKeyFromObject(key), key)
		switch {
		case apierrors.IsNotFound(err):
			return true, nil
		case err != nil:
			return false, command.Failed("reading ScimApiKey "+key.Name, command.RoleTenantViewer, err)
		default:
			return key.UID != uid, nil
		}
	})
	if errors.Is(err, command.ErrTimeout) {
		return fmt.Errorf("ScimApiKey %q is being deleted, and its tokens are refused; that all replicas have acknowledged it was not seen within %s: "+
			"'kubectl scim check' says whether the operator runs", key.Name, limit)
	}
	return err
}
