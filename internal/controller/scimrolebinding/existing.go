package scimrolebinding

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

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
	// Those of the role come first: somebody may have it by them.
	slices.SortStableFunc(strays, func(x, y client.Object) int { return cmp.Compare(roleOrder(b, x), roleOrder(b, y)) })
	return own, strays, nil
}

// roleOrder is 0 for an object by which the role of a ScimRoleBinding is given, and 1 for others.
func roleOrder(b *scimv1alpha1.ScimRoleBinding, object client.Object) int {
	if givesRole(b, roleOf(object)) {
		return 0
	}
	return 1
}

func givesRole(b *scimv1alpha1.ScimRoleBinding, role rbacv1.RoleRef) bool {
	return role.Kind == string(b.Spec.RoleRef.Kind) && role.Name == b.Spec.RoleRef.Name
}

// asChunk returns an object as the part of a ScimRoleBinding that it is; false if it is none.
func asChunk(b *scimv1alpha1.ScimRoleBinding, object client.Object) (number int, one chunk, is bool) {
	_, wide := object.(*rbacv1.ClusterRoleBinding)
	number, named := operand.ChunkOf(b, object.GetName())
	controller := metav1.GetControllerOfNoCopy(object)
	return number, chunk{object: object, subjects: subjectsIn(object)},
		wide == (b.Spec.Scope == scimv1alpha1.ScopeCluster) && named && number < maxChunks && givesRole(b, roleOf(object)) &&
			(controller == nil || controller.UID == b.UID)
}

// roleOf and subjectsIn return which role a RoleBinding or a ClusterRoleBinding gives, and to whom.
func roleOf(object client.Object) rbacv1.RoleRef {
	if wide, is := object.(*rbacv1.ClusterRoleBinding); is {
		return wide.RoleRef
	}
	narrow, _ := object.(*rbacv1.RoleBinding) // It is nothing else.
	return narrow.RoleRef
}

func subjectsIn(object client.Object) []rbacv1.Subject {
	if wide, is := object.(*rbacv1.ClusterRoleBinding); is {
		return wide.Subjects
	}
	narrow, _ := object.(*rbacv1.RoleBinding) // It is nothing else.
	return narrow.Subjects
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

// deleteSome deletes the first bindings, so many at most, unless others of their names are there by now, and reports whether
// there are more. What somebody keeps by a finalizer gives the role still while it is being deleted, so it is not kept.
func (r *Reconciler) deleteSome(ctx context.Context, all []client.Object, most int) (more bool, err error) {
	var failures []error
	for _, one := range all[:min(len(all), most)] {
		if err := r.delete(ctx, one); err != nil {
			failures = append(failures, fmt.Errorf("deleting %s: %w", one.GetName(), err))
		}
	}
	return len(all) > most, errors.Join(failures...)
}

func (r *Reconciler) delete(ctx context.Context, one client.Object) error {
	uid := one.GetUID()
	if one.GetDeletionTimestamp().IsZero() {
		err := r.Live.Delete(ctx, emptyLike(one), client.Preconditions{UID: &uid})
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	if len(one.GetFinalizers()) == 0 { // If it has got one just now, there is an event of that.
		return nil
	}
	letGo := fmt.Appendf(nil, `{"metadata":{"uid":%q,"finalizers":null}}`, uid)
	err := r.Live.Patch(ctx, emptyLike(one), client.RawPatch(types.MergePatchType, letGo))
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// emptyLike returns what names an object that is the cache's, and so stays as it is.
func emptyLike(object client.Object) client.Object {
	meta := metav1.ObjectMeta{Namespace: object.GetNamespace(), Name: object.GetName()}
	if _, wide := object.(*rbacv1.ClusterRoleBinding); wide {
		return &rbacv1.ClusterRoleBinding{ObjectMeta: meta}
	}
	return &rbacv1.RoleBinding{ObjectMeta: meta}
}
