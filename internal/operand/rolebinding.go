package operand

import (
	"strconv"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	rbacv1ac "k8s.io/client-go/applyconfigurations/rbac/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// ChunkName returns the name of a RoleBinding or a ClusterRoleBinding of a ScimRoleBinding, which has a part of
// its subjects.
func ChunkName(b *scimv1alpha1.ScimRoleBinding, chunk int) string {
	return chunkPrefix(b) + strconv.Itoa(chunk)
}

// chunkPrefix begins the names of the objects of a ScimRoleBinding, and of no others: no namespace, and no name of a
// ScimRoleBinding, has a colon in it.
func chunkPrefix(b *scimv1alpha1.ScimRoleBinding) string {
	if b.Spec.Scope == scimv1alpha1.ScopeCluster {
		return "scim:" + b.Namespace + ":" + b.Name + ":"
	}
	return "scim:" + b.Name + ":"
}

// IsChunk reports whether an object of that name is one of the ScimRoleBinding.
func IsChunk(b *scimv1alpha1.ScimRoleBinding, name string) bool {
	return strings.HasPrefix(name, chunkPrefix(b))
}

// ChunkOf returns the number of the part that an object of that name has; false if it has none.
func ChunkOf(b *scimv1alpha1.ScimRoleBinding, name string) (int, bool) {
	chunk, err := strconv.Atoi(strings.TrimPrefix(name, chunkPrefix(b)))
	return chunk, err == nil && chunk >= 0 && ChunkName(b, chunk) == name
}

// ChunkLabels returns the labels of the objects of a ScimRoleBinding.
func ChunkLabels(b *scimv1alpha1.ScimRoleBinding) map[string]string {
	labels := map[string]string{
		LabelComponent: ComponentRoleBinding, LabelManagedBy: ManagedBy, LabelPartOf: ManagedBy, scimv1alpha1.LabelRoleBinding: b.Name,
	}
	if b.Spec.Scope == scimv1alpha1.ScopeCluster {
		labels[scimv1alpha1.LabelRoleBindingNamespace] = b.Namespace
	}
	return labels
}

// GroupRoleBinding gives users a role in the namespace of a ScimRoleBinding.
func GroupRoleBinding(b *scimv1alpha1.ScimRoleBinding, chunk int, subjects []string) *rbacv1ac.RoleBindingApplyConfiguration {
	return rbacv1ac.RoleBinding(ChunkName(b, chunk), b.Namespace).
		WithLabels(ChunkLabels(b)).
		WithOwnerReferences(RoleBindingOwner(b).reference()).
		WithRoleRef(roleRef(b)).
		WithSubjects(users(subjects)...)
}

// GroupClusterRoleBinding gives users a ClusterRole in the whole cluster. What is in no namespace cannot be owned by
// what is in one.
func GroupClusterRoleBinding(b *scimv1alpha1.ScimRoleBinding, chunk int, subjects []string) *rbacv1ac.ClusterRoleBindingApplyConfiguration {
	return rbacv1ac.ClusterRoleBinding(ChunkName(b, chunk)).
		WithLabels(ChunkLabels(b)).
		WithRoleRef(roleRef(b)).
		WithSubjects(users(subjects)...)
}

func roleRef(b *scimv1alpha1.ScimRoleBinding) *rbacv1ac.RoleRefApplyConfiguration {
	return rbacv1ac.RoleRef().WithAPIGroup(rbacv1.GroupName).WithKind(string(b.Spec.RoleRef.Kind)).WithName(b.Spec.RoleRef.Name)
}

func users(names []string) []*rbacv1ac.SubjectApplyConfiguration {
	subjects := make([]*rbacv1ac.SubjectApplyConfiguration, len(names))
	for i, name := range names {
		subjects[i] = rbacv1ac.Subject().WithAPIGroup(rbacv1.GroupName).WithKind(rbacv1.UserKind).WithName(name)
	}
	return subjects
}
