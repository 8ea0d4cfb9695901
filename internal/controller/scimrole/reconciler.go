// Package scimrole says in the status of each ScimRole whether it is served. Servers decide that for
// themselves, by the same rules (contract.Roles), so that none waits for the operator.
package scimrole

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// Reconciler states whether ScimRoles are served, for all of a tenant at once: whether one is depends
// on the others.
type Reconciler struct {
	// Client reads through the manager's cache, and writes.
	Client client.Client
	// Recorder records events.
	Recorder events.EventRecorder
}

// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimroles,verbs=get;list;watch
// +kubebuilder:rbac:groups=scim.kubescim.dev,resources=scimroles/status,verbs=patch

// Reconcile states whether the ScimRoles of a tenant are served. The request names the tenant.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	all := &scimv1alpha1.ScimRoleList{}
	err := r.Client.List(ctx, all, client.InNamespace(req.Namespace), client.MatchingFields{reconcile.FieldTenant: req.Name}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("listing the roles of the tenant: %w", err)
	}
	exists, err := r.tenantExists(ctx, req)
	if err != nil {
		return ctrl.Result{}, err
	}
	roles := make([]*scimv1alpha1.ScimRole, 0, len(all.Items))
	for i := range all.Items {
		roles = append(roles, &all.Items[i])
	}
	_, refused := contract.Roles(roles)
	var failures []error
	for _, role := range roles {
		failures = append(failures, r.state(ctx, role, summarize(role, exists, refused)))
	}
	return ctrl.Result{}, errors.Join(failures...)
}

// tenantExists reports whether there is a tenant that is not being deleted.
func (r *Reconciler) tenantExists(ctx context.Context, req ctrl.Request) (bool, error) {
	tenant := &scimv1alpha1.ScimTenant{}
	err := r.Client.Get(ctx, req.NamespacedName, tenant)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the tenant of the roles: %w", err)
	}
	return tenant.DeletionTimestamp.IsZero(), nil
}

// state writes into the status of a role what has been found, unless it says so already. The role is
// the cache's, and stays as it is.
func (r *Reconciler) state(ctx context.Context, role *scimv1alpha1.ScimRole, ready conditions.Summary) error {
	if !role.DeletionTimestamp.IsZero() {
		return nil
	}
	stated := role.DeepCopy()
	stated.Status.ObservedGeneration = role.Generation
	return reconcile.StateReady(ctx, r.Client, r.Recorder, apply.FieldManager, role, stated, client.MergeFrom(role), ready)
}

// summarize says whether a role is served, and if not, what to do about it.
func summarize(role *scimv1alpha1.ScimRole, tenantExists bool, refused map[string]contract.RoleRefusal) conditions.Summary {
	stalled := func(reason, message string) conditions.Summary {
		return conditions.Summary{Outcome: conditions.Stalled, Reason: reason, Message: message}
	}
	tenant := role.Spec.TenantRef.Name
	refusal := refused[role.Name]
	switch {
	case !tenantExists:
		return stalled(scimv1alpha1.ReasonTenantNotFound,
			fmt.Sprintf("there is no ScimTenant %q in namespace %q, or it is being deleted: create it", tenant, role.Namespace))
	case refusal.Reason == scimv1alpha1.ReasonValueTaken:
		return stalled(refusal.Reason, fmt.Sprintf(
			"ScimRole %q is older and has the value %q already, whatever the case: delete one of the two", refusal.Holder, role.Spec.Value))
	case refusal.Reason != "":
		return stalled(refusal.Reason, fmt.Sprintf(
			"ScimTenant %q has %d ScimRoles that are older, and no more are served: delete some", tenant, scimv1alpha1.MaxRoles))
	}
	endpoint := "/Roles"
	if role.Type() == scimv1alpha1.RoleTypeEntitlement {
		endpoint = "/Entitlements"
	}
	return conditions.Summary{
		Outcome: conditions.Ready, Reason: scimv1alpha1.ReasonSucceeded,
		Message: fmt.Sprintf("the identity provider of ScimTenant %q sees it at %s", tenant, endpoint),
	}
}
