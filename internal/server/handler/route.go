// Package handler answers the requests that are let in: it finds out by URL and method what
// is asked for, and does it to resources, lists, bulk requests and the discovery documents
// (RFC 7644 section 3). It keeps nothing between requests. Who may ask is not its business.
package handler

import (
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/internal/requestlog"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/request"
)

// searchSegment ends the URL of a search whose parameters are in the body.
const searchSegment = ".search"

// Route answers the request by its URL. Identity providers build URLs by hand,
// so that an empty segment, as in //Users or /Users/, means nothing.
func Route(x *exchange.Exchange) error {
	rest, under := strings.CutPrefix(request.Collapse(x.R.URL.Path), request.Collapse(x.Path()))
	if !under || rest != "" && rest[0] != '/' {
		return unknownURL(x)
	}
	var err error
	if x.Parameters, err = request.Parameters(x.R); err != nil {
		return err
	}
	first, name, _ := strings.Cut(strings.Trim(rest, "/"), "/")
	types := x.Settings.Registry.ResourceTypes()
	if first == "" {
		x.Entry.Resource = "root"
		x.Entry.Operation = requestlog.List
		return readOnly(x, func() error { return query(x, types...) })
	}
	x.Entry.Resource, x.Entry.Operation = first, operationAt(first)
	for _, t := range types {
		if first == segment(t) {
			return routeBelow(x, t, name)
		}
	}
	for _, t := range x.Settings.Roles.ResourceTypes() {
		if first == segment(t) {
			return routeBelowRoles(x, t, name)
		}
	}
	switch {
	case first == searchSegment && name == "":
		return postOnly(x, func() error { return search(x, types...) })
	case first == "Bulk" && name == "":
		return postOnly(x, func() error { return runBulk(x) })
	case first == "Me" && name == "":
		return me(x)
	case first == "ServiceProviderConfig" && name == "":
		return readOnly(x, func() error { return serviceProviderConfig(x) })
	case first == "ResourceTypes" && !strings.Contains(name, "/"):
		return readOnly(x, func() error { return resourceTypes(x, name) })
	case first == "Schemas" && !strings.Contains(name, "/"):
		return readOnly(x, func() error { return schemas(x, name) })
	}
	x.Entry.Resource, x.Entry.Operation = "unknown", ""
	return unknownURL(x)
}

// routeBelow answers a request to the endpoint of a resource type, or to what is
// below it.
func routeBelow(x *exchange.Exchange, t *schema.ResourceType, name string) error {
	x.Entry.Operation = operationOf(x.R.Method, name)
	if err := x.Require(segment(t), name != searchSegment && isWrite(x.R.Method)); err != nil {
		return err
	}
	switch {
	case name == "":
		switch x.R.Method {
		case http.MethodGet, http.MethodHead:
			return query(x, t)
		case http.MethodPost:
			return create(x, t)
		}
		return notAllowed(x, "GET, HEAD, POST")
	case name == searchSegment:
		return postOnly(x, func() error { return search(x, t) })
	case strings.Contains(name, "/"):
		return unknownURL(x)
	}
	x.Entry.ID = name
	switch x.R.Method {
	case http.MethodGet, http.MethodHead:
		return get(x, t, name)
	case http.MethodPut:
		return replace(x, t, name)
	case http.MethodPatch:
		return modify(x, t, name)
	case http.MethodDelete:
		return remove(x, t, name)
	}
	return notAllowed(x, "DELETE, GET, HEAD, PATCH, PUT")
}

// routeBelowRoles answers a request to the endpoint of roles or of entitlements, or to what is below
// it. They are changed in the cluster alone.
func routeBelowRoles(x *exchange.Exchange, t *schema.ResourceType, name string) error {
	x.Entry.Operation = operationOf(x.R.Method, name)
	if err := x.Require(permissionOf(x, t), false); err != nil {
		return err
	}
	reads := x.R.Method == http.MethodGet || x.R.Method == http.MethodHead
	switch {
	case name == searchSegment:
		return postOnly(x, func() error { return search(x, t) })
	case strings.Contains(name, "/"):
		return unknownURL(x)
	case !reads && request.IsStandard(x.R.Method):
		x.W.Header().Set("Allow", "GET, HEAD")
		return scim.Errorf(http.StatusMethodNotAllowed, "",
			"roles and entitlements of this application can be read here, and not changed; ask who runs this service to add, change or remove one")
	case !reads:
		return notAllowed(x, "GET, HEAD")
	case name == "":
		return query(x, t)
	}
	x.Entry.ID = name
	return get(x, t, name)
}

// permissionOf is the endpoint of the resource type that a key must be for to see resources of a
// type. Who may see users may see which roles there are.
func permissionOf(x *exchange.Exchange, t *schema.ResourceType) string {
	if x.Settings.Roles.Serves(t) {
		return usersSegment
	}
	return segment(t)
}

// operationAt is what requests are to do at an endpoint that is none of a resource type.
func operationAt(endpoint string) requestlog.Operation {
	switch endpoint {
	case searchSegment:
		return requestlog.List
	case "Bulk":
		return requestlog.Bulk
	case "ServiceProviderConfig", "ResourceTypes", "Schemas":
		return requestlog.Discover
	}
	return ""
}

// operationOf is what a request with the method is to do at the endpoint of a resource type, or at
// what is below it.
func operationOf(method, name string) requestlog.Operation {
	switch method {
	case http.MethodGet, http.MethodHead:
		if name == "" {
			return requestlog.List
		}
		return requestlog.Get
	case http.MethodPost:
		if name == searchSegment {
			return requestlog.List
		}
		return requestlog.Create
	case http.MethodPut:
		return requestlog.Replace
	case http.MethodPatch:
		return requestlog.Modify
	case http.MethodDelete:
		return requestlog.Delete
	}
	return ""
}

// segment is what stands in URLs for a resource type, such as Users.
func segment(t *schema.ResourceType) string { return t.Endpoint[1:] }

// isWrite reports whether requests with the method create, change or delete.
func isWrite(method string) bool {
	switch method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	}
	return false
}

// Writes reports whether a request is to create, change or delete, by its method and URL
// alone. A search is not, and a bulk request is.
func Writes(r *http.Request) bool {
	return isWrite(r.Method) && !strings.HasSuffix(strings.TrimRight(r.URL.Path, "/"), "/"+searchSegment)
}

// readOnly answers the methods that read.
func readOnly(x *exchange.Exchange, answer func() error) error {
	if x.R.Method == http.MethodGet || x.R.Method == http.MethodHead {
		return answer()
	}
	return notAllowed(x, "GET, HEAD")
}

// postOnly answers POST.
func postOnly(x *exchange.Exchange, answer func() error) error {
	if x.R.Method == http.MethodPost {
		return answer()
	}
	return notAllowed(x, "POST")
}

// notAllowed returns 405 for a method that is not among those that the URL has.
func notAllowed(x *exchange.Exchange, methods string) error {
	x.W.Header().Set("Allow", methods)
	return scim.Errorf(http.StatusMethodNotAllowed, "", "%q is no method of this URL, which has %s", x.R.Method, methods)
}

// me is /Me (RFC 7644 section 3.11): a key stands for an identity provider, and
// not for a user.
func me(x *exchange.Exchange) error {
	if !request.IsStandard(x.R.Method) {
		return notAllowed(x, "DELETE, GET, HEAD, PATCH, POST, PUT")
	}
	return scim.Errorf(http.StatusNotImplemented, "", "the token stands for an identity provider and not for a user, so that there is no /Me")
}

func unknownURL(x *exchange.Exchange) error {
	return scim.Errorf(http.StatusNotFound, "",
		"there is nothing at this URL; the base URL of this tenant ends in %s, and below it are /Users, /Groups, /Bulk, /.search, /ServiceProviderConfig, /ResourceTypes and /Schemas", x.Path())
}
