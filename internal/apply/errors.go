package apply

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// ConflictError says that an object which the operator has to write exists and
// belongs to somebody else. Somebody has to act; the message says what to do.
type ConflictError struct {
	Kind, Name, Tenant string
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s %q exists already and was not made for this tenant: delete or rename it, "+
		"or use another name for ScimTenant %q", e.Kind, e.Name, e.Tenant)
}

// LeftoverError says that an object is still there which belongs to a tenant of
// the same name that is gone. It will be collected; nobody has to act.
type LeftoverError struct {
	Kind, Name string
}

func (e *LeftoverError) Error() string {
	return fmt.Sprintf("waiting until %s %q of the earlier tenant of this name is gone", e.Kind, e.Name)
}

// InvalidError says that the API server refuses an object as invalid, most often since the
// spec asks for what cannot be. Somebody has to act; the message says what to do.
type InvalidError struct {
	Kind, Name string
	Err        error
}

func (e *InvalidError) Error() string {
	return fmt.Sprintf("the API server refuses %s %q as invalid: correct in the spec what it names or, where it says that "+
		"a field cannot be changed, delete the object; a policy of the cluster has to allow it: %v", e.Kind, e.Name, e.Err)
}

// Unwrap returns the answer of the API server.
func (e *InvalidError) Unwrap() error { return e.Err }

// mayWrite returns nil if the tenant may write the object that exists.
func mayWrite(tenant *scimv1alpha1.ScimTenant, id identity, existing client.Object) error {
	if !IsOurs(tenant, existing) {
		return &ConflictError{Kind: id.gvk.Kind, Name: id.key.Name, Tenant: tenant.Name}
	}
	controller := metav1.GetControllerOf(existing)
	switch {
	case controller == nil || controller.UID == tenant.UID:
		return nil
	case controller.Kind == "ScimTenant" && controller.Name == tenant.Name:
		return &LeftoverError{Kind: id.gvk.Kind, Name: id.key.Name}
	default:
		return &ConflictError{Kind: id.gvk.Kind, Name: id.key.Name, Tenant: tenant.Name}
	}
}
