package scimtenant

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/reconcile"
)

const (
	// pageSize bounds the work of one reconciliation, so that the deletion of a
	// large tenant does not keep others waiting, and shows its progress.
	pageSize = 500
	// parallelWrites bounds how hard a sweep presses the API server.
	parallelWrites = 8
)

// nextPageInterval is how soon the next page is treated.
const nextPageInterval = time.Millisecond

// sweeper does with the users and groups of a tenant that is deleted what its policy says.
type sweeper struct {
	live     client.Client
	progress progress
}

// sweep treats the next page of the tenant's users and groups as the deletion
// policy says, and returns how soon to go on; 0 when there are no more.
func (w *sweeper) sweep(ctx context.Context, s *scope) (again time.Duration, err error) {
	if s.tenant.DeletionPolicy() != scimv1alpha1.DeletionPolicyDeactivate {
		return w.deleteEverything(ctx, s)
	}
	if done, err := w.deactivateUsers(ctx, s); err != nil || done {
		return 0, err
	}
	return nextPageInterval, nil
}

// deactivateUsers sets a page of users inactive. Only users that are not are
// listed, so that the first page is always the next one.
func (w *sweeper) deactivateUsers(ctx context.Context, s *scope) (done bool, err error) {
	users := &scimv1alpha1.ScimUserList{}
	err = nextPage(ctx, w.live, users, client.InNamespace(s.tenant.Namespace), client.Limit(pageSize),
		client.MatchingFieldsSelector{Selector: fields.AndSelectors(
			fields.OneTermEqualSelector(reconcile.FieldTenant, s.tenant.Name),
			fields.OneTermNotEqualSelector("spec.active", "false"))})
	if err != nil {
		return false, fmt.Errorf("listing the users who are active: %w", err)
	}
	patch, err := deactivation(s.tenant, time.Now())
	if err != nil {
		return false, err
	}
	err = forEach(ctx, users.Items, func(ctx context.Context, user *scimv1alpha1.ScimUser) error {
		return w.live.Patch(ctx, user, patch, apply.FieldManager)
	})
	total := w.progress.add(s.tenant.UID, len(users.Items), err)
	s.deletion = fmt.Sprintf("setting the users inactive, %d so far", total)
	if err != nil {
		return false, fmt.Errorf("setting users inactive: %w", err)
	}
	return users.Continue == "", nil
}

// nextPage LISTs until a page has something, or there are no more. A page that is short,
// or has nothing in it, is the last only if its `continue` is empty: the API server may
// stop before it has found as much as was asked for.
func nextPage(ctx context.Context, from client.Reader, page client.ObjectList, options ...client.ListOption) error {
	for {
		if err := from.List(ctx, page, append(options, client.Continue(page.GetContinue()))...); err != nil {
			return err
		}
		if meta.LenList(page) > 0 || page.GetContinue() == "" {
			return nil
		}
	}
}

// deactivation is what is written to a user of a tenant: the server, which is gone, would have changed the
// labels, too, that are made of whether a user is active.
func deactivation(tenant *scimv1alpha1.ScimTenant, now time.Time) (client.Patch, error) {
	labels := map[string]string{}
	for _, label := range tenant.Spec.Users.Labels {
		if label.Attribute == "active" {
			labels[label.Key] = strconv.FormatBool(false)
		}
	}
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"labels": labels},
		"spec": map[string]any{
			"active": false,
			"meta":   map[string]any{"lastModifiedTime": metav1.NewMicroTime(now)},
		},
	})
	return client.RawPatch(types.MergePatchType, body), err
}

// swept is a kind of which a tenant may have very many objects.
type swept struct {
	kind schema.GroupVersionKind
	// people is what people call them.
	people string
	// of chooses those of a tenant.
	of func(tenant *scimv1alpha1.ScimTenant) client.ListOption
}

// everything is what the policy Delete deletes, in this order: what refers to
// something goes before it, and the claim on a name after its holder.
var everything = []swept{
	{scimv1alpha1.GroupVersion.WithKind("ScimGroupMembers"), "members of large groups", byTenantRef},
	{scimv1alpha1.GroupVersion.WithKind("ScimGroup"), "groups", byTenantRef},
	{scimv1alpha1.GroupVersion.WithKind("ScimUser"), "users", byTenantRef},
	{coordinationv1.SchemeGroupVersion.WithKind("Lease"), "claims on their names", byClaimLabels},
}

func byTenantRef(tenant *scimv1alpha1.ScimTenant) client.ListOption {
	return client.MatchingFields{reconcile.FieldTenant: tenant.Name}
}

func byClaimLabels(tenant *scimv1alpha1.ScimTenant) client.ListOption {
	return client.MatchingLabels{
		scimv1alpha1.LabelTenant: tenant.Name,
		scimv1alpha1.LabelLease:  scimv1alpha1.LeaseClaim,
	}
}

// deleteEverything deletes the next page of what the tenant still has. What is being
// deleted already, and stays for finalizers of others, is waited for.
func (w *sweeper) deleteEverything(ctx context.Context, s *scope) (again time.Duration, err error) {
	for _, next := range everything {
		page, leaving, err := w.nextToDelete(ctx, s, next)
		if err != nil {
			return 0, fmt.Errorf("listing the %s: %w", next.people, err)
		}
		if len(page) > 0 {
			return nextPageInterval, w.deletePage(ctx, s, next, page)
		}
		if leaving != "" {
			s.deletion = fmt.Sprintf("deleting the %s: waiting for finalizers of others, for example on %s %s; objects deleted: %d so far",
				next.people, next.kind.Kind, leaving, w.progress.add(s.tenant.UID, 0, nil))
			return finalizersInterval, nil
		}
	}
	return 0, nil
}

// nextToDelete returns a page of objects that nobody has deleted yet; none if there are
// no more. leaving is one that has been deleted and is still there. It needs the
// objects' metadata only, and asks for no more.
func (w *sweeper) nextToDelete(
	ctx context.Context, s *scope, next swept,
) (page []metav1.PartialObjectMetadata, leaving string, err error) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(next.kind)
	for {
		err := nextPage(ctx, w.live, list, client.InNamespace(s.tenant.Namespace), next.of(s.tenant), client.Limit(pageSize))
		if err != nil {
			return nil, "", err
		}
		for _, object := range list.Items {
			if object.DeletionTimestamp.IsZero() {
				page = append(page, object)
			} else {
				leaving = object.Name
			}
		}
		if len(page) > 0 || list.Continue == "" {
			return page, leaving, nil
		}
	}
}

// deletePage deletes objects, and counts those that are gone by that.
func (w *sweeper) deletePage(ctx context.Context, s *scope, next swept, page []metav1.PartialObjectMetadata) error {
	err := forEach(ctx, page, func(ctx context.Context, object *metav1.PartialObjectMetadata) error {
		object.SetGroupVersionKind(next.kind)
		return w.live.Delete(ctx, object, client.Preconditions{UID: &object.UID})
	})
	gone := 0
	for i := range page {
		if len(page[i].Finalizers) == 0 {
			gone++
		}
	}
	total := w.progress.add(s.tenant.UID, gone, err)
	s.deletion = fmt.Sprintf("deleting the %s; objects deleted: %d so far", next.people, total)
	if err != nil {
		return fmt.Errorf("deleting the %s: %w", next.people, err)
	}
	return nil
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
