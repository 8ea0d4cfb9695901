// Package directory is `kubectl scim users`, `groups` and `members`: what identity providers have
// written, read in pages, of which one at a time is in memory.
package directory

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/output"
)

// pageSize is how many objects are read, and in memory, at a time.
const pageSize = 500

// fieldTenant selects objects by their tenant.
const fieldTenant = "spec.tenantRef.name"

// reader reads what is in one namespace.
type reader struct {
	client    client.Client
	namespace string
	// tenant is whose objects are read; those of all tenants when empty.
	tenant string
}

// newReader returns one for a tenant; an empty name stands for all tenants of the namespace.
func newReader(f *command.Factory, tenant string) (*reader, error) {
	c, namespace, err := f.Cluster()
	if err != nil {
		return nil, err
	}
	return &reader{client: c, namespace: namespace, tenant: tenant}, nil
}

// pages reads a list page by page. Each page is a new list: what is decoded into one that was used
// keeps fields of the objects before.
func pages[L client.ObjectList](ctx context.Context, r *reader, newList func() L, what string, each func(L) error, options ...client.ListOption) error {
	next := ""
	for {
		list := newList()
		all := append([]client.ListOption{client.InNamespace(r.namespace), client.Limit(pageSize), client.Continue(next)}, options...)
		if err := r.client.List(ctx, list, all...); err != nil {
			return command.Failed("listing "+what, command.RoleUserViewer, err)
		}
		if err := each(list); err != nil {
			return err
		}
		if next = list.GetContinue(); next == "" {
			return nil
		}
	}
}

// fieldsOf returns the selector of the tenant's objects, with others.
func (r *reader) fieldsOf(others client.MatchingFields) client.ListOption {
	fields := client.MatchingFields{}
	if r.tenant != "" {
		fields[fieldTenant] = r.tenant
	}
	for field, value := range others {
		fields[field] = value
	}
	return fields
}

// users reads ScimUsers, page by page, without markers: those stand for nobody.
func (r *reader) users(ctx context.Context, each func([]scimv1alpha1.ScimUser) error, fields client.MatchingFields) error {
	return pages(ctx, r, func() *scimv1alpha1.ScimUserList { return &scimv1alpha1.ScimUserList{} }, "ScimUsers",
		func(list *scimv1alpha1.ScimUserList) error {
			return each(slices.DeleteFunc(list.Items, func(u scimv1alpha1.ScimUser) bool { return command.IsMarker(&u) }))
		}, r.fieldsOf(fields))
}

// groups reads ScimGroups, page by page, without markers.
func (r *reader) groups(ctx context.Context, each func([]scimv1alpha1.ScimGroup) error) error {
	return pages(ctx, r, func() *scimv1alpha1.ScimGroupList { return &scimv1alpha1.ScimGroupList{} }, "ScimGroups",
		func(list *scimv1alpha1.ScimGroupList) error {
			return each(slices.DeleteFunc(list.Items, func(g scimv1alpha1.ScimGroup) bool { return command.IsMarker(&g) }))
		}, r.fieldsOf(nil))
}

// slices reads the ScimGroupMembers of a group, page by page.
func (r *reader) slices(ctx context.Context, group *scimv1alpha1.ScimGroup, each func(*scimv1alpha1.ScimGroupMembersSpec)) error {
	if group.Labels[scimv1alpha1.LabelSliced] == "" {
		return nil
	}
	ofGroup := client.MatchingLabels{scimv1alpha1.LabelGroup: group.Name}
	return pages(ctx, r, func() *scimv1alpha1.ScimGroupMembersList { return &scimv1alpha1.ScimGroupMembersList{} }, "ScimGroupMembers",
		func(list *scimv1alpha1.ScimGroupMembersList) error {
			for i := range list.Items {
				spec := &list.Items[i].Spec
				if spec.TenantRef == group.Spec.TenantRef && spec.GroupRef.Name == group.Name {
					each(spec)
				}
			}
			return nil
		}, ofGroup)
}

// nothing explains why nothing was found for a tenant: an error if there is no such tenant.
func (r *reader) nothing(ctx context.Context) error {
	if r.tenant == "" {
		return nil
	}
	_, err := command.Tenant(ctx, r.client, r.namespace, r.tenant)
	return err
}

// optionalTenant returns the first argument, which may be left out.
func optionalTenant(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// counted says how many were printed, beside what was.
func counted(errs io.Writer, format output.Format, count int, noun string) {
	switch {
	case format.Structured():
	case count == 1:
		fmt.Fprintf(errs, "1 %s\n", noun)
	default:
		fmt.Fprintf(errs, "%d %ss\n", count, noun)
	}
}

// printer is where rows or objects go.
type printer struct {
	format output.Format
	table  *output.Table
	list   *output.List
	now    time.Time
	count  int
}

func newPrinter(f *command.Factory, format output.Format, list *output.List, header ...string) *printer {
	return &printer{format: format, now: f.Now(), list: list, table: output.NewTable(f.Streams.Out, f.Terminal, header...)}
}

// add prints one, as a value or as the cells of a row.
func (p *printer) add(value any, cells func() []output.Cell) error {
	p.count++
	if p.format.Structured() {
		return p.list.Add(value)
	}
	p.table.Row(cells()...)
	return nil
}

// page prints the rows of a page.
func (p *printer) page() error {
	if p.format.Structured() {
		return nil
	}
	return p.table.Flush()
}

func (p *printer) close() error {
	if p.format.Structured() {
		return p.list.Close()
	}
	return p.table.Flush()
}

// completeTenant adds completion to a command whose first argument may be a tenant.
func completeTenant(f *command.Factory, cmd *cobra.Command) *cobra.Command {
	cmd.ValidArgsFunction = f.CompleteTenants()
	return cmd
}
