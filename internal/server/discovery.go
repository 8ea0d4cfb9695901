package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
)

// serviceProviderConfig is GET /ServiceProviderConfig (RFC 7643 section 5). It
// says what this server does and nothing more, since some clients obey it.
func (x *exchange) serviceProviderConfig() error {
	if err := x.refuseFilter(); err != nil {
		return err
	}
	config := scim.ServiceProviderConfig{
		Patch: true,
		Bulk: scim.BulkConfig{
			Supported:      true,
			MaxOperations:  x.tenant.limits.BulkOperations,
			MaxPayloadSize: int(x.tenant.limits.BodyBytes),
		},
		Filter: scim.FilterConfig{Supported: true, MaxResults: x.tenant.limits.MaxPage},
		Sort:   true,
		ETag:   true,
		Pagination: &scim.PaginationConfig{
			Cursor:                  true,
			Index:                   true,
			DefaultPaginationMethod: "index",
			DefaultPageSize:         x.tenant.limits.DefaultPage,
			MaxPageSize:             x.tenant.limits.MaxPage,
			CursorTimeout:           int(cursorLifetime.Seconds()),
		},
		AuthenticationSchemes: []scim.AuthenticationScheme{{
			Type:        "oauthbearertoken",
			Name:        "Bearer token",
			Description: "The token that was given out for this URL, sent in the Authorization header",
			SpecURI:     "https://www.rfc-editor.org/rfc/rfc6750",
			Primary:     true,
		}},
	}
	x.answer(http.StatusOK, config.Document(x.settings.baseURL(x.r)))
	return nil
}

// resourceTypes is GET /ResourceTypes and /ResourceTypes/{name} (RFC 7644
// section 4).
func (x *exchange) resourceTypes(name string) error {
	base := x.settings.baseURL(x.r)
	var documents []json.RawMessage
	for _, t := range x.settings.Registry.ResourceTypes() {
		if name == "" || strings.EqualFold(name, t.Name) {
			documents = append(documents, t.Document(base))
		}
	}
	return x.answerDocuments("resource type", name, documents)
}

// schemas is GET /Schemas and /Schemas/{urn} (RFC 7644 section 4). The schemas of the
// discovery documents are among them (RFC 7643 section 8.7.2): there are clients that
// refuse a server without.
func (x *exchange) schemas(urn string) error {
	base := x.settings.baseURL(x.r)
	var documents []json.RawMessage
	for _, schema := range append(x.settings.Registry.Schemas(), scim.DiscoverySchemas()...) {
		if urn == "" || strings.EqualFold(urn, schema.ID) {
			documents = append(documents, schema.Document(base))
		}
	}
	return x.answerDocuments("schema", urn, documents)
}

// answerDocuments sends the one document that was asked for by name, or all of
// them as a list.
func (x *exchange) answerDocuments(kind, name string, documents []json.RawMessage) error {
	if err := x.refuseFilter(); err != nil {
		return err
	}
	if name == "" {
		return x.answerList(scim.ListResponse{
			TotalResults: len(documents), StartIndex: 1, ItemsPerPage: len(documents), Resources: documents,
		})
	}
	if len(documents) == 0 {
		return scim.Errorf(http.StatusNotFound, "", "there is no %s %q; the list is one level up", kind, name)
	}
	x.answer(http.StatusOK, documents[0])
	return nil
}

// refuseFilter returns 403 for a filter on discovery (RFC 7644 section 4).
func (x *exchange) refuseFilter() error {
	if x.parameters.Has("filter") {
		return fmt.Errorf("filter on discovery: %w",
			scim.Errorf(http.StatusForbidden, "", "a filter cannot be used on this endpoint; leave it out"))
	}
	return nil
}
