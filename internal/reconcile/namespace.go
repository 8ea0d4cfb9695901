package reconcile

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// NamespaceEnds reports whether a namespace is being deleted, or is gone. All that
// is in it then goes in any order, the operator's rights among it, and nothing may
// be made there any more: a finalizer has nothing left to wait for. The reader must
// ask the API server, since namespaces are in no cache.
func NamespaceEnds(ctx context.Context, live client.Reader, name string) (bool, error) {
	namespace := &corev1.Namespace{}
	err := live.Get(ctx, client.ObjectKey{Name: name}, namespace)
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading whether namespace %s is being deleted: %w", name, err)
	}
	return !namespace.DeletionTimestamp.IsZero(), nil
}

// IsOfEndingNamespace reports whether a write was refused since the namespace is being
// deleted. What was to be written goes with the namespace; the deletion of the object that
// it was for is an event of its own.
func IsOfEndingNamespace(err error) bool {
	return apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}
