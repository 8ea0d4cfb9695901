package message_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/bulk"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/message"
	"github.com/kubescim/kubescim/internal/scim/patch"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

func TestListResponse(t *testing.T) {
	for wanted, l := range map[string]message.ListResponse{
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":0,"startIndex":1,"itemsPerPage":0,"Resources":[]}`: {StartIndex: 1},
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":7,"startIndex":3,"itemsPerPage":2,"Resources":[{"id":"a"},{"id":"b"}]}`: {TotalResults: 7, StartIndex: 3, ItemsPerPage: 2,
			Resources: []json.RawMessage{[]byte(`{"id":"a"}`), []byte(`{"id":"b"}`)}},
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":7,"itemsPerPage":0,"nextCursor":"n","previousCursor":"p","Resources":[]}`: {TotalResults: 7, NextCursor: "n", PreviousCursor: "p"},
	} {
		if got := scimtest.Marshalled(t, l); got != wanted {
			t.Error(got)
		}
	}
}

// A provider that sends no schemas sends none in any message, and one that leaves brackets
// out leaves them out there, too.
func TestMessagesWithoutSchemas(t *testing.T) {
	for _, c := range []struct {
		schemas string
		l       scim.Leniency
	}{{``, scim.Leniency{MissingSchemas: true}}, {`"schemas":"%s",`, scim.Leniency{SingleForArray: true}}} {
		for urn, parse := range map[string]func(doc []byte, l scim.Leniency) error{
			bulk.URNRequest:       func(doc []byte, l scim.Leniency) error { _, err := bulk.Parse(doc, 10, l); return err },
			scim.URNSearchRequest: func(doc []byte, l scim.Leniency) error { _, err := message.ParseSearch(doc, l); return err },
			scim.URNPatchOp:       func(doc []byte, l scim.Leniency) error { _, err := patch.Parse(scimtest.UserType, doc, l); return err },
			schema.URNUser: func(doc []byte, l scim.Leniency) error {
				_, err := document.Decode(scimtest.UserType, doc, l)
				return err
			},
		} {
			doc := []byte(`{` + strings.Replace(c.schemas, "%s", urn, 1) + map[string]string{schema.URNUser: `"userName":"x"`, scim.URNSearchRequest: `"count":1`,
				scim.URNPatchOp: `"Operations":[{"op":"remove","path":"title"}]`, bulk.URNRequest: `"Operations":[{"method":"DELETE","path":"/Users/1"}]`}[urn] + `}`)
			if err := parse(doc, c.l); err != nil {
				t.Errorf("%s: %v", doc, err)
			}
			scimtest.Want(t, parse(doc, scimtest.Strict), 400, scim.InvalidSyntax)
		}
	}
}

func TestSearchRequest(t *testing.T) {
	s, err := message.ParseSearch([]byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],"attributes":["displayName","userName"],"excludedAttributes":[],
		"FILTER":"displayName sw \"smith\"","sortBy":"userName","sortOrder":"descending","startIndex":1,"count":0,"cursor":"","unknown":{},"sortby2":null}`), scimtest.Strict)
	one, zero, empty, filter := 1, 0, "", `displayName sw "smith"`
	if wanted := (&message.SearchRequest{Attributes: []string{"displayName", "userName"}, ExcludedAttributes: []string{}, Filter: &filter,
		SortBy: "userName", SortOrder: "descending", StartIndex: &one, Count: &zero, Cursor: &empty}); err != nil || !reflect.DeepEqual(s, wanted) {
		t.Errorf("%+v %v", s, err)
	}
	if s, err := message.ParseSearch([]byte(`{"schemas":["`+scim.URNSearchRequest+`"],"filter":null}`), scimtest.Strict); err != nil || s.Filter != nil || s.Count != nil {
		t.Error(s, err)
	}
	for _, doc := range []string{``, `[]`, `{}`, `{"schemas":["` + scim.URNPatchOp + `"]}`, `{"schemas":["` + scim.URNSearchRequest + `"],"filter":7}`,
		`{"schemas":["` + scim.URNSearchRequest + `"],"attributes":"userName"}`, `{"schemas":["` + scim.URNSearchRequest + `"],"attributes":[1]}`,
		`{"schemas":["` + scim.URNSearchRequest + `"],"count":"1"}`, `{"schemas":["` + scim.URNSearchRequest + `"],"startIndex":1.5}`} {
		_, err := message.ParseSearch([]byte(doc), scimtest.Strict)
		if err == nil {
			t.Errorf("%s: accepted", doc)
			continue
		}
		scimtest.Want(t, err, 400, scim.InvalidSyntax)
	}
}
