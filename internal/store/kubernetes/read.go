package kubernetes

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// pageSize is the number of objects in one page of a LIST.
const pageSize = 1000

// Get implements store.Store with one live GET.
func (s *Store) Get(ctx context.Context, t *scim.ResourceType, id string, view store.View) (*scim.Resource, error) {
	found, err := s.read(ctx, t, id)
	if err != nil {
		return nil, err
	}
	if !found.known() {
		return nil, store.NotFound(t, id)
	}
	return s.complete(ctx, found.resource, view)
}

// List implements store.Store. A filter that fixes the id or the unique name
// costs live GETs; any other a consistent LIST.
func (s *Store) List(ctx context.Context, t *scim.ResourceType, query store.Query) (*store.Page, error) {
	candidates, err := s.candidates(ctx, t, query.Filter)
	if err != nil {
		return nil, err
	}
	// The filter may ask for groups, so they are there before it runs.
	if err := s.completeAll(ctx, t, candidates, query); err != nil {
		return nil, err
	}
	page, err := store.Select(candidates, query)
	if err != nil {
		return nil, err
	}
	if store.IsGroup(t) && query.View.WithoutMembers {
		for _, group := range page.Resources {
			store.SetMembers(group, nil)
		}
	}
	return page, nil
}

// candidates returns resources among which are all that match the filter.
func (s *Store) candidates(ctx context.Context, t *scim.ResourceType, filter *scim.Filter) ([]*scim.Resource, error) {
	id, name := store.Lookup(t, filter)
	if id == "" && name == "" {
		return s.all(ctx, t)
	}
	if id == "" {
		claim, err := s.claims.get(ctx, t, name)
		if err != nil {
			return nil, wrap(err, "reading the claim of a %s", store.Name(t))
		}
		if claim == nil {
			return nil, nil
		}
		id = holderOf(claim)
	}
	found, err := s.read(ctx, t, id)
	if err != nil || !found.known() {
		return nil, err
	}
	return []*scim.Resource{found.resource}, nil
}

// read returns the record with the id, live; nil when the tenant has none.
func (s *Store) read(ctx context.Context, t *scim.ResourceType, id string) (*record, error) {
	if !isID(id) {
		return nil, nil
	}
	object := newObject(t)
	err := s.client.Get(ctx, client.ObjectKey{Namespace: s.tenant.Namespace, Name: id}, object)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap(err, "reading the %s %s", t.Name, id)
	}
	return s.decode(t, object)
}

// all returns every resource of the type that SCIM knows, as of one moment.
func (s *Store) all(ctx context.Context, t *scim.ResourceType) ([]*scim.Resource, error) {
	var all []*scim.Resource
	options := &client.ListOptions{Namespace: s.tenant.Namespace, LabelSelector: s.selector(), Limit: pageSize}
	for {
		objects, next, err := s.page(ctx, t, options)
		if err != nil {
			return nil, wrap(err, "listing %ss", t.Name)
		}
		for _, object := range objects {
			one, err := s.decode(t, object)
			if err != nil {
				return nil, err
			}
			if one.known() {
				all = append(all, one.resource)
			}
		}
		if next == "" {
			return all, nil
		}
		options.Continue = next
	}
}

// page returns one page of a LIST and the token of the next one.
func (s *Store) page(ctx context.Context, t *scim.ResourceType, options *client.ListOptions) (objects []client.Object, next string, err error) {
	if store.IsGroup(t) {
		list := &v1alpha1.ScimGroupList{}
		if err := s.client.List(ctx, list, options); err != nil {
			return nil, "", err
		}
		return pointers[*v1alpha1.ScimGroup](list.Items), list.Continue, nil
	}
	list := &v1alpha1.ScimUserList{}
	if err := s.client.List(ctx, list, options); err != nil {
		return nil, "", err
	}
	return pointers[*v1alpha1.ScimUser](list.Items), list.Continue, nil
}

// pointers returns the items of a list as objects.
func pointers[P interface {
	client.Object
	*T
}, T any](items []T) []client.Object {
	objects := make([]client.Object, len(items))
	for i := range items {
		objects[i] = P(&items[i])
	}
	return objects
}

// selector selects the tenant's objects that SCIM knows.
func (s *Store) selector() labels.Selector {
	notDeleted, err := labels.NewRequirement(v1alpha1.LabelDeleted, selection.DoesNotExist, nil)
	if err != nil {
		panic(fmt.Sprintf("a constant label selector is malformed: %v", err))
	}
	return labels.SelectorFromSet(labels.Set{v1alpha1.LabelTenant: s.tenant.Name}).Add(*notDeleted)
}

// complete adds to a resource what is derived, and takes off what the view does
// not want.
func (s *Store) complete(ctx context.Context, resource *scim.Resource, view store.View) (*scim.Resource, error) {
	switch {
	case store.IsUser(resource.Type()) && !view.WithoutGroups:
		membership, err := s.membership(ctx)
		if err != nil {
			return nil, err
		}
		membership.Complete(resource)
	case store.IsGroup(resource.Type()) && view.WithoutMembers:
		store.SetMembers(resource, nil)
	}
	return resource, nil
}

// completeAll adds the groups to users where the query needs them.
func (s *Store) completeAll(ctx context.Context, t *scim.ResourceType, resources []*scim.Resource, query store.Query) error {
	if !store.IsUser(t) || len(resources) == 0 {
		return nil
	}
	if query.View.WithoutGroups && query.Filter == nil {
		return nil
	}
	membership, err := s.membership(ctx)
	if err != nil {
		return err
	}
	for _, user := range resources {
		membership.Complete(user)
	}
	return nil
}

// membership returns who is in which group now.
func (s *Store) membership(ctx context.Context) (*store.Membership, error) {
	groups, err := s.all(ctx, s.groups)
	if err != nil {
		return nil, fmt.Errorf("deriving the groups of users: %w", err)
	}
	return store.NewMembership(groups), nil
}

// isID reports whether the text has the form of the ids that are made here.
// Anything else is unknown without a question to the API server, whose path it
// would be part of.
func isID(text string) bool {
	parsed, err := uuid.Parse(text)
	return err == nil && parsed.String() == text
}
