package main

import (
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/elimity-com/scim"
	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/elimity-com/scim/optional"
	"github.com/scim2/filter-parser/v2"
)

// users keeps users in memory. It is as fast as one makes it without changing the library: an index by userName, and
// a list in the order of creation so that a page is a slice of it.
type users struct {
	mutex  sync.RWMutex
	byID   map[string]scim.Resource
	byName map[string]string // the id of each userName in lower case
	ids    []string
}

func newUsers() *users {
	return &users{byID: map[string]scim.Resource{}, byName: map[string]string{}}
}

// Create adds a user whose userName is free.
func (u *users) Create(_ *http.Request, attributes scim.ResourceAttributes) (scim.Resource, error) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	name := nameOf(attributes)
	if _, taken := u.byName[name]; taken {
		return scim.Resource{}, scimerrors.ScimErrorUniqueness
	}
	now := time.Now()
	user := scim.Resource{
		ID:         newID(),
		ExternalID: externalIDOf(attributes),
		Attributes: attributes,
		Meta:       scim.Meta{Created: &now, LastModified: &now, Version: `W/"1"`},
	}
	u.byID[user.ID] = user
	u.byName[name] = user.ID
	u.ids = append(u.ids, user.ID)
	return answerable(user), nil
}

// Get reads a user.
func (u *users) Get(_ *http.Request, id string) (scim.Resource, error) {
	u.mutex.RLock()
	defer u.mutex.RUnlock()
	user, ok := u.byID[id]
	if !ok {
		return scim.Resource{}, scimerrors.ScimErrorResourceNotFound(id)
	}
	return answerable(user), nil
}

// GetAll lists users: by name from the index, a page without a filter from the list, and with any other filter by
// trying all users.
func (u *users) GetAll(_ *http.Request, params scim.ListRequestParams) (scim.Page, error) {
	u.mutex.RLock()
	defer u.mutex.RUnlock()
	found := u.ids
	if params.FilterValidator != nil {
		name, ok := nameIn(params.FilterValidator.GetFilter())
		if !ok {
			return u.search(params), nil
		}
		found = nil
		if id, ok := u.byName[name]; ok {
			found = []string{id}
		}
	}
	return u.page(found, params), nil
}

// search tries the filter on all users.
func (u *users) search(params scim.ListRequestParams) scim.Page {
	var found []string
	for _, id := range u.ids {
		if params.FilterValidator.PassesFilter(u.byID[id].Attributes) == nil {
			found = append(found, id)
		}
	}
	return u.page(found, params)
}

// page cuts the page that is asked for out of what was found.
func (u *users) page(found []string, params scim.ListRequestParams) scim.Page {
	page := scim.Page{TotalResults: len(found), Resources: []scim.Resource{}}
	begin := min(params.StartIndex-1, len(found))
	for _, id := range found[begin:min(begin+params.Count, len(found))] {
		page.Resources = append(page.Resources, answerable(u.byID[id]))
	}
	return page
}

// Replace replaces the attributes of a user.
func (u *users) Replace(_ *http.Request, id string, attributes scim.ResourceAttributes) (scim.Resource, error) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	user, ok := u.byID[id]
	if !ok {
		return scim.Resource{}, scimerrors.ScimErrorResourceNotFound(id)
	}
	name := nameOf(attributes)
	if holder, taken := u.byName[name]; taken && holder != id {
		return scim.Resource{}, scimerrors.ScimErrorUniqueness
	}
	delete(u.byName, nameOf(user.Attributes))
	now := time.Now()
	user.Attributes, user.ExternalID, user.Meta.LastModified = attributes, externalIDOf(attributes), &now
	u.byID[id], u.byName[name] = user, id
	return answerable(user), nil
}

// Delete removes a user.
func (u *users) Delete(_ *http.Request, id string) error {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	user, ok := u.byID[id]
	if !ok {
		return scimerrors.ScimErrorResourceNotFound(id)
	}
	delete(u.byID, id)
	delete(u.byName, nameOf(user.Attributes))
	u.ids = slices.DeleteFunc(u.ids, func(other string) bool { return other == id })
	return nil
}

// Patch is left to whoever needs it; the benchmark does not patch users.
func (u *users) Patch(*http.Request, string, []scim.PatchOperation) (scim.Resource, error) {
	return scim.Resource{}, scimerrors.ScimError{Status: http.StatusNotImplemented, Detail: "PATCH is not implemented"}
}

// answerable copies the map of attributes, since the library writes into it when it renders the answer.
func answerable(user scim.Resource) scim.Resource {
	user.Attributes = maps.Clone(user.Attributes)
	return user
}

// nameIn returns the name in lower case that a filter of the form `userName eq "…"` asks for; false for other filters.
func nameIn(expression filter.Expression) (string, bool) {
	e, ok := expression.(*filter.AttributeExpression)
	if !ok || e.Operator != filter.EQ || !strings.EqualFold(e.AttributePath.AttributeName, "userName") {
		return "", false
	}
	name, ok := e.CompareValue.(string)
	return strings.ToLower(name), ok
}

func nameOf(attributes scim.ResourceAttributes) string {
	name, _ := attributes["userName"].(string)
	return strings.ToLower(name)
}

func externalIDOf(attributes scim.ResourceAttributes) optional.String {
	if id, ok := attributes["externalId"].(string); ok {
		return optional.NewString(id)
	}
	return optional.String{}
}

// newID returns a random UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // It never fails.
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
