package handler

import (
	"net/http"
	"slices"
	"time"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/patch"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/request"
	"github.com/kubescim/kubescim/internal/store"
)

// create is POST /Users and /Groups (RFC 7644 section 3.3).
func create(x *exchange.Exchange, t *schema.ResourceType) error {
	if err := x.MayWrite(); err != nil {
		return err
	}
	projection, err := projection(x, t)
	if err != nil {
		return err
	}
	body, err := x.Body()
	if err != nil {
		return err
	}
	resource, err := document.Decode(t, body, x.Settings.Profile.Leniency)
	if err != nil {
		return err
	}
	if _, assigned := resource.Active(); !assigned && store.IsUser(t) {
		resource.SetActive(true)
	}
	if err := x.Settings.CheckRequired(resource); err != nil {
		return err
	}
	if err := x.Settings.CheckRoles(nil, resource); err != nil {
		return err
	}
	view := x.View(projection)
	weight := view.Weight(len(resource.Members().IDs()))
	if err := x.WithMemory(func() error { return view.Acquire(x.Ctx, weight) }); err != nil {
		return err
	}
	var created *scim.Resource
	err = x.Work(func() (err error) {
		created, err = x.Shared.Store.Create(x.Writing(), resource, x.Settings.Policy)
		return err
	})
	if err != nil {
		return err
	}
	x.Entry.ID, x.Entry.Change.Attributes = created.ID(), scim.NewResource(t, nil).Changed(created)
	return answerResource(x, http.StatusCreated, t, created, projection)
}

// get is GET of one resource (RFC 7644 section 3.4.1).
func get(x *exchange.Exchange, t *schema.ResourceType, id string) error {
	projection, err := projection(x, t)
	if err != nil {
		return err
	}
	var found *scim.Resource
	err = x.WithMemory(func() error {
		return x.Work(func() (err error) {
			found, err = read(x, t, id, projection)
			return err
		})
	})
	if err != nil {
		return err
	}
	if request.MatchesNone(x.R, found.Meta().Version) {
		x.SetHeader(exchange.HeaderETag, found.Meta().Version)
		x.Answer(http.StatusNotModified, nil)
		return nil
	}
	return answerResource(x, http.StatusOK, t, found, projection)
}

// read reads a resource where those of its type are.
func read(x *exchange.Exchange, t *schema.ResourceType, id string, projection *render.Projection) (*scim.Resource, error) {
	if x.Settings.Roles.Serves(t) {
		return x.Settings.Roles.Get(t, id)
	}
	return x.Shared.Store.Get(x.Ctx, t, id, x.View(projection))
}

// replace is PUT (RFC 7644 section 3.5.1).
func replace(x *exchange.Exchange, t *schema.ResourceType, id string) error {
	body, err := x.Body()
	if err != nil {
		return err
	}
	projection, err := projection(x, t)
	if err != nil {
		return err
	}
	options := store.UpdateOptions{View: x.View(projection), ReplacesMembers: true}
	updated, err := update(x, t, id, options, func(current *scim.Resource) (*scim.Resource, error) {
		return document.Replace(t, current, body, x.Settings.Profile.Leniency)
	})
	if err != nil {
		return err
	}
	return answerResource(x, http.StatusOK, t, updated, projection)
}

// modify is PATCH (RFC 7644 section 3.5.2). The body is left out of the answer
// where the identity provider wants it so and did not ask for attributes.
func modify(x *exchange.Exchange, t *schema.ResourceType, id string) error {
	body, err := x.Body()
	if err != nil {
		return err
	}
	projection, err := projection(x, t)
	if err != nil {
		return err
	}
	operations, err := patch.Parse(t, body, x.Settings.Profile.Leniency)
	if err != nil {
		return err
	}
	silent := x.Settings.Profile.PatchAnswersNoContent && !asksForAttributes(x)
	options := store.UpdateOptions{View: x.View(projection)}
	if silent {
		options.View = store.View{WithoutGroups: true, WithoutMembers: true}
	}
	if changes, rest, apart := operations.MemberChanges(); apart && store.IsGroup(t) {
		operations, options.Members = rest, append([]scim.MemberChange{}, changes...)
	}
	updated, err := update(x, t, id, options, func(current *scim.Resource) (*scim.Resource, error) {
		next, _, err := operations.Apply(current)
		return next, err
	})
	if err != nil {
		return err
	}
	if silent {
		x.SetHeader(exchange.HeaderETag, updated.Meta().Version)
		x.Answer(http.StatusNoContent, nil)
		return nil
	}
	return answerResource(x, http.StatusOK, t, updated, projection)
}

// update writes what change makes of the resource, if the tenant's rules and the
// request's preconditions allow it.
func update(x *exchange.Exchange, t *schema.ResourceType, id string, options store.UpdateOptions, change store.Change) (*scim.Resource, error) {
	checked := func(current *scim.Resource) (*scim.Resource, error) {
		next, err := change(current)
		if err != nil {
			return nil, err
		}
		if !deactivates(current, next) && !onlyRemoves(options.Members, current, next) {
			if err := x.MayWrite(); err != nil {
				return nil, err
			}
		}
		if active, assigned := next.Active(); assigned && !active {
			return next, nil // Nothing that a user lacks keeps them from being deactivated.
		}
		if err := x.Settings.CheckRoles(current, next); err != nil {
			return nil, err
		}
		return next, x.Settings.CheckRequired(next)
	}
	options.Precondition, options.Policy = request.Precondition(x.R), x.Settings.Policy
	options.Changed = func(names []string) { x.Entry.Change.Attributes = names }
	var updated *scim.Resource
	err := x.WithMemory(func() error {
		return x.Work(func() (err error) {
			updated, err = x.Shared.Store.Update(x.Writing(), t, id, checked, options)
			return err
		})
	})
	return updated, err
}

// announceTime is how long something is left at least of what is deleted, where receivers of events are to hear of that.
const announceTime = time.Hour

// remove is DELETE (RFC 7644 section 3.6).
func remove(x *exchange.Exchange, t *schema.ResourceType, id string) error {
	options := store.DeleteOptions{Precondition: request.Precondition(x.R), Policy: x.Settings.Policy, Undoes: x.Undoes}
	if x.Shared.MayHaveReceivers() { // They hear of it by what is left.
		options.Policy.Tombstones = max(options.Policy.Tombstones, announceTime)
	}
	err := x.Work(func() error { return x.Shared.Store.Delete(x.Ctx, t, id, options) })
	if err != nil {
		return err
	}
	x.Answer(http.StatusNoContent, nil)
	return nil
}

// answerResource sends a resource with its entity tag and location.
func answerResource(x *exchange.Exchange, status int, t *schema.ResourceType, resource *scim.Resource, projection *render.Projection) error {
	base := x.BaseURL()
	body, err := render.Resource(t, resource, projection, base)
	if err != nil {
		return err
	}
	location := t.Location(base, resource.ID())
	if status == http.StatusCreated {
		x.W.Header().Set("Location", location)
	}
	x.SetHeader(exchange.HeaderContentLocation, location)
	x.SetHeader(exchange.HeaderETag, resource.Meta().Version)
	x.Answer(status, body)
	return nil
}

// projection reads the parameters attributes and excludedAttributes.
func projection(x *exchange.Exchange, t *schema.ResourceType) (*render.Projection, error) {
	return projectionOf(x, t, x.Parameters.Get("attributes"), x.Parameters.Get("excludedAttributes"))
}

// projectionOf reads the two parameters. A key that may not see groups sees no user's, either.
func projectionOf(x *exchange.Exchange, t *schema.ResourceType, attributes, excludedAttributes string) (*render.Projection, error) {
	projection, err := render.ParseProjection(t, attributes, excludedAttributes)
	if err == nil && store.IsUser(t) && projection.Wants(userGroups) && !x.Shows(groupsSegment) {
		projection = projection.WithoutDerived(t)
	}
	return projection, err
}

func asksForAttributes(x *exchange.Exchange) bool {
	return x.Parameters.Has("attributes") || x.Parameters.Has("excludedAttributes")
}

// deactivates reports whether a change makes a user inactive who is not. Nothing that was
// written before keeps that out, like deletions. It cannot be done again and again: to make
// the user active is a write like any other.
func deactivates(current, next *scim.Resource) bool {
	was, assigned := current.Active()
	is, said := next.Active()
	return store.IsUser(next.Type()) && (was || !assigned) && said && !is
}

// onlyRemoves reports whether a change does no more than to take members out of a group.
func onlyRemoves(members []scim.MemberChange, current, next *scim.Resource) bool {
	return next.Equal(current) && !slices.ContainsFunc(members, func(m scim.MemberChange) bool { return m.Add })
}
