package server

import (
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
)

// searchSegment ends the URL of a search whose parameters are in the body.
const searchSegment = ".search"

// route answers the request by its URL. Identity providers build URLs by hand,
// so that an empty segment, as in //Users or /Users/, means nothing.
func (x *exchange) route() error {
	rest, under := strings.CutPrefix(collapse(x.r.URL.Path), collapse(x.settings.Path))
	if !under || rest != "" && rest[0] != '/' {
		return unknownURL(x.settings)
	}
	if err := x.readParameters(); err != nil {
		return err
	}
	first, name, _ := strings.Cut(strings.Trim(rest, "/"), "/")
	types := x.settings.Registry.ResourceTypes()
	if first == "" {
		x.resource = "root"
		return x.readOnly(func() error { return x.query(types...) })
	}
	x.resource = first
	for _, t := range types {
		if first == t.Endpoint[1:] {
			return x.routeBelow(t, name)
		}
	}
	switch {
	case first == searchSegment && name == "":
		return x.postOnly(func() error { return x.search(types...) })
	case first == "Bulk" && name == "":
		return x.postOnly(x.bulk)
	case first == "Me" && name == "":
		return x.me()
	case first == "ServiceProviderConfig" && name == "":
		return x.readOnly(x.serviceProviderConfig)
	case first == "ResourceTypes" && !strings.Contains(name, "/"):
		return x.readOnly(func() error { return x.resourceTypes(name) })
	case first == "Schemas" && !strings.Contains(name, "/"):
		return x.readOnly(func() error { return x.schemas(name) })
	}
	x.resource = "unknown"
	return unknownURL(x.settings)
}

// routeBelow answers a request to the endpoint of a resource type, or to what is
// below it.
func (x *exchange) routeBelow(t *scim.ResourceType, name string) error {
	switch {
	case name == "":
		switch x.r.Method {
		case http.MethodGet, http.MethodHead:
			return x.query(t)
		case http.MethodPost:
			return x.create(t)
		}
		return x.notAllowed("GET, HEAD, POST")
	case name == searchSegment:
		return x.postOnly(func() error { return x.search(t) })
	case strings.Contains(name, "/"):
		return unknownURL(x.settings)
	}
	x.id = name
	switch x.r.Method {
	case http.MethodGet, http.MethodHead:
		return x.get(t, name)
	case http.MethodPut:
		return x.replace(t, name)
	case http.MethodPatch:
		return x.patch(t, name)
	case http.MethodDelete:
		return x.delete(t, name)
	}
	return x.notAllowed("DELETE, GET, HEAD, PATCH, PUT")
}

// readOnly answers the methods that read.
func (x *exchange) readOnly(answer func() error) error {
	if x.r.Method == http.MethodGet || x.r.Method == http.MethodHead {
		return answer()
	}
	return x.notAllowed("GET, HEAD")
}

// postOnly answers POST.
func (x *exchange) postOnly(answer func() error) error {
	if x.r.Method == http.MethodPost {
		return answer()
	}
	return x.notAllowed("POST")
}

// notAllowed returns 405 for a method that is not among those that the URL has.
func (x *exchange) notAllowed(methods string) error {
	x.w.Header().Set("Allow", methods)
	return scim.Errorf(http.StatusMethodNotAllowed, "", "%q is no method of this URL, which has %s", x.r.Method, methods)
}

// me is /Me (RFC 7644 section 3.11): a key stands for an identity provider, and
// not for a user.
func (x *exchange) me() error {
	if !standard(x.r.Method) {
		return x.notAllowed("DELETE, GET, HEAD, PATCH, POST, PUT")
	}
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
