package directory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
	"github.com/kubescim/kubescim/internal/scim/fold"
)

// mostNamesakes is how many users or groups of one name an error lists.
const mostNamesakes = 10

// UserFlags are the flags of commands about one user.
type UserFlags struct{ tenant string }

// AddTo adds the flags to a command.
func (u *UserFlags) AddTo(f *command.Factory, cmd *cobra.Command) {
	addTenantFlag(f, cmd, &u.tenant, "tenant of the user, where several have one of the name")
}

// Find returns the user of an id or a user name, in any case, with the client.
func (u *UserFlags) Find(ctx context.Context, f *command.Factory, name string) (client.Client, *scimv1alpha1.ScimUser, error) {
	r, err := newReader(f, u.tenant)
	if err != nil {
		return nil, nil, err
	}
	user, err := r.findUser(ctx, name)
	return r.client, user, err
}

// addTenantFlag adds the flag that says whose user or group is meant.
func addTenantFlag(f *command.Factory, cmd *cobra.Command, tenant *string, about string) {
	cmd.Flags().StringVar(tenant, "tenant", "", about)
	f.CompleteFlag(cmd, "tenant", func() client.ObjectList { return &scimv1alpha1.ScimTenantList{} })
}

// findUser returns the user of an id or a user name.
func (r *reader) findUser(ctx context.Context, name string) (*scimv1alpha1.ScimUser, error) {
	if uuid.Validate(name) == nil {
		user := &scimv1alpha1.ScimUser{}
		err := r.client.Get(ctx, client.ObjectKey{Namespace: r.namespace, Name: name}, user)
		if apierrors.IsNotFound(err) || err == nil && !r.has(user.Spec.TenantRef) {
			return nil, fmt.Errorf("there is no user with the id %s in the namespace %q: 'kubectl scim users -n %[2]s' lists those that there are", name, r.namespace)
		}
		return user, command.Failed("reading the ScimUser", command.RoleUserViewer, err)
	}
	var found []scimv1alpha1.ScimUser
	key := fold.Key(name)
	err := r.users(ctx, func(page []scimv1alpha1.ScimUser) error {
		for i := range page {
			if len(found) < mostNamesakes && fold.Equal(page[i].Spec.UserName, key) {
				found = append(found, page[i])
			}
		}
		return nil
	}, nil)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, fmt.Errorf("there is no user %q in the namespace %q: 'kubectl scim users -n %[2]s --name=PATTERN' finds users by parts of their names", name, r.namespace)
	case len(found) > 1:
		var texts []string
		for i := range found {
			texts = append(texts, fmt.Sprintf("%s of the tenant %s%s", found[i].Name, found[i].Spec.TenantRef.Name, deletedRemark(&found[i])))
		}
		return nil, fmt.Errorf("several users are called %q: say which with --tenant, or by its id: %s", name, strings.Join(texts, ", "))
	default:
		return &found[0], nil
	}
}

func deletedRemark(user *scimv1alpha1.ScimUser) string {
	if user.Spec.Meta.DeletedTime.IsZero() {
		return ""
	}
	return ", deleted"
}

// findGroup returns the group of an id or a display name.
func (r *reader) findGroup(ctx context.Context, name string) (*scimv1alpha1.ScimGroup, error) {
	if uuid.Validate(name) == nil {
		group := &scimv1alpha1.ScimGroup{}
		err := r.client.Get(ctx, client.ObjectKey{Namespace: r.namespace, Name: name}, group)
		if apierrors.IsNotFound(err) || err == nil && !r.has(group.Spec.TenantRef) {
			return nil, fmt.Errorf("there is no group with the id %s in the namespace %q: 'kubectl scim groups -n %[2]s' lists those that there are", name, r.namespace)
		}
		return group, command.Failed("reading the ScimGroup", command.RoleUserViewer, err)
	}
	var found []scimv1alpha1.ScimGroup
	key := fold.Key(name)
	err := r.groups(ctx, func(page []scimv1alpha1.ScimGroup) error {
		for i := range page {
			if len(found) < mostNamesakes && fold.Equal(page[i].Spec.DisplayName, key) {
				found = append(found, page[i])
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, fmt.Errorf("there is no group %q in the namespace %q: 'kubectl scim groups -n %[2]s' lists those that there are", name, r.namespace)
	case len(found) > 1:
		return nil, fmt.Errorf("several groups are called %q: say which with --tenant, or by its id: %s", name, namesakes(found))
	default:
		return &found[0], nil
	}
}

func namesakes(groups []scimv1alpha1.ScimGroup) string {
	var texts []string
	for i := range groups {
		texts = append(texts, fmt.Sprintf("%s of the tenant %s", groups[i].Name, groups[i].Spec.TenantRef.Name))
	}
	return strings.Join(texts, ", ")
}

// has reports whether what refers to a tenant is looked for.
func (r *reader) has(ref scimv1alpha1.TenantReference) bool {
	return r.tenant == "" || r.tenant == ref.Name
}

// GroupsOf counts the groups that list a user, those that do so in ScimGroupMembers included.
func GroupsOf(ctx context.Context, c client.Client, user *scimv1alpha1.ScimUser) (int, error) {
	r := &reader{client: c, namespace: user.Namespace, tenant: user.Spec.TenantRef.Name}
	listing := map[string]bool{}
	id := scimv1alpha1.MemberID(user.Name)
	err := r.groups(ctx, func(page []scimv1alpha1.ScimGroup) error {
		for i := range page {
			if slices.Contains(page[i].Spec.Members, id) {
				listing[page[i].Name] = true
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	err = pages(ctx, r, func() *scimv1alpha1.ScimGroupMembersList { return &scimv1alpha1.ScimGroupMembersList{} }, "ScimGroupMembers",
		func(list *scimv1alpha1.ScimGroupMembersList) error {
			for i := range list.Items {
				if slices.Contains(list.Items[i].Spec.Members, id) {
					listing[list.Items[i].Spec.GroupRef.Name] = true
				}
			}
			return nil
		}, r.fieldsOf(nil))
	return len(listing), err
}
