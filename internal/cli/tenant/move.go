package tenant

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/output"
	"github.com/kubescim/kubescim/internal/contract"
)

// moveTimeout is how long a move is followed, if the command line says nothing else. One takes a
// minute or two.
const moveTimeout = 10 * time.Minute

const aboutMove = `Move a tenant to a ScimServer, or to a server of its own, and follow the move until it has ended.
The tenant is served meanwhile, and its URL stays. When the command ends before, the move goes on.

What spec.server says about the tenant's own server has no place at a ScimServer: with
--discard-server-spec it is removed.`

const exampleMove = `  # To a server that it shares with others
  kubectl scim move acme --to=shared -n customers

  # Back to a server of its own
  kubectl scim move acme --own -n customers`

// moveOptions are what the command line says.
type moveOptions struct {
	to                string
	own, discardsSpec bool
	limit             time.Duration
}

// NewMove is the command `move`.
func NewMove(f *command.Factory) *cobra.Command {
	var o moveOptions
	cmd := &cobra.Command{
		Use:               "move TENANT (--to=SERVER | --own)",
		Short:             "Move a tenant to another server, and follow the move",
		Long:              aboutMove,
		Example:           exampleMove,
		Args:              command.Args("TENANT"),
		ValidArgsFunction: f.CompleteTenants(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (o.to == "") != o.own {
				return command.Mistake(cmd, errors.New("say where to: --to=SERVER, or --own for a server of its own"))
			}
			c, t, err := f.Tenant(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			m := mover{client: c, errs: f.Streams.ErrOut}
			if err := m.move(cmd.Context(), t, o); err != nil {
				return err
			}
			fmt.Fprintf(f.Streams.Out, "ScimTenant %s is served by %s, at %s.\n", t.Name, noun(o.to), output.OrNone(t.Status.URL))
			return nil
		},
	}
	cmd.Flags().StringVar(&o.to, "to", "", "ScimServer that the tenant is moved to")
	cmd.Flags().BoolVar(&o.own, "own", false, "move the tenant to a server of its own")
	cmd.Flags().BoolVar(&o.discardsSpec, "discard-server-spec", false, "remove spec.server, which shapes a server that only this tenant has")
	cmd.Flags().DurationVar(&o.limit, "timeout", moveTimeout, "how long to follow the move")
	f.CompleteFlag(cmd, "to", func() client.ObjectList { return &scimv1alpha1.ScimServerList{} })
	return cmd
}

// noun is what people call a server.
func noun(server string) string {
	if server == "" {
		return "its own server"
	}
	return "ScimServer " + server
}

// mover moves a tenant.
type mover struct {
	client client.Client
	errs   io.Writer
}

func (m *mover) move(ctx context.Context, t *scimv1alpha1.ScimTenant, o moveOptions) error {
	if o.to != "" {
		if _, err := command.Server(ctx, m.client, t.Namespace, o.to); err != nil {
			return err
		}
	}
	if err := reachable(t, o.to); err != nil {
		return err
	}
	before := t.DeepCopy()
	if err := setServer(t, o); err != nil {
		return err
	}
	if err := m.client.Patch(ctx, t, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return command.Failed("setting spec.serverRef of ScimTenant "+t.Name, command.RoleTenantEditor, err)
	}
	fmt.Fprintf(m.errs, "ScimTenant %s is to be served by %s\n", t.Name, noun(o.to))
	err := m.followMove(ctx, t, before, o.limit)
	if errors.Is(err, command.ErrTimeout) {
		return fmt.Errorf("the move of ScimTenant %q has not ended within %s, and goes on: its condition Moved says how far it is", t.Name, o.limit)
	}
	return err
}

// reachable says why a tenant must not be moved yet: its clients know no URL but that of the ScimServer
// which it is to leave, and nobody would answer them there any more. The operator would refuse to move it
// (URLWouldChange), and not be Ready until that is taken back.
func reachable(t *scimv1alpha1.ScimTenant, to string) error {
	if len(t.Status.Servers) == 0 || t.Host() != "" || t.Status.URL == "" || t.Status.URL == contract.URL(t) {
		return nil
	}
	from, shared := contract.SharedServerOf(t.Status.Servers[0].Name)
	if !shared || from == to {
		return nil
	}
	return fmt.Errorf("ScimTenant %q has no URL but that of ScimServer %s, %s, which it would lose: give it spec.endpoint.host, "+
		"have the identity provider call the URL that 'kubectl scim status %[1]s -n %[4]s' shows then, and move it after that", t.Name, from, t.Status.URL, t.Namespace)
}

// setServer changes what the spec says of the server.
func setServer(t *scimv1alpha1.ScimTenant, o moveOptions) error {
	shaped := !equality.Semantic.DeepEqual(t.Spec.Server, scimv1alpha1.ServerSpec{})
	if o.to != "" && shaped && !o.discardsSpec {
		return fmt.Errorf("spec.server of ScimTenant %q shapes its own server, and has no place at a ScimServer, which has a spec of its own: "+
			"say --discard-server-spec to remove it", t.Name)
	}
	t.Spec.ServerRef.Name = o.to
	if o.to != "" {
		t.Spec.Server = scimv1alpha1.ServerSpec{}
	}
	return nil
}

// followMove reports each step of a move until it has ended, or waits for somebody.
func (m *mover) followMove(ctx context.Context, t, before *scimv1alpha1.ScimTenant, limit time.Duration) error {
	last := ""
	return follow(ctx, m.client, t, limit, func() (bool, error) {
		moved := meta.FindStatusCondition(t.Status.Conditions, scimv1alpha1.ConditionMoved)
		switch {
		case moved == nil:
			return true, nil // It stays where it is, or was never served.
		case moved.ObservedGeneration < t.Generation:
			return false, nil
		case moved.Status == metav1.ConditionTrue:
			return true, nil
		case moved.Reason != scimv1alpha1.ReasonMoving && meta.IsStatusConditionTrue(t.Status.Conditions, scimv1alpha1.ConditionStalled):
			return false, fmt.Errorf("%s. It is served where it was; 'kubectl scim move %s %s -n %s' takes this back", moved.Message, t.Name,
				back(before.Spec.ServerRef.Name), t.Namespace)
		case moved.Message != last:
			last = moved.Message
			fmt.Fprintln(m.errs, output.Safe(last))
		}
		return false, nil
	})
}

// back is the flag by which a tenant returns to where it was.
func back(server string) string {
	if server == "" {
		return "--own"
	}
	return "--to=" + server
}
