package operand

import (
	rbacv1 "k8s.io/api/rbac/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	rbacv1ac "k8s.io/client-go/applyconfigurations/rbac/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// ServiceAccount returns the identity of a SCIM server.
func ServiceAccount(s Server) *corev1ac.ServiceAccountApplyConfiguration {
	return corev1ac.ServiceAccount(s.Name, s.Namespace()).
		WithLabels(s.Labels()).
		WithOwnerReferences(s.Owner.reference())
}

// Role returns what a SCIM server may do: read its own ScimTenant, by name, or all of its
// namespace, read the ScimApiKeys, ScimCredentials and ScimRoles there, keep users, groups, their
// members and Leases there, record events there, and say of ScimEventSinks how far their receivers are. It has no right on any
// Secret.
//
// The operator must itself hold every permission here, or the API server
// refuses to let it write the Role.
func Role(s Server) *rbacv1ac.RoleApplyConfiguration {
	group := scimv1alpha1.GroupVersion.Group
	tenants := rule(group, "scimtenants").WithVerbs("get", "list", "watch")
	if s.Tenant != "" {
		tenants.WithResourceNames(s.Tenant)
	}
	return rbacv1ac.Role(s.Name, s.Namespace()).
		WithLabels(s.Labels()).
		WithOwnerReferences(s.Owner.reference()).
		WithRules(
			tenants,
			rule(group, "scimapikeys", "scimcredentials", "scimroles", "scimeventsinks").WithVerbs("get", "list", "watch"),
			rule(group, "scimeventsinks/status").WithVerbs("patch"),
			rule(group, "scimusers", "scimgroups", "scimgroupmembers").
				WithVerbs("get", "list", "watch", "create", "update", "patch", "delete"),
			rule("coordination.k8s.io", "leases").WithVerbs("get", "list", "create", "update", "delete"),
			rule("events.k8s.io", "events").WithVerbs("create", "patch"))
}

// RoleBinding gives a SCIM server its Role.
func RoleBinding(s Server) *rbacv1ac.RoleBindingApplyConfiguration {
	return rbacv1ac.RoleBinding(s.Name, s.Namespace()).
		WithLabels(s.Labels()).
		WithOwnerReferences(s.Owner.reference()).
		WithRoleRef(rbacv1ac.RoleRef().
			WithAPIGroup(rbacv1.GroupName).
			WithKind("Role").
			WithName(s.Name)).
		WithSubjects(rbacv1ac.Subject().
			WithKind(rbacv1.ServiceAccountKind).
			WithName(s.Name).
			WithNamespace(s.Namespace()))
}

func rule(group string, resources ...string) *rbacv1ac.PolicyRuleApplyConfiguration {
	return rbacv1ac.PolicyRule().WithAPIGroups(group).WithResources(resources...)
}
