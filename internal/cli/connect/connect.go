// Package connect is `kubectl scim connect`: what to enter where, so that an identity provider
// calls a tenant.
package connect

import (
	"cmp"
	"context"
	"errors"
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

With --hand-over, it is a sheet for the administrator of the provider, who has no kubectl: name your
application in it with --application, and who helps with --contact. No secret is in it: send the token another way.`

const example = `  # What do I enter in Okta?
  kubectl scim connect globex -n globex

  # A sheet for the customer
  kubectl scim connect acme -n acme --key=entra --hand-over --application='Example App' --contact=support@example.com >acme.txt`

// options are what the command line says.
type options struct {
	command.ConnectionFlags
	handsOver bool
	// application is what the administrator knows the application by, and contact whom they ask.
	application, contact string
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
			if !o.handsOver && (o.application != "" || o.contact != "") {
				return command.Mistake(cmd, errors.New("--application and --contact are for a sheet that is handed over: add --hand-over"))
			}
			write := found.sheet
			if o.handsOver {
				write = func() (*Sheet, error) { return found.handOver(o.application, o.contact) }
			}
			sheet, err := write()
			if err != nil {
				return err
			}
			if format.Structured() {
				return format.Document(f.Streams.Out, sheet)
			}
			return sheet.print(f.Streams.Out, f.Terminal)
		},
	}
	o.AddTo(f, cmd, command.KnownProviders(guides), "ScimApiKey that the provider is to use, where the tenant has several")
	cmd.Flags().BoolVar(&o.handsOver, "hand-over", false, "write a sheet for the administrator of the provider")
	cmd.Flags().StringVar(&o.application, "application", "", "what the administrator knows your application by, in that sheet: 'our application' when omitted")
	cmd.Flags().StringVar(&o.contact, "contact", "", "whom the administrator asks for help, such as an e-mail address, in that sheet")
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

// print prints a sheet with lines that can be sent to somebody. What is entered is not broken into several.
func (s *Sheet) print(out io.Writer, terminal output.Terminal) error {
	text := &strings.Builder{}
	terminal = terminal.Sheet()
	heading := func(title string) { fmt.Fprintf(text, "\n%s\n", terminal.Paint(output.Heading, title)) }
	fmt.Fprintln(text, terminal.Paint(output.Heading, output.Safe("Connect "+s.Product+" to "+cmp.Or(s.Application, s.Tenant))))
	if s.Application != "" {
		fmt.Fprintln(text, "for", output.Safe(s.Tenant))
	}
	if len(s.Before) > 0 {
		fmt.Fprintf(text, "\n%s\n", terminal.Paint(output.Bad, "Before:"))
		for _, line := range s.Before {
			terminal.Paragraph(text, output.Plain, "- ", output.Safe(line))
		}
	}
	fmt.Fprintln(text)
	for i, step := range s.Steps {
		terminal.Paragraph(text, output.Plain, fmt.Sprintf("%d. ", i+1), step.Text)
		width := 0
		for _, field := range step.Fields {
			width = max(width, len(field.Name))
		}
		for _, field := range step.Fields {
			fmt.Fprintf(text, "     %-*s   %s\n", width, field.Name, field.Value)
		}
	}
	fmt.Fprintln(text)
	terminal.Paragraph(text, output.Plain, "", s.After)
	heading("If it does not work")
	for _, line := range s.Troubles {
		terminal.Paragraph(text, output.Plain, "- ", line)
	}
	if s.Help != "" {
		heading("When you ask for help")
		terminal.Paragraph(text, output.Plain, "", output.Safe(s.Help))
	}
	if s.Attachment != "" {
		heading("To paste")
		fmt.Fprintln(text, s.Attachment)
	}
	if s.Page != "" {
		fmt.Fprintln(text, "\nMore:", s.Page)
	}
	if _, err := io.WriteString(out, text.String()); err != nil {
		return fmt.Errorf("printing what to enter: %w", err)
	}
	return nil
}
