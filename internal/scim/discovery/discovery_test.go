package discovery_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim/discovery"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

func TestServiceProviderConfig(t *testing.T) {
	c := discovery.ServiceProviderConfig{Patch: true, Filter: discovery.FilterConfig{true, 200}, Sort: true, ETag: true,
		AuthenticationSchemes: []discovery.AuthenticationScheme{{Type: "oauthbearertoken", Name: "Bearer", Description: "A token", Primary: true}},
		Pagination:            &discovery.PaginationConfig{Index: true, DefaultPaginationMethod: "index", MaxPageSize: 200}}
	if got, wanted := string(c.Document("https://example.com/v2/")), `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],"patch":{"supported":true},`+
		`"bulk":{"supported":false,"maxOperations":0,"maxPayloadSize":0},"filter":{"supported":true,"maxResults":200},"changePassword":{"supported":false},"sort":{"supported":true},"etag":{"supported":true},`+
		`"pagination":{"cursor":false,"index":true,"defaultPaginationMethod":"index","maxPageSize":200},`+
		`"authenticationSchemes":[{"type":"oauthbearertoken","name":"Bearer","description":"A token","primary":true}],"meta":{"resourceType":"ServiceProviderConfig","location":"https://example.com/v2/ServiceProviderConfig"}}`; got != wanted {
		t.Error(got)
	}
	if got := scimtest.Marshalled(t, discovery.ServiceProviderConfig{}); !strings.Contains(got, `"authenticationSchemes":[]`) || strings.Contains(got, "location") || strings.Contains(got, "pagination") {
		t.Error(got)
	}
}

func TestSecurityEvents(t *testing.T) {
	c := discovery.ServiceProviderConfig{SecurityEvents: &discovery.SecurityEventsConfig{AsyncRequest: "none", EventURIs: []string{"urn:a"}}}
	if got := scimtest.Marshalled(t, c); !strings.Contains(got, `"securityEvents":{"asyncRequest":"none","eventUris":["urn:a"]}`) {
		t.Error(got)
	}
	if got := scimtest.Marshalled(t, discovery.ServiceProviderConfig{}); strings.Contains(got, "securityEvents") {
		t.Error(got)
	}
}

func TestResourceTypeDocument(t *testing.T) {
	if got, wanted := string(discovery.ResourceType(scimtest.MustRegistry().User(), "https://example.com/v2")), `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],"id":"User","name":"User","description":"User Account","endpoint":"/Users",`+
		`"schema":"urn:ietf:params:scim:schemas:core:2.0:User","schemaExtensions":[{"schema":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","required":false}],`+
		`"meta":{"resourceType":"ResourceType","location":"https://example.com/v2/ResourceTypes/User"}}`; got != wanted {
		t.Error(got)
	}
	if got := string(discovery.ResourceType(scimtest.GroupType, "")); !strings.Contains(got, `"schemaExtensions":[]`) {
		t.Error(got)
	}
}

// A schema document can be read back as an extension, and says all that RFC 7643
// section 7 wants.
func TestSchemaDocument(t *testing.T) {
	s, _ := scimtest.Registry.Schema(scimtest.URNTest)
	var doc struct {
		schema.Schema
		Schemas []string
		Meta    struct{ ResourceType, Location string }
	}
	if err := json.Unmarshal(discovery.Schema(s, "https://example.com/v2"), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Meta.Location != "https://example.com/v2/Schemas/"+scimtest.URNTest || doc.Meta.ResourceType != "Schema" || doc.Schemas[0] != discovery.URNSchema {
		t.Error(doc.Meta, doc.Schemas)
	}
	g, err := schema.NewRegistry(&doc.Schema)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := g.Schema(scimtest.URNTest); string(discovery.Schema(again, "x")) != string(discovery.Schema(s, "x")) {
		t.Error("the document differs after a round trip")
	}
	if got := scimtest.Marshalled(t, s.Attributes[0]); got != `{"name":"badge","type":"integer","multiValued":false,"required":false,"caseExact":false,"mutability":"readWrite","returned":"default","uniqueness":"none"}` {
		t.Error(got)
	}
}
