package operand

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Kinds that own objects.
const (
	KindTenant      = "ScimTenant"
	KindServer      = "ScimServer"
	KindRoleBinding = "ScimRoleBinding"
)

// Owner is an object of Kubescim that the operator makes others for. It controls them, so
// that they go when it goes.
type Owner struct {
	// Kind is one of Kubescim's.
	Kind string
	// Namespace is also that of the objects.
	Namespace, Name string
	UID             types.UID
	// Label is on each of the objects; its value is Name.
	Label string
}

// TenantOwner returns a tenant as the owner of objects.
func TenantOwner(t *scimv1alpha1.ScimTenant) Owner {
	return Owner{Kind: KindTenant, Namespace: t.Namespace, Name: t.Name, UID: t.UID, Label: scimv1alpha1.LabelTenant}
}

// ServerOwner returns a ScimServer as the owner of objects.
func ServerOwner(s *scimv1alpha1.ScimServer) Owner {
	return Owner{Kind: KindServer, Namespace: s.Namespace, Name: s.Name, UID: s.UID, Label: scimv1alpha1.LabelServer}
}

// RoleBindingOwner returns a ScimRoleBinding as the owner of objects.
func RoleBindingOwner(b *scimv1alpha1.ScimRoleBinding) Owner {
	return Owner{Kind: KindRoleBinding, Namespace: b.Namespace, Name: b.Name, UID: b.UID, Label: scimv1alpha1.LabelRoleBinding}
}

// Noun is what people call it.
func (o Owner) Noun() string { return strings.ToLower(strings.TrimPrefix(o.Kind, "Scim")) }

// Made reports whether the operator made an object for an owner of that kind and name, or
// this very owner controls it.
func (o Owner) Made(obj metav1.Object) bool {
	labels := obj.GetLabels()
	return o.Controls(obj) || (labels[LabelManagedBy] == ManagedBy && labels[o.Label] == o.Name)
}

// Left reports whether an object was made for an earlier owner of that kind and name, which is gone:
// it is about to be collected.
func (o Owner) Left(obj metav1.Object) bool {
	controller := metav1.GetControllerOfNoCopy(obj)
	return o.Made(obj) && controller != nil && controller.UID != o.UID
}

// Controls reports whether this very owner controls an object.
func (o Owner) Controls(obj metav1.Object) bool {
	controller := metav1.GetControllerOfNoCopy(obj)
	return controller != nil && controller.UID == o.UID
}

// reference is what makes the owner the controller of an object.
func (o Owner) reference() *metav1ac.OwnerReferenceApplyConfiguration {
	return metav1ac.OwnerReference().
		WithAPIVersion(scimv1alpha1.GroupVersion.String()).
		WithKind(o.Kind).
		WithName(o.Name).
		WithUID(o.UID).
		WithController(true).
		WithBlockOwnerDeletion(true)
}

// references is reference for an object that is not applied.
func (o Owner) references() []metav1.OwnerReference {
	return []metav1.OwnerReference{{
		APIVersion: scimv1alpha1.GroupVersion.String(), Kind: o.Kind, Name: o.Name, UID: o.UID,
		Controller: ptr.To(true), BlockOwnerDeletion: ptr.To(true),
	}}
}
