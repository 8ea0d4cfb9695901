package directory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/cli/output"
)

const (
	// mostGets is up to how many members are read one by one; of more, all users are listed.
	mostGets = 50
	// mostGroups is how many groups inside groups are followed.
	mostGroups = 1000
)

const aboutMembers = `List the members of a group by their names: of large groups, too, whose members are in
ScimGroupMembers. The group is named by its display name, in any case, or its id.

With --nested, users of the groups in the group are listed too, once each, with the groups that
lead to them.`

const exampleMembers = `  # Who is in the group Engineering?
  kubectl scim members Engineering -n acme

  # With those of the groups in it
  kubectl scim members engineering -n acme --nested`

// NewMembers is the command `members`.
func NewMembers(f *command.Factory) *cobra.Command {
	var (
		tenant string
		nested bool
		format output.Format
	)
	cmd := &cobra.Command{
		Use:     "members GROUP",
		Short:   "List the members of a group by their names",
		Long:    aboutMembers,
		Example: exampleMembers,
		Args:    command.Args("GROUP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := newReader(f, tenant)
			if err != nil {
				return err
			}
			return r.listMembers(cmd.Context(), f, args[0], nested, format)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	addTenantFlag(f, cmd, &tenant, "tenant of the group, where several have one of the name")
	cmd.Flags().BoolVar(&nested, "nested", false, "list users of the groups in the group, too")
	format.AddFlag(cmd)
	return cmd
}

// Member is one member of a group, as it is printed.
type Member struct {
	// Type is User or Group.
	Type string `json:"type"`
	ID   string `json:"id"`
	// UserName is what a user signs in with, and empty of a group.
	UserName string `json:"userName,omitempty"`
	// DisplayName is what a person or a group is called.
	DisplayName string `json:"displayName,omitempty"`
	Email       string `json:"email,omitempty"`
	// Active is nil of a group.
	Active *bool `json:"active,omitempty"`
	// Via are the groups in the group that lead to the member.
	Via []string `json:"via,omitempty"`
	// Missing says that there is nobody of the id: the server takes such members out in a while.
	Missing bool `json:"missing,omitempty"`
}

// memberIDs are the ids of those in a group, each with the groups that lead there.
type memberIDs struct{ users, groups map[string][]string }

// membersOf returns who is in a group, wherever that is stored. While slices are rearranged, a
// member may be in two.
func (r *reader) membersOf(ctx context.Context, group *scimv1alpha1.ScimGroup) (memberIDs, error) {
	of := memberIDs{users: map[string][]string{}, groups: map[string][]string{}}
	add := func(users, groups []scimv1alpha1.MemberID) {
		for _, id := range users {
			of.users[string(id)] = nil
		}
		for _, id := range groups {
			of.groups[string(id)] = nil
		}
	}
	add(group.Spec.Members, group.Spec.MemberGroups)
	err := r.slices(ctx, group, func(slice *scimv1alpha1.ScimGroupMembersSpec) { add(slice.Members, slice.MemberGroups) })
	return of, err
}

func (r *reader) listMembers(ctx context.Context, f *command.Factory, name string, nested bool, format output.Format) error {
	group, err := r.findGroup(ctx, name)
	if err != nil {
		return err
	}
	r.tenant = group.Spec.TenantRef.Name
	of, err := r.membersOf(ctx, group)
	if err != nil {
		return err
	}
	if nested {
		if err := r.expand(ctx, group.Name, &of); err != nil {
			return err
		}
	}
	p := newPrinter(f, format, output.NewList(f.Streams.Out, format), memberHeader(format, nested)...)
	if err := r.eachMember(ctx, of, func(m Member) error {
		return p.add(m, func() []output.Cell { return memberCells(m, format, nested) })
	}, p.page); err != nil {
		return err
	}
	counted(f.Streams.ErrOut, format, p.count, "member")
	return p.close()
}

// expand puts the users of the groups in a group in place of these groups, those of groups in
// these groups too. A group that is in itself is followed once.
func (r *reader) expand(ctx context.Context, root string, of *memberIDs) error {
	type step struct {
		id  string
		via []string
	}
	var queue []step
	followed := map[string]bool{root: true}
	enqueue := func(groups map[string][]string, via []string) {
		for _, id := range slices.Sorted(maps.Keys(groups)) {
			if !followed[id] {
				followed[id] = true
				queue = append(queue, step{id, via})
			}
		}
	}
	enqueue(of.groups, nil)
	of.groups = map[string][]string{}
	for next := 0; next < len(queue); next++ {
		if next == mostGroups {
			return fmt.Errorf("there are more than %d groups inside the group: list the members of those in it one by one", mostGroups)
		}
		group, err := r.memberGroup(ctx, queue[next].id)
		if err != nil {
			return err
		}
		if group == nil {
			of.groups[queue[next].id] = queue[next].via
			continue
		}
		inside, err := r.membersOf(ctx, group)
		if err != nil {
			return err
		}
		via := append(slices.Clone(queue[next].via), group.Spec.DisplayName)
		for id := range inside.users {
			if _, there := of.users[id]; !there {
				of.users[id] = via
			}
		}
		enqueue(inside.groups, via)
	}
	return nil
}

// eachMember reads those who are in a group: first groups, then users, then those of whom there is
// nothing. A page ends where rows may be printed.
func (r *reader) eachMember(ctx context.Context, of memberIDs, yield func(Member) error, endPage func() error) error {
	for _, id := range slices.Sorted(maps.Keys(of.groups)) {
		group, err := r.memberGroup(ctx, id)
		if err != nil {
			return err
		}
		member := Member{Type: "Group", ID: id, Via: of.groups[id], Missing: group == nil}
		if group != nil {
			member.DisplayName = group.Spec.DisplayName
		}
		if err := yield(member); err != nil {
			return err
		}
	}
	missing := maps.Clone(of.users)
	err := r.eachUser(ctx, slices.Sorted(maps.Keys(of.users)), func(user *scimv1alpha1.ScimUser) error {
		via, is := of.users[user.Name]
		// One of another tenant is as unknown to this one as one that does not exist.
		if !is || !user.Spec.Meta.DeletedTime.IsZero() || user.Spec.TenantRef.Name != r.tenant {
			return nil
		}
		delete(missing, user.Name)
		return yield(memberOf(user, via))
	}, endPage)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(missing)) {
		if err := yield(Member{Type: "User", ID: id, Via: missing[id], Missing: true}); err != nil {
			return err
		}
	}
	return nil
}

// memberGroup returns a group of the tenant, or nil if there is none of that id.
func (r *reader) memberGroup(ctx context.Context, id string) (*scimv1alpha1.ScimGroup, error) {
	group := &scimv1alpha1.ScimGroup{}
	err := r.client.Get(ctx, client.ObjectKey{Namespace: r.namespace, Name: id}, group)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, command.Failed("reading a ScimGroup in the group", command.RoleUserViewer, err)
	case group.Spec.TenantRef.Name != r.tenant:
		return nil, nil
	default:
		return group, nil
	}
}

// eachUser reads users of ids, and of many ids all users of the tenant.
func (r *reader) eachUser(ctx context.Context, ids []string, yield func(*scimv1alpha1.ScimUser) error, endPage func() error) error {
	if len(ids) > mostGets {
		return r.users(ctx, func(page []scimv1alpha1.ScimUser) error {
			for i := range page {
				if err := yield(&page[i]); err != nil {
					return err
				}
			}
			return endPage()
		}, nil)
	}
	for _, id := range ids {
		user := &scimv1alpha1.ScimUser{}
		err := r.client.Get(ctx, client.ObjectKey{Namespace: r.namespace, Name: id}, user)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return command.Failed("reading a ScimUser in the group", command.RoleUserViewer, err)
		}
		if err := yield(user); err != nil {
			return err
		}
	}
	return nil
}

func memberOf(user *scimv1alpha1.ScimUser, via []string) Member {
	spec := &user.Spec
	return Member{
		Type: "User", ID: user.Name, UserName: spec.UserName, DisplayName: shownName(spec),
		Email: mainAddress(spec), Active: ptr.To(isActive(spec)), Via: via,
	}
}

func memberHeader(format output.Format, nested bool) []string {
	header := []string{"TYPE", "USERNAME", "NAME", "ACTIVE"}
	if nested {
		header = append(header, "VIA")
	}
	if format == output.FormatWide {
		header = append(header, "E-MAIL")
	}
	return append(header, "ID")
}

func memberCells(m Member, format output.Format, nested bool) []output.Cell {
	active := output.Text("")
	if m.Active != nil {
		active = activeCell(*m.Active)
	}
	if m.Missing {
		active = output.Cell{Text: "missing", Look: output.Pending}
	}
	cells := []output.Cell{output.Text(m.Type), output.Text(m.UserName), output.Text(m.DisplayName), active}
	if nested {
		cells = append(cells, output.Text(strings.Join(m.Via, " > ")))
	}
	if format == output.FormatWide {
		cells = append(cells, output.Text(m.Email))
	}
	return append(cells, output.Text(m.ID))
}
