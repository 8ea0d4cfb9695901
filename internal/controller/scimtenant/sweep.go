package scimtenant

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
)

const (
	// pageSize bounds the work of one reconciliation, so that the deletion of a
	// large tenant does not keep others waiting, and shows its progress.
	pageSize = 500
	// parallelWrites bounds how hard a sweep presses the API server.
	parallelWrites = 8
)

// sweep treats the next page of the tenant's users and groups as the deletion
// policy says, and reports whether there are no more.
func (r *Reconciler) sweep(ctx context.Context, s *scope) (done bool, err error) {
	if s.tenant.DeletionPolicy() == scimv1alpha1.DeletionPolicyDeactivate {
		return r.deactivateUsers(ctx, s)
	}
	return r.deleteEverything(ctx, s)
}

// deactivateUsers sets a page of users inactive. Only users that are not are
// listed, so that the first page is always the next one.
func (r *Reconciler) deactivateUsers(ctx context.Context, s *scope) (done bool, err error) {
	users := &scimv1alpha1.ScimUserList{}
	err = r.nextPage(ctx, s, users, fields.OneTermNotEqualSelector("spec.active", "false"))
	if err != nil {
		return false, err
	}
	patch, err := deactivation(time.Now())
	if err != nil {
		return false, err
	}
	err = forEach(ctx, users.Items, func(ctx context.Context, user *scimv1alpha1.ScimUser) error {
		return r.Live.Patch(ctx, user, patch, apply.FieldManager)
	})
	total := r.progress.add(s.tenant.UID, len(users.Items), err)
	s.deletion = fmt.Sprintf("setting the users inactive, %d so far", total)
	return err == nil && len(users.Items) < pageSize, err
}

// deactivation is what is written to a user.
func deactivation(now time.Time) (client.Patch, error) {
	body, err := json.Marshal(map[string]any{"spec": map[string]any{
		"active": false,
		"meta":   map[string]any{"lastModifiedTime": metav1.NewMicroTime(now)},
	}})
	return client.RawPatch(types.MergePatchType, body), err
}

// deleteEverything deletes a page of groups, then of users, and when there are
// none any more, the claims on their names.
func (r *Reconciler) deleteEverything(ctx context.Context, s *scope) (done bool, err error) {
	groups := &scimv1alpha1.ScimGroupList{}
	if err := r.nextPage(ctx, s, groups, fields.Everything()); err != nil {
		return false, err
	}
	if len(groups.Items) > 0 {
		err := forEach(ctx, groups.Items, func(ctx context.Context, group *scimv1alpha1.ScimGroup) error {
			return r.deleteUnchanged(ctx, group)
		})
		return false, r.deleted(s, len(groups.Items), err)
	}

	users := &scimv1alpha1.ScimUserList{}
	if err := r.nextPage(ctx, s, users, fields.Everything()); err != nil {
		return false, err
	}
	if len(users.Items) > 0 {
		err := forEach(ctx, users.Items, func(ctx context.Context, user *scimv1alpha1.ScimUser) error {
			return r.deleteUnchanged(ctx, user)
		})
		return false, r.deleted(s, len(users.Items), err)
	}

	err = r.Live.DeleteAllOf(ctx, &coordinationv1.Lease{}, client.InNamespace(s.tenant.Namespace), client.MatchingLabels{
		scimv1alpha1.LabelTenant: s.tenant.Name,
		scimv1alpha1.LabelLease:  scimv1alpha1.LeaseClaim,
	})
	return err == nil, err
}

func (r *Reconciler) deleteUnchanged(ctx context.Context, obj client.Object) error {
	uid := obj.GetUID()
	return r.Live.Delete(ctx, obj, client.Preconditions{UID: &uid})
}

func (r *Reconciler) deleted(s *scope, count int, err error) error {
	total := r.progress.add(s.tenant.UID, count, err)
	s.deletion = fmt.Sprintf("deleting users and groups, %d so far", total)
	return err
}

// nextPage lists, past the cache, users or groups of the tenant.
func (r *Reconciler) nextPage(ctx context.Context, s *scope, list client.ObjectList, also fields.Selector) error {
	ofTenant := fields.OneTermEqualSelector("spec.tenantRef.name", s.tenant.Name)
	return r.Live.List(ctx, list,
		client.InNamespace(s.tenant.Namespace),
		client.MatchingFieldsSelector{Selector: fields.AndSelectors(ofTenant, also)},
		client.Limit(pageSize))
}

// forEach writes every item, some at the same time. Items that are gone are fine.
func forEach[T any](ctx context.Context, items []T, write func(context.Context, *T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelWrites)
	for i := range items {
		group.Go(func() error { return client.IgnoreNotFound(write(ctx, &items[i])) })
	}
	return group.Wait()
}

// progress counts, for each tenant that is being swept, what has been done since
// the operator started.
type progress struct {
	mu    sync.Mutex
	swept map[types.UID]int
}

// add counts a page, unless it failed, and returns the new total.
func (p *progress) add(tenant types.UID, count int, err error) (total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.swept == nil {
		p.swept = map[types.UID]int{}
	}
	if err == nil {
		p.swept[tenant] += count
	}
	return p.swept[tenant]
}

func (p *progress) forget(tenant types.UID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.swept, tenant)
}
