package reconcile

import (
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// LockedPatch is a patch that fails if the object has changed since before.
func LockedPatch(before client.Object) client.Patch {
	return client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
}

// IsConflict reports whether a write came too late. Doing all again mends that.
func IsConflict(err error) bool {
	return err != nil && apierrors.IsConflict(err)
}
