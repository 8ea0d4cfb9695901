// Package requests is `kubectl scim log`: the last requests of a tenant, and why some were refused.
package requests

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/output"
	"github.com/kubescim/kubescim/internal/cli/view"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/requestlog"
)

const about = `Show the last requests of a tenant's identity provider, of all pods in the order of time, and
what to do about those that were refused.

Each pod of a server remembers as many as fit into 64 KiB, of refused ones for longer, until it
ends. No value of an attribute and no filter is among that: users and groups are named by their ids.

The operator puts together what the pods remember. It is reached by a port-forward, for which one
needs the Role kubescim-log-reader in its namespace; and it asks the API server whether you may get
scimtenants/log in the namespace of the tenant, as the ClusterRole kubescim-tenant-viewer permits.`

const example = `  # Why is a user not provisioned?
  kubectl scim log acme -n acme --refused

  # What has come with one key in the last hour
  kubectl scim log acme -n acme --key entra --since 1h

  # All that is known of each, for a program
  kubectl scim log acme -n acme -o json`

// options are what to show.
type options struct {
	since           time.Duration
	refused, failed bool
	key             string
	operator        command.OperatorFlag
	format          output.Format
}

// New is the command.
func New(f *command.Factory) *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:               "log TENANT",
		Short:             "Show the last requests of a tenant, and why some were refused",
		Long:              about,
		Example:           example,
		Args:              command.Args("TENANT"),
		ValidArgsFunction: f.CompleteTenants(),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.since < 0 {
				return command.Mistake(cmd, errors.New("--since must not be negative: it is how long ago, as in 1h"))
			}
			return o.run(cmd.Context(), f, args[0])
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&o.since, "since", 0, "only requests of so long ago at the most, as in 90m or 24h; all that are remembered when 0")
	flags.BoolVar(&o.refused, "refused", false, "only requests that were refused, or failed")
	flags.BoolVar(&o.failed, "failed", false, "only requests that failed on the server's side")
	flags.StringVar(&o.key, "key", "", "only requests with this key, by the name of the ScimApiKey or the key id of the token")
	f.CompleteFlag(cmd, "key", func() client.ObjectList { return &scimv1alpha1.ScimApiKeyList{} })
	o.operator.AddTo(cmd)
	o.format.AddFlag(cmd)
	return cmd
}

func (o *options) run(ctx context.Context, f *command.Factory, name string) error {
	c, tenant, err := f.Tenant(ctx, name)
	if err != nil {
		return err
	}
	keys, err := keyNames(ctx, c, tenant)
	if err != nil {
		return err
	}
	if err := o.checkKey(tenant, keys); err != nil {
		return err
	}
	log, err := f.RequestLog(ctx, o.operator, tenant)
	if err != nil {
		return err
	}
	if len(log.SilentPods) > 0 {
		fmt.Fprintf(f.Streams.ErrOut, "warning: what these pods remember is missing, since they do not answer: %s\n",
			output.Safe(strings.Join(log.SilentPods, ", ")))
	}
	records := slices.DeleteFunc(log.Requests, func(r requestlog.Record) bool { return !o.shows(r, keys, f.Now()) })
	if o.format.Structured() {
		return o.format.Document(f.Streams.Out, document(contract.RequestLog{Requests: records, Pods: log.Pods, SilentPods: log.SilentPods}, keys))
	}
	return printer{out: f.Streams.Out, terminal: f.Terminal, now: f.Now(), keys: keys, wide: o.format == output.FormatWide}.print(records)
}

// shows reports whether a record is one of those that are asked for.
func (o *options) shows(r requestlog.Record, keys map[string]string, now time.Time) bool {
	switch {
	case o.since > 0 && now.Sub(r.Time) > o.since:
		return false
	case o.failed && !r.Failed(), o.refused && !r.Refused():
		return false
	default:
		return o.key == "" || r.KeyID == o.key || r.KeyID != "" && keys[r.KeyID] == o.key
	}
}

// keyNames are the names of a tenant's keys, by the ids of their tokens.
func keyNames(ctx context.Context, c client.Client, tenant *scimv1alpha1.ScimTenant) (map[string]string, error) {
	keys, err := command.KeysOf(ctx, c, tenant)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for i := range keys {
		for _, token := range view.Tokens(&keys[i]) {
			if token.KeyID != "" {
				names[token.KeyID] = token.Key
			}
		}
	}
	return names, nil
}

// checkKey fails for a key that is none of the tenant's: nothing would be shown, as if nothing had come.
// One that is gone is named by its key id.
func (o *options) checkKey(tenant *scimv1alpha1.ScimTenant, keys map[string]string) error {
	if o.key == "" || apikey.IsKeyID(o.key) {
		return nil
	}
	var names []string
	for _, name := range keys {
		if name == o.key {
			return nil
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return fmt.Errorf("ScimTenant %q has no key %q with a token, but: %s; one that is gone is named by its key id, the 16 characters after kscim_",
		tenant.Name, o.key, output.OrNone(strings.Join(slices.Compact(names), ", ")))
}
