// Package request reads SCIM requests (RFC 7644 section 3): the parameters and the host in
// URL and headers, the preconditions, and the body within its bounds. What these mean to a
// resource is for others.
package request

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/message"
)

// parameterNames are the parameters that the URL of a request may have (RFC 7644
// section 3.4.2, table 3, and section 3.9; RFC 9865 section 2), by their names in lower
// case.
var parameterNames = map[string]string{
	"filter": "filter", "sortby": "sortBy", "sortorder": "sortOrder",
	"startindex": "startIndex", "count": "count", "cursor": "cursor",
	"attributes": "attributes", "excludedattributes": "excludedAttributes",
}

// Parameters returns the parameters in the URL. Others than those of SCIM mean
// nothing: identity providers add some of their own. What cannot be read, or has two
// meanings, is refused: a search that lost its filter would find everybody, and the
// identity provider take the first of them for the one that it looks for.
func Parameters(r *http.Request) (url.Values, error) {
	query := r.URL.RawQuery
	if query == "" {
		return nil, nil
	}
	// Whoever writes a blank as %20 has not encoded a form, and means a plus by a plus
	// (RFC 3986), as in the userName a+b@example.com. In a form it is a blank.
	if strings.Contains(query, "%20") {
		query = strings.ReplaceAll(query, "+", "%2B")
	}
	// A semicolon is a part of a value. To net/url it is a defect, since there are
	// programs to which it separates parameters.
	all, err := url.ParseQuery(strings.ReplaceAll(query, ";", "%3B"))
	if err != nil {
		return nil, badParameter(`the query of the URL cannot be read: "%%" is followed by two hexadecimal digits, and is itself written %%25`)
	}
	parameters := make(url.Values, len(all))
	for name, values := range all {
		if known := parameterNames[strings.ToLower(name)]; known != "" {
			parameters[known] = append(parameters[known], values...)
		}
	}
	for name, values := range parameters {
		switch {
		case len(values) == 1:
		case name == "attributes" || name == "excludedAttributes":
			parameters.Set(name, strings.Join(values, ","))
		default:
			return nil, badParameter("%s is given %d times; give it once", name, len(values))
		}
	}
	return parameters, nil
}

func badParameter(format string, args ...any) error {
	return scim.Errorf(http.StatusBadRequest, scim.InvalidValue, format, args...)
}

// Search reads the parameters of a URL as the search that they mean.
func Search(values url.Values) (search *message.SearchRequest, err error) {
	search = &message.SearchRequest{
		Filter:    given(values, "filter"),
		SortBy:    values.Get("sortBy"),
		SortOrder: values.Get("sortOrder"),
		Cursor:    given(values, "cursor"),
	}
	if values.Has("attributes") {
		search.Attributes = []string{values.Get("attributes")}
	}
	if values.Has("excludedAttributes") {
		search.ExcludedAttributes = []string{values.Get("excludedAttributes")}
	}
	if search.StartIndex, err = integer(values, "startIndex"); err != nil {
		return nil, err
	}
	search.Count, err = integer(values, "count")
	return search, err
}

// given is a parameter that may be empty; nil when it is absent.
func given(values url.Values, name string) *string {
	if !values.Has(name) {
		return nil
	}
	value := values.Get(name)
	return &value
}

// integer reads an integer parameter; nil when it is absent.
func integer(values url.Values, name string) (*int, error) {
	text := values.Get(name)
	if text == "" {
		return nil, nil
	}
	value, err := strconv.Atoi(text)
	if err != nil {
		return nil, badParameter("%s must be an integer, for example %s=1", name, name)
	}
	return &value, nil
}
