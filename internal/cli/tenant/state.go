// Package tenant is `kubectl scim pause`, `resume` and `move`: changes of a tenant that are
// followed until they are done.
package tenant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/view"
)

// stateTimeout is how long pausing and resuming are waited for, if the command line says nothing
// else.
const stateTimeout = time.Minute

const aboutPause = `Answer every request to a tenant with 503 and Retry-After from now on. Identity providers try again
later, and lose nothing. Where the ScimTenant comes from Git, set spec.state there: what is changed
here, the next synchronisation puts back.`

// NewPause is the command `pause`.
func NewPause(f *command.Factory) *cobra.Command {
	return newState(f, stateCommand{
		use: "pause", short: "Stop serving a tenant for a while", long: aboutPause,
		state: scimv1alpha1.TenantStatePaused, done: "is paused: requests are answered 503, and identity providers try again later",
	})
}

// NewResume is the command `resume`.
func NewResume(f *command.Factory) *cobra.Command {
	return newState(f, stateCommand{
		use: "resume", short: "Serve a tenant again that is paused", long: "Serve a tenant again that is paused.",
		state: scimv1alpha1.TenantStateActive, done: "is active: requests are served",
	})
}

// stateCommand is what is different between pausing and resuming.
type stateCommand struct {
	use, short, long, done string
	state                  scimv1alpha1.TenantState
}

func newState(f *command.Factory, s stateCommand) *cobra.Command {
	var limit time.Duration
	cmd := &cobra.Command{
		Use:               s.use + " TENANT",
		Short:             s.short,
		Long:              s.long,
		Example:           fmt.Sprintf("  kubectl scim %s acme -n acme", s.use),
		Args:              command.Args("TENANT"),
		ValidArgsFunction: f.CompleteTenants(),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, t, err := f.Tenant(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := setState(cmd.Context(), c, t, s.state, limit); err != nil {
				return err
			}
			fmt.Fprintf(f.Streams.Out, "ScimTenant %s %s.\n", t.Name, s.done)
			return nil
		},
	}
	cmd.Flags().DurationVar(&limit, "timeout", stateTimeout, "how long to wait for the operator")
	return cmd
}

// setState changes the state of a tenant, and waits until its status says so.
func setState(ctx context.Context, c client.Client, t *scimv1alpha1.ScimTenant, state scimv1alpha1.TenantState, limit time.Duration) error {
	if t.State() != state {
		before := t.DeepCopy()
		t.Spec.State = state
		if err := c.Patch(ctx, t, client.MergeFrom(before)); err != nil {
			return command.Failed(fmt.Sprintf("setting spec.state of ScimTenant %s to %s", t.Name, state), command.RoleTenantEditor, err)
		}
	}
	err := follow(ctx, c, t, limit, func() (bool, error) { return t.Status.State == state, nil })
	if errors.Is(err, command.ErrTimeout) {
		return fmt.Errorf("spec.state of ScimTenant %q is %s, which the operator has not acknowledged within %s: %s", t.Name, state, limit,
			view.Ready(t.Status.Conditions).Message)
	}
	return err
}

// follow reads a tenant until its status is about the spec, and done is true.
func follow(ctx context.Context, c client.Client, t *scimv1alpha1.ScimTenant, limit time.Duration, done func() (bool, error)) error {
	generation := t.Generation
	return command.Wait(ctx, limit, func(ctx context.Context) (bool, error) {
		if err := c.Get(ctx, client.ObjectKeyFromObject(t), t); err != nil {
			return false, command.Failed("reading ScimTenant "+t.Name, command.RoleTenantViewer, err)
		}
		if t.Status.ObservedGeneration < generation {
			return false, nil
		}
		return done()
	})
}
