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
	if len(segments) == 0 {
		return unknownURL(x.settings)
	}
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
	x.resource = segments[0]
	for _, t := range x.tenant.registry.ResourceTypes() {
		if "/"+segments[0] == t.Endpoint {
			return x.resourceTable(t, segments[1:])
		}
	}
	discovery := map[string]func(string) error{
		"ServiceProviderConfig": x.serviceProviderConfig,
		"ResourceTypes":         x.resourceTypes,
		"Schemas":               x.schemas,
	}
	handler, known := discovery[segments[0]]
	if !known || len(segments) > 2 {
		x.resource = "unknown"
		return nil
	}
	name := strings.Join(segments[1:], "")
	get := func() error { return handler(name) }
	return methods{http.MethodGet: get, http.MethodHead: get}
}

// resourceTable returns the handlers of a resource type's endpoint.
func (x *exchange) resourceTable(t *scim.ResourceType, segments []string) methods {
	switch len(segments) {
	case 0:
		list := func() error { return x.list(t) }
		return methods{http.MethodGet: list, http.MethodHead: list, http.MethodPost: func() error { return x.create(t) }}
	case 1:
		x.id = segments[0]
		get := func() error { return x.get(t, segments[0]) }
		return methods{
			http.MethodGet:    get,
			http.MethodHead:   get,
			http.MethodPut:    func() error { return x.replace(t, segments[0]) },
			http.MethodPatch:  func() error { return x.patch(t, segments[0]) },
			http.MethodDelete: func() error { return x.delete(t, segments[0]) },
		}
	default:
		return nil
	}
}

func unknownURL(settings *Settings) error {
	return scim.Errorf(http.StatusNotFound, "",
		"there is nothing at this URL; the base URL of this tenant ends in %s, and below it are /Users, /Groups, /ServiceProviderConfig, /ResourceTypes and /Schemas", settings.Path)
}

// collapse makes one slash of several.
func collapse(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}
