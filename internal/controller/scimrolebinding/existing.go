package scimrolebinding

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
)

// chunk is a RoleBinding or a ClusterRoleBinding with a part of the subjects.
type chunk struct {
	object   client.Object
	subjects []rbacv1.Subject
}

// chunks returns the bindings of a ScimRoleBinding by which its role is given, and those in their place that are not as the
// operator writes them: of another role, controlled by something else, of a number that is never used, or of the other scope.
// Whoever may make RoleBindings can make such, without the role: nobody has it by them.
func (r *Reconciler) chunks(ctx context.Context, from client.Reader, b *scimv1alpha1.ScimRoleBinding) (own chunks, strays []client.Object, err error) {
	all, err := r.labelled(ctx, from, b)
	if err != nil {
		return nil, nil, err
	}
	own = chunks{}
	for _, object := range all {
		if number, one, is := asChunk(b, object); is {
			own[number] = one
		} else {
			strays = append(strays, object)
		}
	}
	return own, strays, nil
}

// asChunk returns an object as the part of a ScimRoleBinding that it is; false if it is none.
func asChunk(b *scimv1alpha1.ScimRoleBinding, object client.Object) (number int, one chunk, is bool) {
	wide := b.Spec.Scope == scimv1alpha1.ScopeCluster
	var role rbacv1.RoleRef
	switch binding := object.(type) {
	case *rbacv1.RoleBinding:
		is, role, one = !wide, binding.RoleRef, chunk{object: object, subjects: binding.Subjects}
	case *rbacv1.ClusterRoleBinding:
		is, role, one = wide, binding.RoleRef, chunk{object: object, subjects: binding.Subjects}
	}
	number, named := operand.ChunkOf(b, object.GetName())
	controller := metav1.GetControllerOfNoCopy(object)
	return number, one, is && named && number < maxChunks && role.Kind == string(b.Spec.RoleRef.Kind) && role.Name == b.Spec.RoleRef.Name &&
		(controller == nil || controller.UID == b.UID)
}

// labelled returns all objects that have the labels and a name of those of a ScimRoleBinding, whatever its scope: an earlier
// one of the same name may have had another. Their labels are what nobody else can take off or change who may not give the role.
func (r *Reconciler) labelled(ctx context.Context, from client.Reader, b *scimv1alpha1.ScimRoleBinding) (all []client.Object, err error) {
	narrow, wide := inScope(b, scimv1alpha1.ScopeNamespace), inScope(b, scimv1alpha1.ScopeCluster)
	list := &rbacv1.RoleBindingList{}
	if err := from.List(ctx, list, client.InNamespace(b.Namespace), client.MatchingLabels(operand.ChunkLabels(narrow)), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the RoleBindings of the group: %w", err)
	}
	for i := range list.Items {
		if operand.IsChunk(narrow, list.Items[i].Name) {
			all = append(all, &list.Items[i])
		}
	}
	if !r.WholeCluster {
		return all, nil
	}
	wideList := &rbacv1.ClusterRoleBindingList{}
	if err := from.List(ctx, wideList, client.MatchingLabels(operand.ChunkLabels(wide)), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the ClusterRoleBindings of the group: %w", err)
	}
	for i := range wideList.Items {
		if operand.IsChunk(wide, wideList.Items[i].Name) {
			all = append(all, &wideList.Items[i])
		}
	}
	return all, nil
}

// inScope returns what names the objects of a ScimRoleBinding, if it had that scope.
func inScope(b *scimv1alpha1.ScimRoleBinding, scope scimv1alpha1.RoleBindingScope) *scimv1alpha1.ScimRoleBinding {
	other := &scimv1alpha1.ScimRoleBinding{Spec: scimv1alpha1.ScimRoleBindingSpec{Scope: scope}}
	other.Namespace, other.Name = b.Namespace, b.Name
	return other
}

// deleteAll deletes bindings of a ScimRoleBinding, unless others of their names are there by now. What somebody keeps by a
// finalizer gives the role still while it is being deleted, so nobody is left in it. That fails for another role than the
// operator may bind, which it has given to nobody.
func (r *Reconciler) deleteAll(ctx context.Context, b *scimv1alpha1.ScimRoleBinding, all []client.Object) error {
	var failures []error
	for _, one := range all {
		if len(one.GetFinalizers()) > 0 && len(subjectsIn(one)) > 0 {
			err := r.Live.Patch(ctx, emptyLike(one), client.RawPatch(types.MergePatchType, emptied(b, one)))
			if client.IgnoreNotFound(err) != nil && !apierrors.IsForbidden(err) {
				failures = append(failures, fmt.Errorf("taking all out of %s: %w", one.GetName(), err))
			}
		}
		if !one.GetDeletionTimestamp().IsZero() {
			continue
		}
		uid := one.GetUID()
		err := r.Live.Delete(ctx, emptyLike(one), client.Preconditions{UID: &uid})
		if client.IgnoreNotFound(err) != nil && !apierrors.IsConflict(err) {
			failures = append(failures, fmt.Errorf("deleting %s: %w", one.GetName(), err))
		}
	}
	return errors.Join(failures...)
}

// emptied is a merge patch by which nobody is left in a binding. In a namespace, it is owned by the ScimRoleBinding then, as the
// operator's policy has it; by one that is not there, when that has gone.
func emptied(b *scimv1alpha1.ScimRoleBinding, object client.Object) []byte {
	if object.GetNamespace() == "" {
		return []byte(`{"subjects":null}`)
	}
	owner := operand.RoleBindingOwner(b)
	owner.UID = cmp.Or(owner.UID, object.GetUID())
	patch, _ := json.Marshal(map[string]any{ // No name or UID fails.
		"metadata": map[string]any{"ownerReferences": owner.References()}, "subjects": nil,
	})
	return patch
}

// subjectsIn returns who has a role by a RoleBinding or a ClusterRoleBinding.
func subjectsIn(object client.Object) []rbacv1.Subject {
	switch binding := object.(type) {
	case *rbacv1.RoleBinding:
		return binding.Subjects
	case *rbacv1.ClusterRoleBinding:
		return binding.Subjects
	default:
		return nil
	}
}

// emptyLike returns what names an object that is the cache's, and so stays as it is.
func emptyLike(object client.Object) client.Object {
	meta := metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: object.GetName()}
	if _, wide := object.(*rbacv1.ClusterRoleBinding); wide {
		return &rbacv1.ClusterRoleBinding{ObjectMeta: meta}
	}
	return &rbacv1.RoleBinding{ObjectMeta: meta}
}
