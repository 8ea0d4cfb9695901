package replica

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/watch"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/idp"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/server/roles"
)

// beginRoles reads the ScimRoles once, before any tenant is served, so that no identity provider
// finds a tenant without its roles. It is not waited for that there are any: the cluster may not know
// the kind, since its CustomResourceDefinitions are older than the server.
func (h *hosted) beginRoles(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	if _, err := h.listRoles(ctx, readindex.Era{}); err != nil {
		h.replica.Log.Warn("the ScimRoles cannot be read so far, and none are served", slog.Any("error", err))
	}
}

// listRoles reads all ScimRoles, and takes note of them. Nobody waits until they are known, so that it
// does not matter in which era they are.
func (h *hosted) listRoles(ctx context.Context, _ readindex.Era) (revision string, err error) {
	found, revision, err := h.scimRoles.list(ctx)
	if err != nil {
		return "", err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	former := h.roles
	h.roles = group(found, tenantOfRole)
	for name := range h.known {
		if former == nil || !sameRoles(former.in(name), h.roles.in(name)) {
			h.reconfigure(name)
		}
	}
	return revision, nil
}

func tenantOfRole(role *scimv1alpha1.ScimRole) string { return role.Spec.TenantRef.Name }

// changeRole takes note of a change of a ScimRole.
func (h *hosted) changeRole(_ context.Context, change watch.EventType, role *scimv1alpha1.ScimRole) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	former := h.roles.byName[role.Name]
	tenants := h.roles.put(change, role)
	if change != watch.Deleted && former != nil && sameRole(former, role) {
		return nil // The operator says in its status that it is served.
	}
	for _, name := range tenants {
		h.reconfigure(name)
	}
	return nil
}

// reconfigure makes a tenant, if it is served, be so by what is known now. The mutex is held.
func (h *hosted) reconfigure(name string) {
	if served := h.known[name]; served != nil {
		served.Configure(h.configuration(served.object))
	}
}

func sameRoles(a, b map[string]*scimv1alpha1.ScimRole) bool { return maps.EqualFunc(a, b, sameRole) }

// sameRole reports whether a ScimRole is served alike before and after a change.
func sameRole(a, b *scimv1alpha1.ScimRole) bool {
	return a.UID == b.UID && a.Spec == b.Spec && a.DeletionTimestamp.IsZero() == b.DeletionTimestamp.IsZero()
}

// catalogue is what the identity provider of a tenant sees of its ScimRoles; nil while they are not
// known. The mutex is held.
func (h *hosted) catalogue(tenant string, profile idp.Profile) *roles.Catalogue {
	if h.roles == nil {
		return nil
	}
	served, _ := contract.Roles(slices.Collect(maps.Values(h.roles.in(tenant))))
	of := map[scimv1alpha1.RoleType][]roles.Role{}
	for _, role := range served {
		of[role.Type()] = append(of[role.Type()], roles.Role{
			Value: role.Spec.Value, Display: role.Spec.Display, Type: role.Spec.Type, Description: role.Spec.Description,
			Created: role.CreationTimestamp.Time,
		})
	}
	return roles.New(profile.OktaRoles, of[scimv1alpha1.RoleTypeRole], of[scimv1alpha1.RoleTypeEntitlement])
}
