// Package connect is `kubectl scim connect`: what to enter where, so that an identity provider
// calls a tenant.
package connect

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/output"
)

const about = `Say what to enter where, so that an identity provider calls a tenant: by default the one of its
spec.identityProvider, with the key that the tenant has.

With --hand-over, it is a sheet for the administrator of the provider, who has no kubectl. No
secret is in it: send the token another way.`

const example = `  # What do I enter in Okta?
  kubectl scim connect globex -n globex

  # A sheet for the customer
  kubectl scim connect acme -n acme --key=entra --hand-over >acme.txt`

// options are what the command line says.
type options struct {
	command.ConnectionFlags
	handsOver bool
}

// New is the command.
func New(f *command.Factory) *cobra.Command {
	var (
		o      options
		format output.Format
	)
	cmd := &cobra.Command{
		Use:               "connect TENANT",
		Short:             "Say what to enter in an identity provider",
		Long:              about,
		Example:           example,
		Args:              command.Args("TENANT"),
		ValidArgsFunction: f.CompleteTenants(),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, tenant, err := f.Tenant(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			found, err := o.gather(cmd.Context(), c, tenant)
			if err != nil {
				return err
			}
			write := found.sheet
			if o.handsOver {
				write = found.handOver
			}
			sheet, err := write()
			if err != nil {
				return err
			}
			if format.Structured() {
				return format.Document(f.Streams.Out, sheet)
			}
			return sheet.print(f.Streams.Out, f.Palette)
		},
	}
	o.AddTo(f, cmd, command.KnownProviders(guides), "ScimApiKey that the provider is to use, where the tenant has several")
	cmd.Flags().BoolVar(&o.handsOver, "hand-over", false, "write a sheet for the administrator of the provider")
	format.AddFlag(cmd)
	return cmd
}

func (o *options) gather(ctx context.Context, c client.Client, tenant *scimv1alpha1.ScimTenant) (*connection, error) {
	provider, err := o.ProviderOf(tenant)
	if err != nil {
		return nil, fmt.Errorf("%w; Generic is for any other", err)
	}
	key, err := command.KeyOf(ctx, c, tenant, o.Key)
	return &connection{tenant: tenant, provider: provider, key: key}, err
}

func (s *Sheet) print(out io.Writer, palette output.Palette) error {
	text := &strings.Builder{}
	fmt.Fprintln(text, palette.Paint(output.Heading, "Connect "+s.Product+" to "+s.Tenant))
	if len(s.Before) > 0 {
		fmt.Fprintf(text, "\n%s\n", palette.Paint(output.Bad, "Before:"))
		for _, line := range s.Before {
			fmt.Fprintln(text, "-", output.Safe(line))
		}
	}
	fmt.Fprintln(text)
	for i, step := range s.Steps {
		fmt.Fprintf(text, "%d. %s\n", i+1, step.Text)
		width := 0
		for _, field := range step.Fields {
			width = max(width, len(field.Name))
		}
		for _, field := range step.Fields {
			fmt.Fprintf(text, "     %-*s   %s\n", width, field.Name, field.Value)
		}
	}
	fmt.Fprintf(text, "\n%s\n\n%s\n", s.After, palette.Paint(output.Heading, "If it does not work"))
	for _, line := range s.Troubles {
		fmt.Fprintln(text, "-", line)
	}
	if s.Attachment != "" {
		fmt.Fprintf(text, "\n%s\n%s\n", palette.Paint(output.Heading, "To paste"), s.Attachment)
	}
	if s.Page != "" {
		fmt.Fprintln(text, "\nMore:", s.Page)
	}
	if _, err := io.WriteString(out, text.String()); err != nil {
		return fmt.Errorf("printing what to enter: %w", err)
	}
	return nil
}
