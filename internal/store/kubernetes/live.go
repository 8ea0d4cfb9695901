package kubernetes

import (
	"context"
	"fmt"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/claim"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
	"github.com/kubescim/kubescim/internal/store/kubernetes/objects"
)

// liveReader answers reads at the API server, for when memory cannot be known to be new
// enough.
type liveReader struct {
	objects *objects.Reader
	holders holders
	claims  claim.Claims
	cache   *cache.Cache
	tenant  client.ObjectKey
	// groupType is the resource type of groups, from which those of users are derived.
	groupType func() *schema.ResourceType
	// resolve says which members exist.
	resolve store.Resolve
}

// get is Get at the API server: a GET, and a LIST for what is derived.
func (l *liveReader) get(ctx context.Context, t *schema.ResourceType, id string, view store.View) (*scim.Resource, error) {
	found, err := l.objects.ReadShown(ctx, t, id)
	if err != nil {
		return nil, err
	}
	if err := l.completeMembers(ctx, found, view); err != nil {
		return nil, err
	}
	if !view.WithoutMembers {
		if err := l.hideMissing(ctx, view, found.Resource); err != nil {
			return nil, err
		}
	}
	return l.complete(ctx, found.Resource, view)
}

// list is List at the API server. A filter that fixes the id or the unique
// name costs GETs; any other a consistent LIST.
func (l *liveReader) list(ctx context.Context, t *schema.ResourceType, query store.Query) (*store.Page, error) {
	candidates, err := l.candidates(ctx, t, query)
	if err != nil {
		return nil, err
	}
	asked := query.Filter.Mentions("members")
	if asked {
		if err := l.hideMissing(ctx, query.View, candidates...); err != nil {
			return nil, err
		}
	}
	// The filter may ask for groups, so they are there before it runs.
	if err := l.completeAll(ctx, t, candidates, query); err != nil {
		return nil, err
	}
	page, err := store.Select(candidates, query)
	if err != nil {
		return nil, err
	}
	if store.IsGroup(t) && query.View.WithoutMembers {
		for _, group := range page.Resources {
			group.SetMembers(scim.Members{})
		}
	}
	if !asked { // Then only those on the page need be looked up.
		return page, l.hideMissing(ctx, query.View, page.Resources...)
	}
	return page, nil
}

// candidates returns resources among which are all that match the filter.
func (l *liveReader) candidates(ctx context.Context, t *schema.ResourceType, query store.Query) ([]*scim.Resource, error) {
	filter := query.Filter
	id, name := store.Lookup(t, filter)
	if id == "" && name == "" {
		keep := filter.Match
		if filter.Mentions("groups") || filter.Mentions("members") {
			keep = keepAll
		}
		return l.all(ctx, t, query.View, keep)
	}
	ids := []string{id}
	if id == "" {
		lease, err := l.claims.Get(ctx, t, name)
		if err != nil {
			return nil, failure.Wrap(err, "reading the claim of a %s", store.Name(t))
		}
		ids, _ = l.holders.Bearers(t, name) // They may have lost the claim.
		if lease != nil && !slices.Contains(ids, claim.HolderOf(lease)) {
			ids = append(ids, claim.HolderOf(lease))
		}
	}
	var candidates []*scim.Resource
	for _, id := range ids {
		found, err := l.objects.ReadShown(ctx, t, id)
		if failure.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := l.completeMembers(ctx, found, store.View{Memory: query.View.Memory}); err != nil {
			return nil, err
		}
		candidates = append(candidates, found.Resource)
	}
	return candidates, nil
}

// liveWeight is about how much memory a decoded resource takes, in bytes.
const liveWeight = 8 << 10

// keepAll keeps everything.
func keepAll(*scim.Resource) bool { return true }

// all returns every resource of the type that SCIM knows and that is to be kept, as of
// one moment. Memory for them is acquired as the view has it.
func (l *liveReader) all(ctx context.Context, t *schema.ResourceType, view store.View, keep func(*scim.Resource) bool) ([]*scim.Resource, error) {
	var (
		all    []*scim.Resource
		sliced []*codec.Record
	)
	whole := store.View{Memory: func(ctx context.Context, bytes int64) error { return l.acquire(ctx, view, bytes) }}
	err := l.objects.Each(ctx, codec.KindOf(t), codec.OfTenant(l.tenant.Name), func(object client.Object) error {
		one, err := codec.Decode(l.tenant.Name, t, object)
		if err != nil || !one.Shown() || !keep(one.Resource) {
			return err
		}
		all = append(all, one.Resource)
		if group, isGroup := object.(*scimv1alpha1.ScimGroup); isGroup && l.mayBeSliced(group) {
			group.ManagedFields = nil // It is kept for a while, and they are large.
			sliced = append(sliced, one)
		} else if err := l.completeMembers(ctx, one, whole); err != nil {
			return err
		}
		return whole.Acquire(ctx, liveWeight)
	})
	if err != nil {
		return nil, err
	}
	return all, l.completeMembersOf(ctx, sliced, whole)
}

// acquire acquires memory for one of the resources that are read live. There may be
// enough for all of them in the cache, and not for them decoded.
func (l *liveReader) acquire(ctx context.Context, view store.View, bytes int64) error {
	err := view.Acquire(ctx, bytes)
	if err != nil && ctx.Err() == nil && l.cache != nil {
		return fmt.Errorf("reading all at the API server: %w: %w", store.Unavailable(), err)
	}
	return err
}

// complete adds to a resource what is derived, and takes off what the view
// does not want.
func (l *liveReader) complete(ctx context.Context, resource *scim.Resource, view store.View) (*scim.Resource, error) {
	switch {
	case store.IsUser(resource.Type()) && !view.WithoutGroups:
		return l.derive(ctx, resource, view)
	case store.IsGroup(resource.Type()) && view.WithoutMembers:
		resource.SetMembers(scim.Members{})
	}
	return resource, nil
}

// derive adds the groups of a user.
func (l *liveReader) derive(ctx context.Context, user *scim.Resource, view store.View) (*scim.Resource, error) {
	membership, err := l.membership(ctx, view)
	if err != nil {
		return nil, err
	}
	membership.Complete(user)
	return user, nil
}

// completeAll adds the groups to users where the query needs them.
func (l *liveReader) completeAll(ctx context.Context, t *schema.ResourceType, resources []*scim.Resource, query store.Query) error {
	if !store.IsUser(t) || len(resources) == 0 {
		return nil
	}
	if query.View.WithoutGroups && query.Filter == nil {
		return nil
	}
	membership, err := l.membership(ctx, query.View)
	if err != nil {
		return err
	}
	for _, user := range resources {
		membership.Complete(user)
	}
	return nil
}

// membership returns who is in which group now.
func (l *liveReader) membership(ctx context.Context, view store.View) (*store.Membership, error) {
	groups, err := l.all(ctx, l.groupType(), view, keepAll)
	if err != nil {
		return nil, fmt.Errorf("deriving the groups of users: %w", err)
	}
	return store.NewMembership(groups), nil
}
