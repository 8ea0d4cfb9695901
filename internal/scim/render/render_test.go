package render_test

import (
	"encoding/json"
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

func rendered(t testing.TB, r *scim.Resource, attributes, excluded string) map[string]any {
	t.Helper()
	p, err := render.ParseProjection(r.Type(), attributes, excluded)
	if err != nil {
		t.Fatal(err)
	}
	b, err := render.Resource(r.Type(), r, p, scimtest.Base)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return m
}

func keys(m map[string]any) string {
	var names []string
	for k := range m {
		names = append(names, k)
	}
	sort.Strings(names)
	s := strings.Join(names, " ")
	return strings.ReplaceAll(strings.ReplaceAll(s, schema.URNEnterpriseUser, "ENT"), scimtest.URNTest, "TST")
}

func TestRender(t *testing.T) {
	r := scimtest.Stored(t, scimtest.UserType, scimtest.RichUser)
	m := rendered(t, r, "", "")
	if got, wanted := keys(m), "active addresses displayName emails externalId groups id meta name nickName phoneNumbers profileUrl schemas title TST ENT userName x509Certificates"; got != sorted(wanted) {
		t.Errorf("got %s", got)
	}
	meta := m["meta"].(map[string]any)
	if wanted := map[string]any{"resourceType": "User", "created": "2010-01-23T04:56:22Z", "lastModified": "2011-05-13T04:42:34.5Z", "version": `W/"3"`,
		"location": "https://scim.example.com/acme/v2/Users/2819c223-7f76-453a-919d-413861904646"}; !reflect.DeepEqual(meta, wanted) {
		t.Error(meta)
	}
	group := m["groups"].([]any)[0]
	if wanted := map[string]any{"value": "g1", "display": "Tour Guides", "type": "direct", "$ref": "https://scim.example.com/acme/v2/Groups/g1"}; !reflect.DeepEqual(group, wanted) {
		t.Error(group)
	}
	ext := m[scimtest.URNTest].(map[string]any)
	if got := keys(ext); got != sorted("badge height hired key tags scores serial clearance device sites") {
		t.Error(got)
	}
	if !reflect.DeepEqual(m["schemas"], []any{schema.URNUser, schema.URNEnterpriseUser, scimtest.URNTest}) {
		t.Error(m["schemas"])
	}
	g := rendered(t, scimtest.Stored(t, scimtest.GroupType, scimtest.GroupDoc), "", "")
	if members := g["members"].([]any); members[0].(map[string]any)["$ref"] != "https://scim.example.com/acme/v2/Users/a" ||
		members[2].(map[string]any)["$ref"] != "https://scim.example.com/acme/v2/Groups/c" {
		t.Error(members)
	}
	if _, err := render.Resource(scimtest.GroupType, r, nil, scimtest.Base); err == nil {
		t.Error("a user rendered as a group")
	}
	if _, err := render.Resource(scimtest.GroupType, nil, nil, scimtest.Base); err == nil {
		t.Error("nothing rendered")
	}
}

func sorted(s string) string {
	names := strings.Fields(strings.ReplaceAll(strings.ReplaceAll(s, "ENT", schema.URNEnterpriseUser), "TST", scimtest.URNTest))
	sort.Strings(names)
	return strings.ReplaceAll(strings.ReplaceAll(strings.Join(names, " "), schema.URNEnterpriseUser, "ENT"), scimtest.URNTest, "TST")
}

func TestProjection(t *testing.T) {
	r := scimtest.Stored(t, scimtest.UserType, scimtest.RichUser)
	for name, c := range map[string]struct{ attributes, excluded, keys, schemas string }{
		"one":                      {"userName", "", "id schemas userName TST", "TST"},
		"any case, spaces":         {" USERNAME , Title,", "", "id schemas userName title TST", "TST"},
		"unknown":                  {"nope,emails[", "", "id schemas TST", "TST"},
		"sub-attribute":            {"name.givenName,emails.VALUE", "", "id schemas name emails TST", "TST"},
		"core URN":                 {schema.URNUser + ":title", "", "id schemas title TST", "TST"},
		"whole core":               {schema.URNUser, "", "id schemas active addresses displayName emails groups name nickName phoneNumbers profileUrl title userName x509Certificates TST", "TST"},
		"extension":                {schema.URNEnterpriseUser, "", "id schemas ENT TST", "ENT TST"},
		"extension's attribute":    {schema.URNEnterpriseUser + ":manager.displayName", "", "id schemas ENT TST", "ENT TST"},
		"unqualified":              {"department", "", "id schemas ENT TST", "ENT TST"},
		"on request":               {scimtest.URNTest + ":notes", "", "id schemas TST", "TST"},
		"never":                    {"password," + scimtest.URNTest + ":secret", "", "id schemas TST", "TST"},
		"meta":                     {"meta.version", "", "id schemas meta TST", "TST"},
		"exclude":                  {"", "emails,NAME,groups,x509certificates,addresses,phoneNumbers,profileUrl,externalId", "active displayName id meta nickName schemas title userName TST ENT", "ENT TST"},
		"exclude always":           {"", "id,schemas," + scimtest.URNTest, "active addresses displayName emails externalId groups id meta name nickName phoneNumbers profileUrl schemas title TST ENT userName x509Certificates", "ENT TST"},
		"exclude all in an object": {"", "name.formatted,name.familyName,name.givenName," + schema.URNEnterpriseUser, "active addresses displayName emails externalId groups id meta nickName phoneNumbers profileUrl schemas title TST userName x509Certificates", "TST"},
		"exclude unknown":          {"", "nope", "active addresses displayName emails externalId groups id meta name nickName phoneNumbers profileUrl schemas title TST ENT userName x509Certificates", "ENT TST"},
		"exclude a sub-attribute":  {"", "emails.value,meta.location", "active addresses displayName emails externalId groups id meta name nickName phoneNumbers profileUrl schemas title TST ENT userName x509Certificates", "ENT TST"},
	} {
		t.Run(name, func(t *testing.T) {
			m := rendered(t, r, c.attributes, c.excluded)
			if got := keys(m); got != sorted(c.keys) {
				t.Errorf("got  %s\nwant %s", got, sorted(c.keys))
			}
			var urns []string
			for _, u := range m["schemas"].([]any)[1:] {
				urns = append(urns, u.(string))
			}
			if got := strings.ReplaceAll(strings.ReplaceAll(strings.Join(urns, " "), schema.URNEnterpriseUser, "ENT"), scimtest.URNTest, "TST"); got != c.schemas {
				t.Errorf("schemas: %s", got)
			}
		})
	}
	if m := rendered(t, r, "emails.value,name.givenName", ""); !reflect.DeepEqual(m["name"], map[string]any{"givenName": "Barbara"}) ||
		!reflect.DeepEqual(m["emails"], []any{map[string]any{"value": "bjensen@example.com"}, map[string]any{"value": "babs@example.com"}}) {
		t.Error(m)
	}
	if m := rendered(t, r, scimtest.URNTest+":notes,"+scimtest.URNTest+":badge", ""); !reflect.DeepEqual(m[scimtest.URNTest], map[string]any{"notes": "n", "badge": 17.0, "serial": "S1"}) {
		t.Error(m[scimtest.URNTest])
	}
	if m := rendered(t, r, "", "emails.value"); !reflect.DeepEqual(m["emails"], []any{map[string]any{"type": "work", "primary": true}, map[string]any{"type": "home"}}) {
		t.Error(m["emails"])
	}
	// An element of which nothing is left is not there.
	if m := rendered(t, r, "emails.primary", ""); !reflect.DeepEqual(m["emails"], []any{map[string]any{"primary": true}}) {
		t.Error(m["emails"])
	}
	_, err := render.ParseProjection(scimtest.UserType, "userName", "emails")
	scimtest.Want(t, err, 400, scim.InvalidValue)
	if p, err := render.ParseProjection(scimtest.UserType, " , ", ""); p != nil || err != nil {
		t.Error(p, err)
	}
}

// Whatever a client asks for, it gets no derived attribute by such a projection, and all else
// as by the one that was asked for.
func TestWithoutDerived(t *testing.T) {
	r := scimtest.Stored(t, scimtest.UserType, scimtest.RichUser)
	for _, names := range [][2]string{
		{"", ""}, {"groups", ""}, {"GROUPS.value", ""}, {"userName,groups", ""}, {schema.URNUser, ""}, {schema.URNUser + ":groups.display,title", ""},
		{"", "groups"}, {"", "groups.value"}, {"", "title"}, {"", schema.URNUser}, {"nothing", ""},
	} {
		asked, err := render.ParseProjection(scimtest.UserType, names[0], names[1])
		if err != nil {
			t.Fatal(err)
		}
		want := rendered(t, r, names[0], names[1])
		delete(want, "groups")
		hiding := asked.WithoutDerived(scimtest.UserType)
		body, err := render.Resource(scimtest.UserType, r, hiding, scimtest.Base)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(body, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got  %v, %v\nwant %v", names, got, err, want)
		}
		if hiding.Wants("groups") || hiding.Wants("groups.value") || hiding.Wants("title") != asked.Wants("title") {
			t.Errorf("%v: it wants groups, or not what was asked for", names)
		}
	}
}

func TestWants(t *testing.T) {
	for _, c := range []struct {
		kind                       *schema.ResourceType
		attributes, excluded, path string
		want                       bool
	}{
		{scimtest.GroupType, "", "", "members", true}, {scimtest.GroupType, "", "MEMBERS", "members", false}, {scimtest.GroupType, "displayName", "", "members", false},
		{scimtest.GroupType, "members.value", "", "members", true}, {scimtest.GroupType, "members.value", "", "members.display", false}, {scimtest.GroupType, "members", "", "members.display", true},
		{scimtest.GroupType, "", "members.display", "members", true}, {scimtest.GroupType, "", "members.display", "members.display", false},
		{scimtest.GroupType, "displayName", "", "id", true}, {scimtest.GroupType, "nope", "", "members", false}, {scimtest.GroupType, "nope", "", "nope", false},
		{scimtest.UserType, "userName", "", "groups", false}, {scimtest.UserType, schema.URNUser, "", "groups", true}, {scimtest.UserType, "", schema.URNUser, "groups", false},
		{scimtest.UserType, "userName", "", schema.URNEnterpriseUser, false}, {scimtest.UserType, "department", "", schema.URNEnterpriseUser, true}, {scimtest.UserType, "", schema.URNEnterpriseUser, schema.URNEnterpriseUser, false},
		{scimtest.UserType, "password", "", "password", false}, {scimtest.UserType, "", "title", scimtest.URNTest + ":notes", false}, {scimtest.UserType, scimtest.URNTest + ":notes", "", scimtest.URNTest + ":notes", true},
	} {
		p, err := render.ParseProjection(c.kind, c.attributes, c.excluded)
		if err != nil || p.Wants(c.path) != c.want {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
