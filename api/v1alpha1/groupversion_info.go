// Package v1alpha1 holds the Kubernetes API of Kubescim: ScimTenant,
// ScimServer, ScimApiKey, ScimRole, ScimRoleBinding and ScimEventSink, which platform teams write, ScimCredential, the hash of a token, and ScimUser,
// ScimGroup and ScimGroupMembers, which the SCIM server writes on behalf of an identity
// provider.
//
// The package holds types, constants and defaults only; it imports nothing of
// the project.
//
// +kubebuilder:object:generate=true
// +groupName=scim.kubescim.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	// GroupVersion is the API group and version of every kind in this package.
	GroupVersion = schema.GroupVersion{Group: "scim.kubescim.dev", Version: "v1alpha1"}

	// SchemeBuilder collects the functions that add this package's kinds to a scheme.
	SchemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme adds this package's kinds to a scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&ScimServer{}, &ScimServerList{},
		&ScimTenant{}, &ScimTenantList{},
		&ScimApiKey{}, &ScimApiKeyList{},
		&ScimCredential{}, &ScimCredentialList{},
		&ScimRole{}, &ScimRoleList{},
		&ScimUser{}, &ScimUserList{},
		&ScimGroup{}, &ScimGroupList{},
		&ScimGroupMembers{}, &ScimGroupMembersList{},
		&ScimRoleBinding{}, &ScimRoleBindingList{},
		&ScimEventSink{}, &ScimEventSinkList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
