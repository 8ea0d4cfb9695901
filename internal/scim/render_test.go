package scim

import (
	"encoding/json"
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"
)

const base = "https://scim.example.com/acme/v2/"

func render(t testing.TB, r *Resource, attributes, excluded string) map[string]any {
	t.Helper()
	p, err := ParseProjection(r.Type(), attributes, excluded)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Render(r.Type(), r, p, base)
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
	return strings.ReplaceAll(strings.ReplaceAll(s, URNEnterpriseUser, "ENT"), urnTest, "TST")
}

func TestRender(t *testing.T) {
	r := stored(t, userType, richUser)
	m := render(t, r, "", "")
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
	ext := m[urnTest].(map[string]any)
	if got := keys(ext); got != sorted("badge height hired key tags scores serial clearance device sites") {
		t.Error(got)
	}
	if !reflect.DeepEqual(m["schemas"], []any{URNUser, URNEnterpriseUser, urnTest}) {
		t.Error(m["schemas"])
	}
	g := render(t, stored(t, groupType, groupDoc), "", "")
	if members := g["members"].([]any); members[0].(map[string]any)["$ref"] != "https://scim.example.com/acme/v2/Users/a" ||
		members[2].(map[string]any)["$ref"] != "https://scim.example.com/acme/v2/Groups/c" {
		t.Error(members)
	}
	if _, err := Render(groupType, r, nil, base); err == nil {
		t.Error("a user rendered as a group")
	}
	if _, err := Render(groupType, nil, nil, base); err == nil {
		t.Error("nothing rendered")
	}
}

func sorted(s string) string {
	names := strings.Fields(strings.ReplaceAll(strings.ReplaceAll(s, "ENT", URNEnterpriseUser), "TST", urnTest))
	sort.Strings(names)
	return strings.ReplaceAll(strings.ReplaceAll(strings.Join(names, " "), URNEnterpriseUser, "ENT"), urnTest, "TST")
}

func TestProjection(t *testing.T) {
	r := stored(t, userType, richUser)
	for name, c := range map[string]struct{ attributes, excluded, keys, schemas string }{
		"one":                      {"userName", "", "id schemas userName TST", "TST"},
		"any case, spaces":         {" USERNAME , Title,", "", "id schemas userName title TST", "TST"},
		"unknown":                  {"nope,emails[", "", "id schemas TST", "TST"},
		"sub-attribute":            {"name.givenName,emails.VALUE", "", "id schemas name emails TST", "TST"},
		"core URN":                 {URNUser + ":title", "", "id schemas title TST", "TST"},
		"whole core":               {URNUser, "", "id schemas active addresses displayName emails groups name nickName phoneNumbers profileUrl title userName x509Certificates TST", "TST"},
		"extension":                {URNEnterpriseUser, "", "id schemas ENT TST", "ENT TST"},
		"extension's attribute":    {URNEnterpriseUser + ":manager.displayName", "", "id schemas ENT TST", "ENT TST"},
		"unqualified":              {"department", "", "id schemas ENT TST", "ENT TST"},
		"on request":               {urnTest + ":notes", "", "id schemas TST", "TST"},
		"never":                    {"password," + urnTest + ":secret", "", "id schemas TST", "TST"},
		"meta":                     {"meta.version", "", "id schemas meta TST", "TST"},
		"exclude":                  {"", "emails,NAME,groups,x509certificates,addresses,phoneNumbers,profileUrl,externalId", "active displayName id meta nickName schemas title userName TST ENT", "ENT TST"},
		"exclude always":           {"", "id,schemas," + urnTest, "active addresses displayName emails externalId groups id meta name nickName phoneNumbers profileUrl schemas title TST ENT userName x509Certificates", "ENT TST"},
		"exclude all in an object": {"", "name.formatted,name.familyName,name.givenName," + URNEnterpriseUser, "active addresses displayName emails externalId groups id meta nickName phoneNumbers profileUrl schemas title TST userName x509Certificates", "TST"},
		"exclude unknown":          {"", "nope", "active addresses displayName emails externalId groups id meta name nickName phoneNumbers profileUrl schemas title TST ENT userName x509Certificates", "ENT TST"},
		"exclude a sub-attribute":  {"", "emails.value,meta.location", "active addresses displayName emails externalId groups id meta name nickName phoneNumbers profileUrl schemas title TST ENT userName x509Certificates", "ENT TST"},
	} {
		t.Run(name, func(t *testing.T) {
			m := render(t, r, c.attributes, c.excluded)
			if got := keys(m); got != sorted(c.keys) {
				t.Errorf("got  %s\nwant %s", got, sorted(c.keys))
			}
			var urns []string
			for _, u := range m["schemas"].([]any)[1:] {
				urns = append(urns, u.(string))
			}
			if got := strings.ReplaceAll(strings.ReplaceAll(strings.Join(urns, " "), URNEnterpriseUser, "ENT"), urnTest, "TST"); got != c.schemas {
				t.Errorf("schemas: %s", got)
			}
		})
	}
	if m := render(t, r, "emails.value,name.givenName", ""); !reflect.DeepEqual(m["name"], map[string]any{"givenName": "Barbara"}) ||
		!reflect.DeepEqual(m["emails"], []any{map[string]any{"value": "bjensen@example.com"}, map[string]any{"value": "babs@example.com"}}) {
		t.Error(m)
	}
	if m := render(t, r, urnTest+":notes,"+urnTest+":badge", ""); !reflect.DeepEqual(m[urnTest], map[string]any{"notes": "n", "badge": 17.0, "serial": "S1"}) {
		t.Error(m[urnTest])
	}
	if m := render(t, r, "", "emails.value"); !reflect.DeepEqual(m["emails"], []any{map[string]any{"type": "work", "primary": true}, map[string]any{"type": "home"}}) {
		t.Error(m["emails"])
	}
	// An element of which nothing is left is not there.
	if m := render(t, r, "emails.primary", ""); !reflect.DeepEqual(m["emails"], []any{map[string]any{"primary": true}}) {
		t.Error(m["emails"])
	}
	_, err := ParseProjection(userType, "userName", "emails")
	want(t, err, 400, InvalidValue)
	if p, err := ParseProjection(userType, " , ", ""); p != nil || err != nil {
		t.Error(p, err)
	}
}

func TestWants(t *testing.T) {
	for _, c := range []struct {
		kind                       *ResourceType
		attributes, excluded, path string
		want                       bool
	}{
		{groupType, "", "", "members", true}, {groupType, "", "MEMBERS", "members", false}, {groupType, "displayName", "", "members", false},
		{groupType, "members.value", "", "members", true}, {groupType, "members.value", "", "members.display", false}, {groupType, "members", "", "members.display", true},
		{groupType, "", "members.display", "members", true}, {groupType, "", "members.display", "members.display", false},
		{groupType, "displayName", "", "id", true}, {groupType, "nope", "", "members", false}, {groupType, "nope", "", "nope", false},
		{userType, "userName", "", "groups", false}, {userType, URNUser, "", "groups", true}, {userType, "", URNUser, "groups", false},
		{userType, "userName", "", URNEnterpriseUser, false}, {userType, "department", "", URNEnterpriseUser, true}, {userType, "", URNEnterpriseUser, URNEnterpriseUser, false},
		{userType, "password", "", "password", false}, {userType, "", "title", urnTest + ":notes", false}, {userType, urnTest + ":notes", "", urnTest + ":notes", true},
	} {
		p, err := ParseProjection(c.kind, c.attributes, c.excluded)
		if err != nil || p.Wants(c.path) != c.want {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestSort(t *testing.T) {
	make := func(docs ...string) []*Resource {
		var rs []*Resource
		for i, d := range docs {
			r, err := Decode(userType, []byte(user(d)), Leniency{UndeclaredExtensions: true})
			if err != nil {
				t.Fatal(err)
			}
			r.SetID(string(rune('a' + i)))
			r.SetMeta(Meta{LastModified: time.Unix(int64(100-i), 0)})
			rs = append(rs, r)
		}
		return rs
	}
	for name, c := range map[string]struct {
		docs      []string
		by, order string
		want      string
	}{
		"case folds":                  {[]string{`"title":"b"`, `"title":"A"`, `"title":"É"`, `"title":"C"`}, "title", "", "badc"},
		"descending":                  {[]string{`"title":"b"`, `"title":"A"`, `"title":"C"`}, "TITLE", "Descending", "cab"},
		"unassigned last":             {[]string{``, `"title":"b"`, ``, `"title":"a"`}, "title", "ascending", "dbac"},
		"unassigned first":            {[]string{``, `"title":"a"`, ``, `"title":"b"`}, "title", "descending", "acdb"},
		"stable":                      {[]string{`"title":"x"`, `"title":"X"`, `"title":"x"`}, "title", "descending", "abc"},
		"sub-attribute":               {[]string{`"name":{"givenName":"b"}`, `"name":{"givenName":"a"}`, `"name":{"familyName":"0"}`}, "name.givenName", "", "bac"},
		"multi-valued by primary":     {[]string{`"emails":[{"value":"a"},{"value":"z","primary":true}]`, `"emails":[{"value":"m"},{"value":"a"}]`}, "emails", "", "ba"},
		"multi-valued, sub-attribute": {[]string{`"emails":[{"value":"a","type":"z"}]`, `"emails":[{"value":"b","type":"a"}]`}, "emails.type", "", "ba"},
		"dates are instants":          {[]string{tst + `:{"hired":"2020-01-01T00:00:00-05:00"}`, tst + `:{"hired":"2020-01-01T04:00:00Z"}`}, urnTest + ":hired", "", "ba"},
		"integers":                    {[]string{tst + `:{"badge":10}`, tst + `:{"badge":9}`, tst + `:{"badge":-1}`}, "badge", "", "cba"},
		"decimals":                    {[]string{tst + `:{"height":1.5}`, tst + `:{"height":1.25}`}, urnTest + ":height", "", "ba"},
		"booleans":                    {[]string{`"active":true`, `"active":false`, ``}, "active", "", "bac"},
		"case exact":                  {[]string{tst + `:{"tags":["a"]}`, tst + `:{"tags":["B"]}`}, urnTest + ":tags", "", "ba"},
		"meta":                        {[]string{``, ``, ``}, "meta.lastModified", "", "cba"},
		"id":                          {[]string{``, ``, ``}, "id", "descending", "cba"},
		"no order":                    {[]string{`"title":"b"`, `"title":"a"`}, "", "descending", "ab"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ParseSort(userType, c.by, c.order)
			if err != nil {
				t.Fatal(err)
			}
			rs := make(c.docs...)
			s.Sort(rs)
			got := ""
			for _, r := range rs {
				got += r.ID()
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	for _, by := range []string{"nope", "name", "addresses", URNEnterpriseUser, "emails[type eq \"x\"]", "meta.location", "groups.$ref", "name.nope", "meta"} {
		_, err := ParseSort(userType, by, "")
		if err == nil {
			t.Errorf("%s: accepted", by)
			continue
		}
		want(t, err, 400, InvalidValue)
	}
	_, err := ParseSort(userType, "title", "up")
	want(t, err, 400, InvalidValue)
	_, err = ParseSort(userType, "password", "")
	want(t, err, 403, Sensitive)
}
