package directory

import (
	"strconv"

	"github.com/spf13/cobra"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/output"
)

const aboutUsers = `List the users of a tenant, or of all tenants of the namespace.

A pattern is compared with the whole of a value, in any case; * in it stands for any text.
Users whom the identity provider has deleted and the tenant keeps are listed by --deleted alone.`

const exampleUsers = `  # Those of one company, whatever the case of their addresses
  kubectl scim users acme -n acme --email='*@acme.example.com'

  # Whoever is called Alice, in whichever of the names
  kubectl scim users acme -n acme --name='alice*'

  # Those who may not sign in, as ScimUsers
  kubectl scim users acme -n acme --inactive -o json`

// userQuery says which users are listed.
type userQuery struct {
	email, department, name pattern
	inactive, deleted       bool
}

// NewUsers is the command `users`.
func NewUsers(f *command.Factory) *cobra.Command {
	var (
		query  userQuery
		format output.Format
	)
	cmd := completeTenant(f, &cobra.Command{
		Use:     "users [TENANT]",
		Short:   "List users, by e-mail address, department or name",
		Long:    aboutUsers,
		Example: exampleUsers,
		Args:    command.Args("[TENANT]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return listUsers(cmd, f, optionalTenant(args), query, format)
		},
	})
	flags := cmd.Flags()
	flags.Var(&query.email, "email", "those who have an e-mail address like this")
	flags.Var(&query.department, "department", "those whose department is like this")
	flags.Var(&query.name, "name", "those whose user name, display name, nickname, or given, family or full name is like this")
	flags.BoolVar(&query.inactive, "inactive", false, "those who are not active")
	flags.BoolVar(&query.deleted, "deleted", false, "those whom the identity provider has deleted and the tenant keeps")
	format.AddFlag(cmd)
	return cmd
}

func listUsers(cmd *cobra.Command, f *command.Factory, tenant string, query userQuery, format output.Format) error {
	r, err := newReader(f, tenant)
	if err != nil {
		return err
	}
	p := newPrinter(f, format, output.NewObjectList(f.Streams.Out, format), userHeader(format, tenant)...)
	err = r.users(cmd.Context(), func(page []scimv1alpha1.ScimUser) error {
		for i := range page {
			user := &page[i]
			if !query.matches(user) {
				continue
			}
			user.SetGroupVersionKind(scimv1alpha1.GroupVersion.WithKind("ScimUser"))
			user.ManagedFields = nil
			if err := p.add(user, func() []output.Cell { return p.user(user, tenant) }); err != nil {
				return err
			}
		}
		return p.page()
	}, query.fields())
	if err != nil {
		return err
	}
	if p.count == 0 {
		if err := r.nothing(cmd.Context()); err != nil {
			return err
		}
	}
	counted(f.Streams.ErrOut, format, p.count, "user")
	return p.close()
}

// fields are what the API server can choose by.
func (q *userQuery) fields() client.MatchingFields {
	if !q.inactive {
		return nil
	}
	return client.MatchingFields{"spec.active": strconv.FormatBool(false)}
}

// matches reports whether a user is listed.
func (q *userQuery) matches(user *scimv1alpha1.ScimUser) bool {
	spec := &user.Spec
	if spec.Meta.DeletedTime.IsZero() == q.deleted || q.inactive && isActive(spec) {
		return false
	}
	var addresses []string
	for _, email := range spec.Emails {
		addresses = append(addresses, ptr.Deref(email.Value, ""))
	}
	return q.email.matchesAny(addresses...) && q.department.matchesAny(department(spec)) && q.name.matchesAny(namesOf(spec)...)
}

func isActive(spec *scimv1alpha1.ScimUserSpec) bool { return ptr.Deref(spec.Active, true) }

func department(spec *scimv1alpha1.ScimUserSpec) string {
	if spec.Enterprise == nil {
		return ""
	}
	return ptr.Deref(spec.Enterprise.Department, "")
}

// namesOf returns all that a user is called by.
func namesOf(spec *scimv1alpha1.ScimUserSpec) []string {
	names := []string{spec.UserName, ptr.Deref(spec.DisplayName, ""), ptr.Deref(spec.NickName, "")}
	if spec.Name != nil {
		names = append(names, ptr.Deref(spec.Name.GivenName, ""), ptr.Deref(spec.Name.FamilyName, ""), fullName(spec.Name))
	}
	return names
}

func fullName(name *scimv1alpha1.UserName) string {
	if name.Formatted != nil {
		return *name.Formatted
	}
	given, family := ptr.Deref(name.GivenName, ""), ptr.Deref(name.FamilyName, "")
	if given == "" || family == "" {
		return given + family
	}
	return given + " " + family
}

// shownName returns what to call a user beside the user name.
func shownName(spec *scimv1alpha1.ScimUserSpec) string {
	if name := ptr.Deref(spec.DisplayName, ""); name != "" || spec.Name == nil {
		return name
	}
	return fullName(spec.Name)
}

// mainAddress returns the primary e-mail address, or else the first.
func mainAddress(spec *scimv1alpha1.ScimUserSpec) string {
	for _, email := range spec.Emails {
		if ptr.Deref(email.Primary, false) {
			return ptr.Deref(email.Value, "")
		}
	}
	if len(spec.Emails) > 0 {
		return ptr.Deref(spec.Emails[0].Value, "")
	}
	return ""
}

func userHeader(format output.Format, tenant string) []string {
	header := []string{"USERNAME", "NAME", "E-MAIL", "ACTIVE", "MODIFIED", "ID"}
	if tenant == "" {
		header = append(header, "TENANT")
	}
	if format == output.FormatWide {
		header = append(header, "DEPARTMENT", "TITLE", "EXTERNAL ID", "CREATED", "KEY ID")
	}
	return header
}

// user returns the cells of a row.
func (p *printer) user(user *scimv1alpha1.ScimUser, tenant string) []output.Cell {
	spec := &user.Spec
	cells := []output.Cell{
		output.Text(spec.UserName), output.Text(shownName(spec)), output.Text(mainAddress(spec)), activeCell(isActive(spec)),
		output.Text(output.Ago(p.now, spec.Meta.LastModifiedTime.Time)), output.Text(user.Name),
	}
	if tenant == "" {
		cells = append(cells, output.Text(spec.TenantRef.Name))
	}
	if p.format == output.FormatWide {
		cells = append(cells, output.Text(department(spec)), output.Text(ptr.Deref(spec.Title, "")), output.Text(spec.ExternalID),
			output.Text(output.Ago(p.now, spec.Meta.CreatedTime.Time)), output.Text(spec.Meta.KeyID))
	}
	return cells
}

func activeCell(active bool) output.Cell {
	if active {
		return output.Cell{Text: "true"}
	}
	return output.Cell{Text: "false", Look: output.Pending}
}
