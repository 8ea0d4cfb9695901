package scim

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func marshalled(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestErrorBody(t *testing.T) {
	if got, wanted := marshalled(t, Errorf(409, Uniqueness, "%q is taken", "userName")),
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"scimType":"uniqueness","detail":"\"userName\" is taken","status":"409"}`; got != wanted {
		t.Error(got)
	}
	if got, wanted := marshalled(t, Errorf(404, "", "")), `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404"}`; got != wanted {
		t.Error(got)
	}
	if s := Errorf(404, "", "x").Error(); s != "404: x" {
		t.Error(s)
	}
	if s := Errorf(400, NoTarget, "x").Error(); s != "400 noTarget: x" {
		t.Error(s)
	}
}

func TestListResponse(t *testing.T) {
	for wanted, l := range map[string]ListResponse{
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"startIndex":1,"itemsPerPage":0,"Resources":[]}`: {StartIndex: 1},
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":7,"startIndex":3,"itemsPerPage":2,"Resources":[{"id":"a"},{"id":"b"}]}`: {TotalResults: 7, StartIndex: 3, ItemsPerPage: 2,
			Resources: []json.RawMessage{[]byte(`{"id":"a"}`), []byte(`{"id":"b"}`)}},
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":7,"itemsPerPage":0,"nextCursor":"n","previousCursor":"p","Resources":[]}`: {TotalResults: 7, NextCursor: "n", PreviousCursor: "p"},
	} {
		if got := marshalled(t, l); got != wanted {
			t.Error(got)
		}
	}
}

// A provider that sends no schemas sends none in any message, and one that leaves brackets
// out leaves them out there, too.
func TestMessagesWithoutSchemas(t *testing.T) {
	for _, c := range []struct {
		schemas string
		l       Leniency
	}{{``, Leniency{MissingSchemas: true}}, {`"schemas":"%s",`, Leniency{SingleForArray: true}}} {
		for urn, parse := range map[string]func(doc []byte, l Leniency) error{
			URNBulkRequest:   func(doc []byte, l Leniency) error { _, err := ParseBulk(doc, 10, l); return err },
			URNSearchRequest: func(doc []byte, l Leniency) error { _, err := ParseSearchRequest(doc, l); return err },
			URNPatchOp:       func(doc []byte, l Leniency) error { _, err := ParsePatch(userType, doc, l); return err },
			URNUser:          func(doc []byte, l Leniency) error { _, err := Decode(userType, doc, l); return err },
		} {
			doc := []byte(`{` + strings.Replace(c.schemas, "%s", urn, 1) + map[string]string{URNUser: `"userName":"x"`, URNSearchRequest: `"count":1`,
				URNPatchOp: `"Operations":[{"op":"remove","path":"title"}]`, URNBulkRequest: `"Operations":[{"method":"DELETE","path":"/Users/1"}]`}[urn] + `}`)
			if err := parse(doc, c.l); err != nil {
				t.Errorf("%s: %v", doc, err)
			}
			want(t, parse(doc, strict), 400, InvalidSyntax)
		}
	}
}

func TestSearchRequest(t *testing.T) {
	s, err := ParseSearchRequest([]byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"attributes":["displayName","userName"],"excludedAttributes":[],
		"FILTER":"displayName sw \"smith\"","sortBy":"userName","sortOrder":"descending","startIndex":1,"count":0,"cursor":"","unknown":{},"sortby2":null}`), strict)
	one, zero, empty, filter := 1, 0, "", `displayName sw "smith"`
	if wanted := (&SearchRequest{Attributes: []string{"displayName", "userName"}, ExcludedAttributes: []string{}, Filter: &filter,
		SortBy: "userName", SortOrder: "descending", StartIndex: &one, Count: &zero, Cursor: &empty}); err != nil || !reflect.DeepEqual(s, wanted) {
		t.Errorf("%+v %v", s, err)
	}
	if s, err := ParseSearchRequest([]byte(`{"schemas":["`+URNSearchRequest+`"],"filter":null}`), strict); err != nil || s.Filter != nil || s.Count != nil {
		t.Error(s, err)
	}
	for _, doc := range []string{``, `[]`, `{}`, `{"schemas":["` + URNPatchOp + `"]}`, `{"schemas":["` + URNSearchRequest + `"],"filter":7}`,
		`{"schemas":["` + URNSearchRequest + `"],"attributes":"userName"}`, `{"schemas":["` + URNSearchRequest + `"],"attributes":[1]}`,
		`{"schemas":["` + URNSearchRequest + `"],"count":"1"}`, `{"schemas":["` + URNSearchRequest + `"],"startIndex":1.5}`} {
		_, err := ParseSearchRequest([]byte(doc), strict)
		if err == nil {
			t.Errorf("%s: accepted", doc)
			continue
		}
		want(t, err, 400, InvalidSyntax)
	}
}

func TestServiceProviderConfig(t *testing.T) {
	c := ServiceProviderConfig{Patch: true, Filter: FilterConfig{true, 200}, Sort: true, ETag: true,
		AuthenticationSchemes: []AuthenticationScheme{{Type: "oauthbearertoken", Name: "Bearer", Description: "A token", Primary: true}},
		Pagination:            &PaginationConfig{Index: true, DefaultPaginationMethod: "index", MaxPageSize: 200}}
	if got, wanted := string(c.Document("https://example.com/v2/")), `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],"patch":{"supported":true},`+
		`"bulk":{"supported":false,"maxOperations":0,"maxPayloadSize":0},"filter":{"supported":true,"maxResults":200},"changePassword":{"supported":false},"sort":{"supported":true},"etag":{"supported":true},`+
		`"pagination":{"cursor":false,"index":true,"defaultPaginationMethod":"index","maxPageSize":200},`+
		`"authenticationSchemes":[{"type":"oauthbearertoken","name":"Bearer","description":"A token","primary":true}],"meta":{"resourceType":"ServiceProviderConfig","location":"https://example.com/v2/ServiceProviderConfig"}}`; got != wanted {
		t.Error(got)
	}
	if got := marshalled(t, ServiceProviderConfig{}); !strings.Contains(got, `"authenticationSchemes":[]`) || strings.Contains(got, "location") || strings.Contains(got, "pagination") {
		t.Error(got)
	}
}

func TestResourceTypeDocument(t *testing.T) {
	if got, wanted := string(ResourceTypeDocument(mustRegistry().User(), "https://example.com/v2")), `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],"id":"User","name":"User","description":"User Account","endpoint":"/Users",`+
		`"schema":"urn:ietf:params:scim:schemas:core:2.0:User","schemaExtensions":[{"schema":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","required":false}],`+
		`"meta":{"resourceType":"ResourceType","location":"https://example.com/v2/ResourceTypes/User"}}`; got != wanted {
		t.Error(got)
	}
	if got := string(ResourceTypeDocument(groupType, "")); !strings.Contains(got, `"schemaExtensions":[]`) {
		t.Error(got)
	}
}
