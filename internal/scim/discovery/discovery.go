// Package discovery has the documents that tell clients what a server has and can do (RFC
// 7643 sections 5 to 7).
package discovery

import (
	"encoding/json"
	"net/url"
	"strings"

	"github.com/kubescim/kubescim/internal/scim/internal/appendjson"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// ServiceProviderConfig is what a server can do (RFC 7643 section 5). It must tell
// the truth: authentik, for one, sends only what it allows.
type ServiceProviderConfig struct {
	DocumentationURI      string
	Patch                 bool
	Bulk                  BulkConfig
	Filter                FilterConfig
	ChangePassword        bool
	Sort                  bool
	ETag                  bool
	AuthenticationSchemes []AuthenticationScheme
	// Pagination is RFC 9865's; nil leaves it out.
	Pagination *PaginationConfig
	// Roles is what draft-ietf-scim-roles-entitlements adds; nil leaves it out.
	Roles *RolesConfig
	// SecurityEvents is RFC 9967's; nil while nobody gets events.
	SecurityEvents *SecurityEventsConfig
}

// BulkConfig says whether there is /Bulk, and its limits.
type BulkConfig struct {
	Supported      bool `json:"supported"`
	MaxOperations  int  `json:"maxOperations"`
	MaxPayloadSize int  `json:"maxPayloadSize"`
}

// FilterConfig says whether queries may have a filter, and how many results there
// are at most.
type FilterConfig struct {
	Supported  bool `json:"supported"`
	MaxResults int  `json:"maxResults"`
}

// AuthenticationScheme is a way to authenticate, of type "oauthbearertoken" for
// example.
type AuthenticationScheme struct {
	Type             string `json:"type"`
	Name             string `json:"name"`
	Description      string `json:"description"`
	SpecURI          string `json:"specUri,omitempty"`
	DocumentationURI string `json:"documentationUri,omitempty"`
	Primary          bool   `json:"primary,omitempty"`
}

// PaginationConfig says which kinds of pages there are (RFC 9865 section 4).
// CursorTimeout is in seconds.
type PaginationConfig struct {
	Cursor                  bool   `json:"cursor"`
	Index                   bool   `json:"index"`
	DefaultPaginationMethod string `json:"defaultPaginationMethod,omitempty"`
	DefaultPageSize         int    `json:"defaultPageSize,omitempty"`
	MaxPageSize             int    `json:"maxPageSize,omitempty"`
	CursorTimeout           int    `json:"cursorTimeout,omitempty"`
}

// RolesConfig says whether there are /Roles and /Entitlements. Users may have several of each, with
// type and primary, as RFC 7643 has it.
type RolesConfig struct {
	Roles, Entitlements bool
}

// rolesDocument is a RolesConfig as clients get it.
type rolesDocument struct {
	Roles struct {
		Supported bool `json:"supported"`
		Multiple  bool `json:"multipleRolesSupported"`
		Primary   bool `json:"primarySupported"`
		Type      bool `json:"typeSupported"`
	} `json:"roles"`
	Entitlements struct {
		Supported bool `json:"supported"`
		Multiple  bool `json:"multipleEntitlementsSupported"`
		Primary   bool `json:"primarySupported"`
		Type      bool `json:"typeSupported"`
	} `json:"entitlements"`
}

func (c *RolesConfig) document() *rolesDocument {
	if c == nil {
		return nil
	}
	d := &rolesDocument{}
	d.Roles.Supported, d.Roles.Multiple, d.Roles.Primary, d.Roles.Type = c.Roles, true, true, true
	d.Entitlements.Supported, d.Entitlements.Multiple, d.Entitlements.Primary, d.Entitlements.Type = c.Entitlements, true, true, true
	return d
}

// SecurityEventsConfig says which events are sent (RFC 9967 section 4).
type SecurityEventsConfig struct {
	// AsyncRequest is "none", unless requests may be answered by an event.
	AsyncRequest string   `json:"asyncRequest"`
	EventURIs    []string `json:"eventUris"`
}

type supported struct {
	Supported bool `json:"supported"`
}

// documentMeta is the `meta` of a discovery document.
type documentMeta struct {
	ResourceType string `json:"resourceType"`
	Location     string `json:"location,omitempty"`
}

func newDocumentMeta(resourceType, baseURL, path string) documentMeta {
	m := documentMeta{ResourceType: resourceType}
	if baseURL != "" {
		m.Location = strings.TrimRight(baseURL, "/") + path
	}
	return m
}

// MarshalJSON is the document without its location.
func (c ServiceProviderConfig) MarshalJSON() ([]byte, error) { return c.Document(""), nil }

// Document is what /ServiceProviderConfig answers.
func (c ServiceProviderConfig) Document(baseURL string) json.RawMessage {
	schemes := c.AuthenticationSchemes
	if schemes == nil {
		schemes = []AuthenticationScheme{}
	}
	return appendjson.Marshal(struct {
		Schemas               []string               `json:"schemas"`
		DocumentationURI      string                 `json:"documentationUri,omitempty"`
		Patch                 supported              `json:"patch"`
		Bulk                  BulkConfig             `json:"bulk"`
		Filter                FilterConfig           `json:"filter"`
		ChangePassword        supported              `json:"changePassword"`
		Sort                  supported              `json:"sort"`
		ETag                  supported              `json:"etag"`
		Pagination            *PaginationConfig      `json:"pagination,omitempty"`
		Roles                 *rolesDocument         `json:"RolesAndEntitlements,omitempty"`
		SecurityEvents        *SecurityEventsConfig  `json:"securityEvents,omitempty"`
		AuthenticationSchemes []AuthenticationScheme `json:"authenticationSchemes"`
		Meta                  documentMeta           `json:"meta"`
	}{
		Schemas:               []string{URNServiceProviderConfig},
		DocumentationURI:      c.DocumentationURI,
		Patch:                 supported{c.Patch},
		Bulk:                  c.Bulk,
		Filter:                c.Filter,
		ChangePassword:        supported{c.ChangePassword},
		Sort:                  supported{c.Sort},
		ETag:                  supported{c.ETag},
		Pagination:            c.Pagination,
		Roles:                 c.Roles.document(),
		SecurityEvents:        c.SecurityEvents,
		AuthenticationSchemes: schemes,
		Meta:                  newDocumentMeta("ServiceProviderConfig", baseURL, "/ServiceProviderConfig"),
	})
}

// ResourceType is what /ResourceTypes/{name} answers (RFC 7643 section 6).
func ResourceType(t *schema.ResourceType, baseURL string) json.RawMessage {
	type extension struct {
		Schema   string `json:"schema"`
		Required bool   `json:"required"`
	}
	extensions := make([]extension, 0, len(t.Extensions))
	for _, e := range t.Extensions {
		extensions = append(extensions, extension{e.Schema.ID, e.Required})
	}
	return appendjson.Marshal(struct {
		Schemas          []string     `json:"schemas"`
		ID               string       `json:"id"`
		Name             string       `json:"name"`
		Description      string       `json:"description,omitempty"`
		Endpoint         string       `json:"endpoint"`
		Schema           string       `json:"schema"`
		SchemaExtensions []extension  `json:"schemaExtensions"`
		Meta             documentMeta `json:"meta"`
	}{
		Schemas: []string{URNResourceType}, ID: t.Name, Name: t.Name, Description: t.Description,
		Endpoint: t.Endpoint, Schema: t.Schema.ID, SchemaExtensions: extensions,
		Meta: newDocumentMeta("ResourceType", baseURL, "/ResourceTypes/"+url.PathEscape(t.Name)),
	})
}

// Schema is what /Schemas/{urn} answers (RFC 7643 section 7).
func Schema(s *schema.Schema, baseURL string) json.RawMessage {
	return appendjson.Marshal(struct {
		Schemas     []string            `json:"schemas"`
		ID          string              `json:"id"`
		Name        string              `json:"name,omitempty"`
		Description string              `json:"description,omitempty"`
		Attributes  []*schema.Attribute `json:"attributes"`
		Meta        documentMeta        `json:"meta"`
	}{
		Schemas: []string{URNSchema}, ID: s.ID, Name: s.Name, Description: s.Description, Attributes: s.Attributes,
		Meta: newDocumentMeta("Schema", baseURL, "/Schemas/"+url.PathEscape(s.ID)),
	})
}
