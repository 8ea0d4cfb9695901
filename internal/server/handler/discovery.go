package handler

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/discovery"
	"github.com/kubescim/kubescim/internal/scim/message"
	"github.com/kubescim/kubescim/internal/server/cursor"
	"github.com/kubescim/kubescim/internal/server/exchange"
)

// serviceProviderConfig is GET /ServiceProviderConfig (RFC 7643 section 5). It
// says what this server does and nothing more, since some clients obey it.
func serviceProviderConfig(x *exchange.Exchange) error {
	if err := refuseFilter(x); err != nil {
		return err
	}
	config := discovery.ServiceProviderConfig{
		Patch: true,
		Bulk: discovery.BulkConfig{
			Supported:      true,
			MaxOperations:  x.Shared.Limits.BulkOperations,
			MaxPayloadSize: int(x.Shared.Limits.BodyBytes),
		},
		Filter: discovery.FilterConfig{Supported: true, MaxResults: x.Shared.Limits.MaxPage},
		Sort:   true,
		ETag:   true,
		Pagination: &discovery.PaginationConfig{
			Cursor:                  true,
			Index:                   true,
			DefaultPaginationMethod: "index",
			DefaultPageSize:         x.Shared.Limits.DefaultPage,
			MaxPageSize:             x.Shared.Limits.MaxPage,
			CursorTimeout:           int(cursor.Lifetime.Seconds()),
		},
		AuthenticationSchemes: []discovery.AuthenticationScheme{{
			Type:        "oauthbearertoken",
			Name:        "Bearer token",
			Description: "The token that was given out for this URL, sent in the Authorization header",
			SpecURI:     "https://www.rfc-editor.org/rfc/rfc6750",
			Primary:     true,
		}},
	}
	if roles, entitlements := x.Settings.Roles.Has(); roles || entitlements {
		config.Roles = &discovery.RolesConfig{Roles: roles, Entitlements: entitlements}
	}
	if uris := x.Shared.Events.Load(); uris != nil && len(*uris) > 0 {
		config.SecurityEvents = &discovery.SecurityEventsConfig{AsyncRequest: "none", EventURIs: *uris}
	}
	x.Answer(http.StatusOK, config.Document(x.BaseURL()))
	return nil
}

// resourceTypes is GET /ResourceTypes and /ResourceTypes/{name} (RFC 7644
// section 4).
func resourceTypes(x *exchange.Exchange, name string) error {
	base := x.BaseURL()
	var documents []json.RawMessage
	for _, t := range append(x.Settings.Registry.ResourceTypes(), x.Settings.Roles.ResourceTypes()...) {
		if name == "" || strings.EqualFold(name, t.Name) {
			documents = append(documents, discovery.ResourceType(t, base))
		}
	}
	return answerDocuments(x, "resource type", name, documents)
}

// schemas is GET /Schemas and /Schemas/{urn} (RFC 7644 section 4). The schemas of the
// discovery documents are among them (RFC 7643 section 8.7.2): there are clients that
// refuse a server without.
func schemas(x *exchange.Exchange, urn string) error {
	base := x.BaseURL()
	var documents []json.RawMessage
	all := x.Settings.Registry.Schemas()
	for _, t := range x.Settings.Roles.ResourceTypes() {
		all = append(all, t.Schema)
	}
	for _, schema := range append(all, discovery.Schemas()...) {
		if urn == "" || strings.EqualFold(urn, schema.ID) {
			documents = append(documents, discovery.Schema(schema, base))
		}
	}
	return answerDocuments(x, "schema", urn, documents)
}

// answerDocuments sends the one document that was asked for by name, or all of
// them as a list.
func answerDocuments(x *exchange.Exchange, what, name string, documents []json.RawMessage) error {
	if err := refuseFilter(x); err != nil {
		return err
	}
	if name == "" {
		return answerList(x, message.ListResponse{
			TotalResults: len(documents), StartIndex: 1, ItemsPerPage: len(documents), Resources: documents,
		})
	}
	if len(documents) == 0 {
		return scim.Errorf(http.StatusNotFound, "", "there is no %s %q; the list is one level up", what, name)
	}
	x.Answer(http.StatusOK, documents[0])
	return nil
}

// refuseFilter returns 403 for a filter on discovery (RFC 7644 section 4).
func refuseFilter(x *exchange.Exchange) error {
	if x.Parameters.Has("filter") {
		return fmt.Errorf("filter on discovery: %w",
			scim.Errorf(http.StatusForbidden, "", "a filter cannot be used on this endpoint; leave it out"))
	}
	return nil
}
