package operand

import (
	rbacv1 "k8s.io/api/rbac/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	rbacv1ac "k8s.io/client-go/applyconfigurations/rbac/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// ServiceAccount returns the identity of a tenant's SCIM server.
func ServiceAccount(t *scimv1alpha1.ScimTenant) *corev1ac.ServiceAccountApplyConfiguration {
	return corev1ac.ServiceAccount(Name(t.Name), t.Namespace).
		WithLabels(Labels(t.Name)).
		WithOwnerReferences(Owner(t))
}

// Role returns what a tenant's SCIM server may do: read its own ScimTenant, by name,
// read the ScimApiKeys and ScimCredentials of its namespace, keep users, groups, their
// members and Leases there, and record events there. It has no right on any Secret.
//
// The operator must itself hold every permission here, or the API server
// refuses to let it write the Role.
func Role(t *scimv1alpha1.ScimTenant) *rbacv1ac.RoleApplyConfiguration {
	group := scimv1alpha1.GroupVersion.Group
	return rbacv1ac.Role(Name(t.Name), t.Namespace).
		WithLabels(Labels(t.Name)).
		WithOwnerReferences(Owner(t)).
		WithRules(
			rule(group, "scimtenants").WithResourceNames(t.Name).WithVerbs("get", "list", "watch"),
			rule(group, "scimapikeys", "scimcredentials").WithVerbs("get", "list", "watch"),
			rule(group, "scimusers", "scimgroups", "scimgroupmembers").
				WithVerbs("get", "list", "watch", "create", "update", "patch", "delete"),
			rule("coordination.k8s.io", "leases").WithVerbs("get", "list", "create", "update", "delete"),
			rule("events.k8s.io", "events").WithVerbs("create", "patch"))
}

// RoleBinding gives a tenant's SCIM server its Role.
func RoleBinding(t *scimv1alpha1.ScimTenant) *rbacv1ac.RoleBindingApplyConfiguration {
	return rbacv1ac.RoleBinding(Name(t.Name), t.Namespace).
		WithLabels(Labels(t.Name)).
		WithOwnerReferences(Owner(t)).
		WithRoleRef(rbacv1ac.RoleRef().
			WithAPIGroup(rbacv1.GroupName).
			WithKind("Role").
			WithName(Name(t.Name))).
		WithSubjects(rbacv1ac.Subject().
			WithKind(rbacv1.ServiceAccountKind).
			WithName(Name(t.Name)).
			WithNamespace(t.Namespace))
}

func rule(group string, resources ...string) *rbacv1ac.PolicyRuleApplyConfiguration {
	return rbacv1ac.PolicyRule().WithAPIGroups(group).WithResources(resources...)
}
