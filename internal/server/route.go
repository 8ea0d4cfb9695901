package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
)

// methods are the handlers of one URL by HTTP method.
type methods map[string]func() error

// route answers the request by its URL. Identity providers build URLs by hand,
// so that an empty segment, as in //Users or /Users/, means nothing.
func (x *exchange) route() error {
	rest, under := strings.CutPrefix(collapse(x.r.URL.Path), collapse(x.settings.Path))
	if !under {
		return unknownURL(x.settings)
	}
	segments := strings.FieldsFunc(rest, func(r rune) bool { return r == '/' })
	table := x.table(segments)
	if table == nil {
		return unknownURL(x.settings)
	}
	handler, allowed := table[x.r.Method]
	if !allowed {
		names := make([]string, 0, len(table))
		for name := range table {
			names = append(names, name)
		}
		slices.Sort(names)
		x.w.Header().Set("Allow", strings.Join(names, ", "))
		return scim.Errorf(http.StatusMethodNotAllowed, "", "%s is not possible here; %s is", x.r.Method, strings.Join(names, ", "))
	}
	return handler()
}

// table returns the handlers of the URL below the base path; nil when there is
// no such URL.
func (x *exchange) table(segments []string) methods {
	types := x.settings.Registry.ResourceTypes()
	if len(segments) == 0 {
		x.resource = "root"
		return readOnly(func() error { return x.query(types...) })
	}
	x.resource = segments[0]
	for _, t := range types {
		if "/"+segments[0] == t.Endpoint {
			return x.resourceTable(t, segments[1:])
		}
	}
	name := strings.Join(segments[1:], "")
	switch {
	case segments[0] == searchSegment && len(segments) == 1:
		return methods{http.MethodPost: func() error { return x.search(types...) }}
	case segments[0] == "Bulk" && len(segments) == 1:
		return methods{http.MethodPost: x.bulk}
	case segments[0] == "Me" && len(segments) == 1:
		return allMethods(x.me)
	case segments[0] == "ServiceProviderConfig" && len(segments) == 1:
		return readOnly(x.serviceProviderConfig)
	case segments[0] == "ResourceTypes" && len(segments) <= 2:
		return readOnly(func() error { return x.resourceTypes(name) })
	case segments[0] == "Schemas" && len(segments) <= 2:
		return readOnly(func() error { return x.schemas(name) })
	}
	x.resource = "unknown"
	return nil
}

// resourceTable returns the handlers of a resource type's endpoint.
func (x *exchange) resourceTable(t *scim.ResourceType, segments []string) methods {
	switch {
	case len(segments) == 0:
		table := readOnly(func() error { return x.query(t) })
		table[http.MethodPost] = func() error { return x.create(t) }
		return table
	case len(segments) > 1:
		return nil
	case segments[0] == searchSegment:
		return methods{http.MethodPost: func() error { return x.search(t) }}
	}
	x.id = segments[0]
	table := readOnly(func() error { return x.get(t, x.id) })
	table[http.MethodPut] = func() error { return x.replace(t, x.id) }
	table[http.MethodPatch] = func() error { return x.patch(t, x.id) }
	table[http.MethodDelete] = func() error { return x.delete(t, x.id) }
	return table
}

// searchSegment ends the URL of a search whose parameters are in the body.
const searchSegment = ".search"

// readOnly has the handler for the methods that read.
func readOnly(handler func() error) methods {
	return methods{http.MethodGet: handler, http.MethodHead: handler}
}

// allMethods has the handler for every method of SCIM.
func allMethods(handler func() error) methods {
	return methods{
		http.MethodGet: handler, http.MethodHead: handler, http.MethodPost: handler,
		http.MethodPut: handler, http.MethodPatch: handler, http.MethodDelete: handler,
	}
}

// me is /Me (RFC 7644 section 3.11): a key stands for an identity provider, and
// not for a user.
func (x *exchange) me() error {
	return scim.Errorf(http.StatusNotImplemented, "", "the token stands for an identity provider and not for a user, so that there is no /Me")
}

func unknownURL(settings *Settings) error {
	return scim.Errorf(http.StatusNotFound, "",
		"there is nothing at this URL; the base URL of this tenant ends in %s, and below it are /Users, /Groups, /Bulk, /.search, /ServiceProviderConfig, /ResourceTypes and /Schemas", settings.Path)
}

// collapse makes one slash of several.
func collapse(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}
