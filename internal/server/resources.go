package server

import (
	"net/http"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// create is POST /Users and /Groups (RFC 7644 section 3.3).
func (x *exchange) create(t *scim.ResourceType) error {
	if err := x.mayWrite(); err != nil {
		return err
	}
	projection, err := x.projection(t)
	if err != nil {
		return err
	}
	body, err := x.body()
	if err != nil {
		return err
	}
	resource, err := t.Decode(body, x.settings.Profile.Leniency)
	if err != nil {
		return err
	}
	if _, assigned := resource.Active(); !assigned && store.IsUser(t) {
		resource.SetActive(true)
	}
	if err := x.settings.checkRequired(resource); err != nil {
		return err
	}
	view := x.view(projection)
	weight := view.Weight(len(resource.MemberIDs()))
	if err := x.withMemory(func() error { return view.Take(x.ctx, weight) }); err != nil {
		return err
	}
	var created *scim.Resource
	err = x.work(func() (err error) {
		created, err = x.tenant.store.Create(x.writing(), resource, x.settings.Policy)
		return err
	})
	if err != nil {
		return err
	}
	x.id = created.ID()
	return x.answerResource(http.StatusCreated, t, created, projection)
}

// get is GET of one resource (RFC 7644 section 3.4.1).
func (x *exchange) get(t *scim.ResourceType, id string) error {
	projection, err := x.projection(t)
	if err != nil {
		return err
	}
	var found *scim.Resource
	err = x.withMemory(func() error {
		return x.work(func() (err error) {
			found, err = x.tenant.store.Get(x.ctx, t, id, x.view(projection))
			return err
		})
	})
	if err != nil {
		return err
	}
	if matchesNone(x.r, found.Meta().Version) {
		x.setHeader(headerETag, found.Meta().Version)
		x.answer(http.StatusNotModified, nil)
		return nil
	}
	return x.answerResource(http.StatusOK, t, found, projection)
}

// replace is PUT (RFC 7644 section 3.5.1).
func (x *exchange) replace(t *scim.ResourceType, id string) error {
	body, err := x.body()
	if err != nil {
		return err
	}
	projection, err := x.projection(t)
	if err != nil {
		return err
	}
	options := store.UpdateOptions{View: x.view(projection), ReplacesMembers: true}
	updated, err := x.update(t, id, options, func(current *scim.Resource) (*scim.Resource, error) {
		return t.Replace(current, body, x.settings.Profile.Leniency)
	})
	if err != nil {
		return err
	}
	return x.answerResource(http.StatusOK, t, updated, projection)
}

// patch is PATCH (RFC 7644 section 3.5.2). The body is left out of the answer
// where the identity provider wants it so and did not ask for attributes.
func (x *exchange) patch(t *scim.ResourceType, id string) error {
	body, err := x.body()
	if err != nil {
		return err
	}
	projection, err := x.projection(t)
	if err != nil {
		return err
	}
	operations, err := t.ParsePatch(body, x.settings.Profile.Leniency)
	if err != nil {
		return err
	}
	silent := x.settings.Profile.PatchAnswersNoContent && !x.asksForAttributes()
	options := store.UpdateOptions{View: x.view(projection)}
	if silent {
		options.View = store.View{WithoutGroups: true, WithoutMembers: true}
	}
	if changes, rest, apart := operations.MemberChanges(); apart && store.IsGroup(t) {
		operations, options.Members = rest, append([]scim.MemberChange{}, changes...)
	}
	updated, err := x.update(t, id, options, func(current *scim.Resource) (*scim.Resource, error) {
		next, _, err := operations.Apply(current)
		return next, err
	})
	if err != nil {
		return err
	}
	if silent {
		x.setHeader(headerETag, updated.Meta().Version)
		x.answer(http.StatusNoContent, nil)
		return nil
	}
	return x.answerResource(http.StatusOK, t, updated, projection)
}

// update writes what change makes of the resource, if the tenant's rules and the
// request's preconditions allow it.
func (x *exchange) update(t *scim.ResourceType, id string, options store.UpdateOptions, change store.Change) (*scim.Resource, error) {
	checked := func(current *scim.Resource) (*scim.Resource, error) {
		next, err := change(current)
		if err != nil {
			return nil, err
		}
		if !deactivates(current, next) && !onlyRemoves(options.Members, current, next) {
			if err := x.mayWrite(); err != nil {
				return nil, err
			}
		}
		if active, assigned := next.Active(); assigned && !active {
			return next, nil // Nothing that a user lacks keeps them from being deactivated.
		}
		return next, x.settings.checkRequired(next)
	}
	options.Precondition, options.Policy = precondition(x.r), x.settings.Policy
	var updated *scim.Resource
	err := x.withMemory(func() error {
		return x.work(func() (err error) {
			updated, err = x.tenant.store.Update(x.writing(), t, id, checked, options)
			return err
		})
	})
	return updated, err
}

// delete is DELETE (RFC 7644 section 3.6).
func (x *exchange) delete(t *scim.ResourceType, id string) error {
	options := store.DeleteOptions{Precondition: precondition(x.r), Policy: x.settings.Policy}
	err := x.work(func() error { return x.tenant.store.Delete(x.ctx, t, id, options) })
	if err != nil {
		return err
	}
	x.answer(http.StatusNoContent, nil)
	return nil
}

// answerResource sends a resource with its entity tag and location.
func (x *exchange) answerResource(status int, t *scim.ResourceType, resource *scim.Resource, projection *scim.Projection) error {
	base := x.settings.baseURL(x.r)
	body, err := t.Render(resource, projection, base)
	if err != nil {
		return err
	}
	location := t.Location(base, resource.ID())
	if status == http.StatusCreated {
		x.w.Header().Set("Location", location)
	}
	x.setHeader(headerContentLocation, location)
	x.setHeader(headerETag, resource.Meta().Version)
	x.answer(status, body)
	return nil
}

// projection reads the parameters attributes and excludedAttributes.
func (x *exchange) projection(t *scim.ResourceType) (*scim.Projection, error) {
	return t.ParseProjection(x.parameters.Get("attributes"), x.parameters.Get("excludedAttributes"))
}

func (x *exchange) asksForAttributes() bool {
	return x.parameters.Has("attributes") || x.parameters.Has("excludedAttributes")
}
