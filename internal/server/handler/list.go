package handler

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/message"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/scim/sorting"
	"github.com/kubescim/kubescim/internal/server/cursor"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/request"
	"github.com/kubescim/kubescim/internal/store"
)

const (
	// groupsSegment is what stands in URLs for groups.
	groupsSegment = "Groups"
	// usersSegment is what stands in URLs for users.
	usersSegment = "Users"
	// userGroups is the attribute of a user that says in which groups the user is.
	userGroups = "groups"
)

// query is GET of an endpoint, or of the base URL, with the parameters in the
// URL (RFC 7644 section 3.4.2).
func query(x *exchange.Exchange, types ...*schema.ResourceType) error {
	search, err := request.Search(x.Parameters)
	if err != nil {
		return err
	}
	return list(x, search, types)
}

// search is POST /.search with the parameters in the body (RFC 7644 section 3.4.3).
func search(x *exchange.Exchange, types ...*schema.ResourceType) error {
	body, err := x.Body()
	if err != nil {
		return err
	}
	search, err := message.ParseSearch(body, x.Settings.Profile.Leniency)
	if err != nil {
		return err
	}
	return list(x, search, types)
}

// list answers a search over resource types with one page. The resources of
// several types come type by type.
func list(x *exchange.Exchange, search *message.SearchRequest, types []*schema.ResourceType) error {
	queries, err := compile(x, search, types)
	if err != nil {
		return err
	}
	at := step{count: pageSize(x, search)}
	response := message.ListResponse{StartIndex: 1}
	if search.StartIndex != nil {
		response.StartIndex = max(*search.StartIndex, 1)
	}
	if search.Cursor != nil {
		response.StartIndex = 0
		if at, err = nextStep(x, search); err != nil {
			return err
		}
	}
	var page collected
	err = x.WithMemory(func() error {
		return x.Work(func() (err error) {
			page, err = collect(x, queries, response.StartIndex, at)
			return err
		})
	})
	if err != nil {
		return err
	}
	response.TotalResults, response.Resources, response.ItemsPerPage = page.total, page.rendered, len(page.rendered)
	if search.Cursor != nil {
		response.NextCursor = nextCursor(x, search, at, page)
	}
	return answerList(x, response)
}

// pageSize returns the number of resources that the client gets at the most.
func pageSize(x *exchange.Exchange, search *message.SearchRequest) int {
	if search.Count == nil {
		return x.Shared.Limits.DefaultPage
	}
	return min(max(*search.Count, 0), x.Shared.Limits.MaxPage)
}

// typeQuery is a search compiled for one resource type.
type typeQuery struct {
	t          *schema.ResourceType
	place      int // among the resource types of the search, those that are not shown included
	projection *render.Projection
	query      store.Query
}

// compile reads a search for each of the resource types that the request's key may see.
func compile(x *exchange.Exchange, search *message.SearchRequest, types []*schema.ResourceType) ([]typeQuery, error) {
	if len(types) > 1 && search.SortBy != "" {
		return nil, scim.Errorf(http.StatusBadRequest, scim.InvalidValue,
			"sortBy cannot be used across resource types; search below /Users or /Groups")
	}
	queries := make([]typeQuery, 0, len(types))
	for place, t := range types {
		if !x.Shows(permissionOf(x, t)) {
			continue
		}
		one, err := compileFor(x, search, t, types)
		if err != nil {
			return nil, err
		}
		one.place = place
		queries = append(queries, one)
	}
	if len(queries) == 0 {
		return nil, x.Hidden(permissionOf(x, types[0]))
	}
	return queries, nil
}

func compileFor(x *exchange.Exchange, search *message.SearchRequest, t *schema.ResourceType, among []*schema.ResourceType) (one typeQuery, err error) {
	one.t = t
	one.projection, err = projectionOf(x, t, strings.Join(search.Attributes, ","), strings.Join(search.ExcludedAttributes, ","))
	if err != nil {
		return one, err
	}
	if search.Filter != nil {
		if one.query.Filter, err = filter.ParseAmong(t, among, *search.Filter, x.Settings.Profile.Leniency); err != nil {
			return one, err
		}
	}
	if one.query.Sort, err = sorting.Parse(t, search.SortBy, search.SortOrder); err != nil {
		return one, err
	}
	// Whom a filter finds, and in which order users come, would tell who is in which group.
	if (one.query.Filter.Names(userGroups) || one.query.Sort.Names(userGroups)) && !x.Shows(groupsSegment) {
		return one, x.Hidden(groupsSegment)
	}
	one.query.View = x.View(one.projection)
	return one, nil
}

// collected is one page over all resource types of a search.
type collected struct {
	total    int
	rendered []json.RawMessage
	last     cursor.Position // of the last resource in the page
	more     bool            // there are resources behind it
}

// collect gets a page: from the 1-based index start on, or the step of a walk.
func collect(x *exchange.Exchange, queries []typeQuery, start int, at step) (page collected, err error) {
	base := x.BaseURL()
	skip := max(start, 1) - 1
	for _, one := range queries {
		behind := at.after != nil && one.place < at.after.Type
		one.query.StartIndex, one.query.Count = skip+1, at.count-len(page.rendered)
		if behind {
			one.query.Count = 0 // An earlier page has the last of this type.
		}
		if at.after != nil && one.place == at.after.Type {
			one.query.After = &at.after.Position
		}
		found, err := find(x, one.t, one.query)
		if err != nil {
			return page, err
		}
		page.total += found.TotalResults
		page.more = page.more || (found.More && !behind)
		skip = max(0, skip-found.TotalResults)
		for _, resource := range found.Resources {
			document, err := render.Resource(one.t, resource, one.projection, base)
			if err != nil {
				return page, fmt.Errorf("rendering the %s %s: %w", one.t.Name, resource.ID(), err)
			}
			page.rendered = append(page.rendered, document)
			page.last = cursor.Position{Type: one.place, Position: store.PositionOf(resource)}
		}
	}
	return page, nil
}

// find carries a query out where the resources of the type are.
func find(x *exchange.Exchange, t *schema.ResourceType, query store.Query) (*store.Page, error) {
	if x.Settings.Roles.Serves(t) {
		return x.Settings.Roles.List(t, query)
	}
	return x.Shared.Store.List(x.Ctx, t, query)
}

// answerList sends a list with status 200.
func answerList(x *exchange.Exchange, list message.ListResponse) error {
	body, err := list.MarshalJSON()
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	x.Answer(http.StatusOK, body)
	return nil
}
