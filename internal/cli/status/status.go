// Package status is `kubectl scim status`: what there is to say about a tenant, on one screen.
package status

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/output"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/requestlog"
)

// Bounds of what is read: a server has few pods.
const (
	mostPods = 100
	// recently is of what time requests are looked at, and logTimeout for how long they are waited for.
	recently   = 24 * time.Hour
	logTimeout = 10 * time.Second
)

const about = `Show on one screen how a tenant is: its URL, whether it is served and if not what to do,
its server, its keys with their ends and last uses, how many users and groups it has, whether its
ScimRoles, ScimRoleBindings and ScimEventSinks are Ready, and what was refused in the last 24 hours, if
you may see that (kubectl scim log).

With -o wide, all conditions and the pods of the server are shown too. The exit status is 1
when the tenant is not Ready.`

const example = `  # How is the tenant acme?
  kubectl scim status acme -n acme

  # In a script
  kubectl scim status acme -n acme -o json | jq -r .url`

// New is the command.
func New(f *command.Factory) *cobra.Command {
	var (
		format   output.Format
		operator command.OperatorFlag
	)
	cmd := &cobra.Command{
		Use:               "status TENANT",
		Short:             "Show how a tenant is, and what to do",
		Long:              about,
		Example:           example,
		Args:              command.Args("TENANT"),
		ValidArgsFunction: f.CompleteTenants(),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, tenant, err := f.Tenant(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			found, err := gather(cmd.Context(), c, tenant)
			if err != nil {
				return err
			}
			found.requests, found.requestsUnknown = lately(cmd.Context(), f, operator, tenant)
			report := reportOf(found)
			if err := report.print(f.Streams.Out, f.Terminal, format, f.Now()); err != nil {
				return err
			}
			if !report.Ready {
				return fmt.Errorf("ScimTenant %q is not Ready: %s", report.Tenant, report.Reason)
			}
			return nil
		},
	}
	operator.AddTo(cmd)
	format.AddFlag(cmd)
	return cmd
}

// lately is what was asked for lately, or why nobody says. The rest of the screen does not need it.
func lately(ctx context.Context, f *command.Factory, operator command.OperatorFlag, tenant *scimv1alpha1.ScimTenant) (found []requestlog.Record, unknown string) {
	ctx, cancel := context.WithTimeout(ctx, logTimeout)
	defer cancel()
	log, err := f.RequestLog(ctx, operator, tenant)
	if err != nil {
		return nil, err.Error()
	}
	return slices.DeleteFunc(log.Requests, func(r requestlog.Record) bool { return f.Now().Sub(r.Time) > recently }), ""
}

// found is what a report is made of.
type found struct {
	tenant *scimv1alpha1.ScimTenant
	// server is the ScimServer that the tenant names; nil when it names none, or there is none.
	server *scimv1alpha1.ScimServer
	keys   []scimv1alpha1.ScimApiKey
	pods   []corev1.Pod
	// podsHidden says that pods may not be listed.
	podsHidden bool
	// roles, roleBindings and eventSinks are those of the tenant.
	roles, roleBindings, eventSinks listed
	// requests are those of the last time, in their order, and requestsUnknown says why they are not known.
	requests        []requestlog.Record
	requestsUnknown string
}

func gather(ctx context.Context, c client.Client, tenant *scimv1alpha1.ScimTenant) (found, error) {
	f, namespace, name := found{tenant: tenant}, tenant.Namespace, tenant.Name
	var err error
	if f.keys, err = command.KeysOf(ctx, c, tenant); err != nil {
		return found{}, err
	}
	selector := operand.SelectorLabels(name)
	if shared := tenant.Spec.ServerRef.Name; shared != "" {
		selector = operand.SharedSelectorLabels(shared)
		server := &scimv1alpha1.ScimServer{}
		err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: shared}, server)
		if client.IgnoreNotFound(err) != nil {
			return found{}, command.Failed("reading the ScimServer of the tenant", command.RoleTenantViewer, err)
		}
		if err == nil {
			f.server = server
		}
	}
	pods := &corev1.PodList{}
	err = c.List(ctx, pods, client.InNamespace(namespace), client.MatchingLabels(selector), client.Limit(mostPods))
	switch {
	case apierrors.IsForbidden(err):
		f.podsHidden = true
	case err != nil:
		return found{}, command.Failed("listing the pods of the server", "", err)
	}
	f.pods = pods.Items
	f.roles = objectsOf(ctx, c, tenant, "ScimRole", &scimv1alpha1.ScimRoleList{})
	f.roleBindings = objectsOf(ctx, c, tenant, "ScimRoleBinding", &scimv1alpha1.ScimRoleBindingList{})
	f.eventSinks = objectsOf(ctx, c, tenant, "ScimEventSink", &scimv1alpha1.ScimEventSinkList{})
	return f, nil
}
