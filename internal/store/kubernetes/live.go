package kubernetes

import (
	"context"
	"fmt"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/claim"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
	"github.com/kubescim/kubescim/internal/store/kubernetes/slice"
)

// liveGet is Get at the API server: a GET, and a LIST for what is derived.
func (s *Store) liveGet(ctx context.Context, t *schema.ResourceType, id string, view store.View) (*scim.Resource, error) {
	found, err := s.objects.ReadShown(ctx, t, id)
	if err != nil {
		return nil, err
	}
	if err := s.liveMembers(ctx, found, view); err != nil {
		return nil, err
	}
	if !view.WithoutMembers {
		if err := s.hideMissing(ctx, view, found.Resource); err != nil {
			return nil, err
		}
	}
	return s.liveComplete(ctx, found.Resource, view)
}

// liveMembers gives a group that was read the members in its slices, and takes memory
// for all members.
func (s *Store) liveMembers(ctx context.Context, found *codec.Record, view store.View) error {
	group, isGroup := found.Object.(*v1alpha1.ScimGroup)
	if !isGroup {
		return nil
	}
	state, err := s.liveState(ctx, found, group)
	if err != nil {
		return err
	}
	if state == nil {
		return view.Take(ctx, view.Weight(len(group.Spec.Members)+len(group.Spec.MemberGroups)))
	}
	if err := view.Take(ctx, view.Weight(state.Size())); err != nil {
		return err
	}
	state.Complete(found.Resource, view)
	return nil
}

// fewGroups is up to how many groups the slices of each are LISTed, rather than those of all.
const fewGroups = 8

// liveMembersOf does the same for groups that may have slices. Those of many groups are
// LISTed once, whoever they belong to: each LIST has the API server look at all of them.
func (s *Store) liveMembersOf(ctx context.Context, groups []*codec.Record, view store.View) error {
	if len(groups) <= fewGroups {
		for _, group := range groups {
			if err := s.liveMembers(ctx, group, view); err != nil {
				return err
			}
		}
		return nil
	}
	of := make(map[string][]*index.Slice, len(groups))
	for _, one := range groups {
		of[one.Object.GetName()] = nil
	}
	err := s.objects.EachSlice(ctx, codec.OfTenant(s.tenant.Name), func(slice *index.Slice) error {
		name := slice.Group.String()
		if _, wanted := of[name]; !wanted {
			return nil
		}
		of[name] = append(of[name], slice)
		return view.Take(ctx, view.Weight(len(slice.Members)))
	})
	if err != nil {
		return fmt.Errorf("reading the members of groups: %w", err)
	}
	for _, one := range groups {
		group, isGroup := one.Object.(*v1alpha1.ScimGroup)
		if !isGroup {
			continue
		}
		if err := view.Take(ctx, view.Weight(len(group.Spec.Members)+len(group.Spec.MemberGroups))); err != nil {
			return err
		}
		if slices := of[group.Name]; len(slices) > 0 || codec.IsSliced(group) {
			slice.StateOf(one, group, slices).Complete(one.Resource, view)
		}
	}
	return nil
}

// liveList is List at the API server. A filter that fixes the id or the unique
// name costs GETs; any other a consistent LIST.
func (s *Store) liveList(ctx context.Context, t *schema.ResourceType, query store.Query) (*store.Page, error) {
	candidates, err := s.liveCandidates(ctx, t, query)
	if err != nil {
		return nil, err
	}
	asked := query.Filter.Mentions("members")
	if asked {
		if err := s.hideMissing(ctx, query.View, candidates...); err != nil {
			return nil, err
		}
	}
	// The filter may ask for groups, so they are there before it runs.
	if err := s.liveCompleteAll(ctx, t, candidates, query); err != nil {
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
		return page, s.hideMissing(ctx, query.View, page.Resources...)
	}
	return page, nil
}

// liveCandidates returns resources among which are all that match the filter.
func (s *Store) liveCandidates(ctx context.Context, t *schema.ResourceType, query store.Query) ([]*scim.Resource, error) {
	filter := query.Filter
	id, name := store.Lookup(t, filter)
	if id == "" && name == "" {
		keep := filter.Match
		if filter.Mentions("groups") || filter.Mentions("members") {
			keep = keepAll
		}
		return s.all(ctx, t, query.View, keep)
	}
	ids := []string{id}
	if id == "" {
		lease, err := s.claims.Get(ctx, t, name)
		if err != nil {
			return nil, failure.Wrap(err, "reading the claim of a %s", store.Name(t))
		}
		ids, _ = s.bearers(t, name) // They may have lost the claim.
		if lease != nil && !slices.Contains(ids, claim.HolderOf(lease)) {
			ids = append(ids, claim.HolderOf(lease))
		}
	}
	var candidates []*scim.Resource
	for _, id := range ids {
		found, err := s.objects.ReadShown(ctx, t, id)
		if failure.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := s.liveMembers(ctx, found, store.View{Reserve: query.View.Reserve}); err != nil {
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
// one moment. Memory for them is taken as the view has it.
func (s *Store) all(ctx context.Context, t *schema.ResourceType, view store.View, keep func(*scim.Resource) bool) ([]*scim.Resource, error) {
	var (
		all    []*scim.Resource
		sliced []*codec.Record
	)
	whole := store.View{Reserve: func(ctx context.Context, bytes int64) error { return s.takeLive(ctx, view, bytes) }}
	err := s.objects.Each(ctx, codec.KindOf(t), codec.OfTenant(s.tenant.Name), func(object client.Object) error {
		one, err := codec.Decode(s.tenant.Name, t, object)
		if err != nil || !one.Shown() || !keep(one.Resource) {
			return err
		}
		all = append(all, one.Resource)
		if group, isGroup := object.(*v1alpha1.ScimGroup); isGroup && s.mayBeSliced(group) {
			group.ManagedFields = nil // It is kept for a while, and they are large.
			sliced = append(sliced, one)
		} else if err := s.liveMembers(ctx, one, whole); err != nil {
			return err
		}
		return whole.Take(ctx, liveWeight)
	})
	if err != nil {
		return nil, err
	}
	return all, s.liveMembersOf(ctx, sliced, whole)
}

// takeLive takes memory for one of the resources that are read live. There may be
// enough for all of them in the cache, and not for them decoded.
func (s *Store) takeLive(ctx context.Context, view store.View, bytes int64) error {
	err := view.Take(ctx, bytes)
	if err != nil && ctx.Err() == nil && s.cache != nil {
		return fmt.Errorf("reading all at the API server: %w: %w", store.Unavailable(), err)
	}
	return err
}

// liveComplete adds to a resource what is derived, and takes off what the view
// does not want.
func (s *Store) liveComplete(ctx context.Context, resource *scim.Resource, view store.View) (*scim.Resource, error) {
	switch {
	case store.IsUser(resource.Type()) && !view.WithoutGroups:
		return s.liveDerive(ctx, resource, view)
	case store.IsGroup(resource.Type()) && view.WithoutMembers:
		resource.SetMembers(scim.Members{})
	}
	return resource, nil
}

// liveDerive adds the groups of a user.
func (s *Store) liveDerive(ctx context.Context, user *scim.Resource, view store.View) (*scim.Resource, error) {
	membership, err := s.liveMembership(ctx, view)
	if err != nil {
		return nil, err
	}
	membership.Complete(user)
	return user, nil
}

// liveCompleteAll adds the groups to users where the query needs them.
func (s *Store) liveCompleteAll(ctx context.Context, t *schema.ResourceType, resources []*scim.Resource, query store.Query) error {
	if !store.IsUser(t) || len(resources) == 0 {
		return nil
	}
	if query.View.WithoutGroups && query.Filter == nil {
		return nil
	}
	membership, err := s.liveMembership(ctx, query.View)
	if err != nil {
		return err
	}
	for _, user := range resources {
		membership.Complete(user)
	}
	return nil
}

// liveMembership returns who is in which group now.
func (s *Store) liveMembership(ctx context.Context, view store.View) (*store.Membership, error) {
	groups, err := s.all(ctx, s.groupType(), view, keepAll)
	if err != nil {
		return nil, fmt.Errorf("deriving the groups of users: %w", err)
	}
	return store.NewMembership(groups), nil
}
