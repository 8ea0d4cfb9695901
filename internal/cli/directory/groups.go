package directory

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/output"
)

const aboutGroups = `List the groups of a tenant, or of all tenants of the namespace, and how many members each has,
those of large groups included, which are in ScimGroupMembers.

A pattern is compared with the whole of a value, in any case; * in it stands for any text.`

const exampleGroups = `  # All groups of the tenant acme
  kubectl scim groups acme -n acme

  # Those whose name begins with eng, in any case
  kubectl scim groups acme -n acme --name='eng*'`

// NewGroups is the command `groups`.
func NewGroups(f *command.Factory) *cobra.Command {
	var (
		name   pattern
		format output.Format
	)
	cmd := completeTenant(f, &cobra.Command{
		Use:     "groups [TENANT]",
		Short:   "List groups, by name",
		Long:    aboutGroups,
		Example: exampleGroups,
		Args:    command.Args("[TENANT]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return listGroups(cmd.Context(), f, optionalTenant(args), &name, format)
		},
	})
	cmd.Flags().Var(&name, "name", "those whose display name is like this")
	format.AddFlag(cmd)
	return cmd
}

func listGroups(ctx context.Context, f *command.Factory, tenant string, name *pattern, format output.Format) error {
	r, err := newReader(f, tenant)
	if err != nil {
		return err
	}
	p := newPrinter(f, format, output.NewObjectList(f.Streams.Out, format), groupHeader(format, tenant)...)
	err = r.groups(ctx, func(page []scimv1alpha1.ScimGroup) error {
		for i := range page {
			group := &page[i]
			if !name.matchesAny(group.Spec.DisplayName) {
				continue
			}
			members, err := r.countMembers(ctx, group, format)
			if err != nil {
				return err
			}
			group.SetGroupVersionKind(scimv1alpha1.GroupVersion.WithKind("ScimGroup"))
			group.ManagedFields = nil
			if err := p.add(group, func() []output.Cell { return p.group(group, members, tenant) }); err != nil {
				return err
			}
		}
		return p.page()
	})
	if err != nil {
		return err
	}
	if p.count == 0 {
		if err := r.nothing(ctx); err != nil {
			return err
		}
	}
	counted(f.Streams.ErrOut, format, p.count, "group")
	return p.close()
}

// countMembers returns how many members a group has, where that is printed: of a large group, its
// ScimGroupMembers are read for it.
func (r *reader) countMembers(ctx context.Context, group *scimv1alpha1.ScimGroup, format output.Format) (int, error) {
	if format.Structured() {
		return 0, nil
	}
	of, err := r.membersOf(ctx, group)
	return len(of.users) + len(of.groups), err
}

func groupHeader(format output.Format, tenant string) []string {
	header := []string{"GROUP", "MEMBERS", "MODIFIED", "ID"}
	if tenant == "" {
		header = append(header, "TENANT")
	}
	if format == output.FormatWide {
		header = append(header, "EXTERNAL ID", "CREATED", "KEY ID")
	}
	return header
}

func (p *printer) group(group *scimv1alpha1.ScimGroup, members int, tenant string) []output.Cell {
	spec := &group.Spec
	cells := []output.Cell{
		output.Text(spec.DisplayName), output.Text(strconv.Itoa(members)),
		output.Text(output.Ago(p.now, spec.Meta.LastModifiedTime.Time)), output.Text(group.Name),
	}
	if tenant == "" {
		cells = append(cells, output.Text(spec.TenantRef.Name))
	}
	if p.format == output.FormatWide {
		cells = append(cells, output.Text(spec.ExternalID), output.Text(output.Ago(p.now, spec.Meta.CreatedTime.Time)), output.Text(spec.Meta.KeyID))
	}
	return cells
}
