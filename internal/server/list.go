package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// list is GET /Users and /Groups (RFC 7644 section 3.4.2).
func (x *exchange) list(t *scim.ResourceType) error {
	projection, err := x.projection(t)
	if err != nil {
		return err
	}
	query, err := x.query(t, x.r.URL.Query())
	if err != nil {
		return err
	}
	query.View = store.ViewOf(projection)
	page, err := x.tenant.store.List(x.r.Context(), t, query)
	if err != nil {
		return err
	}
	response := scim.ListResponse{
		TotalResults: page.TotalResults,
		StartIndex:   query.StartIndex,
		ItemsPerPage: len(page.Resources),
		Resources:    make([]json.RawMessage, len(page.Resources)),
	}
	for i, resource := range page.Resources {
		if response.Resources[i], err = t.Render(resource, projection, x.settings.baseURL(x.r)); err != nil {
			return fmt.Errorf("rendering the %s %s: %w", t.Name, resource.ID(), err)
		}
	}
	return x.answerJSON(response)
}

// query reads the parameters filter, sortBy, sortOrder, startIndex and count.
// Parameters that SCIM does not know mean nothing: identity providers add some
// of their own to the URL.
func (x *exchange) query(t *scim.ResourceType, values url.Values) (query store.Query, err error) {
	if text := values.Get("filter"); text != "" {
		if query.Filter, err = t.ParseFilter(text, x.settings.Profile.Leniency); err != nil {
			return query, err
		}
	}
	if query.Sort, err = t.ParseSort(values.Get("sortBy"), values.Get("sortOrder")); err != nil {
		return query, err
	}
	if query.StartIndex, err = integer(values, "startIndex", 1); err != nil {
		return query, err
	}
	query.StartIndex = max(query.StartIndex, 1)
	if query.Count, err = integer(values, "count", x.tenant.limits.DefaultPage); err != nil {
		return query, err
	}
	query.Count = min(max(query.Count, 0), x.tenant.limits.MaxPage)
	return query, nil
}

// integer reads an integer parameter.
func integer(values url.Values, name string, fallback int) (int, error) {
	text := values.Get(name)
	if text == "" {
		return fallback, nil
	}
	value, err := strconv.Atoi(text)
	if err != nil {
		return 0, scim.Errorf(http.StatusBadRequest, scim.InvalidValue, "%s must be an integer, for example %s=%d", name, name, fallback)
	}
	return value, nil
}

// answerJSON sends a message with status 200.
func (x *exchange) answerJSON(message any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	x.answer(http.StatusOK, body)
	return nil
}
