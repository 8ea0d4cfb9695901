package sorting_test

import (
	"testing"
	"time"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/scim/sorting"
)

func TestSort(t *testing.T) {
	decodeAll := func(docs ...string) []*scim.Resource {
		var rs []*scim.Resource
		for i, d := range docs {
			r, err := document.Decode(scimtest.UserType, []byte(scimtest.User(d)), scim.Leniency{UndeclaredExtensions: true})
			if err != nil {
				t.Fatal(err)
			}
			r.SetID(string(rune('a' + i)))
			r.SetMeta(scim.Meta{LastModified: time.Unix(int64(100-i), 0)})
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
		"dates are instants":          {[]string{scimtest.TestKey + `:{"hired":"2020-01-01T00:00:00-05:00"}`, scimtest.TestKey + `:{"hired":"2020-01-01T04:00:00Z"}`}, scimtest.URNTest + ":hired", "", "ba"},
		"integers":                    {[]string{scimtest.TestKey + `:{"badge":10}`, scimtest.TestKey + `:{"badge":9}`, scimtest.TestKey + `:{"badge":-1}`}, "badge", "", "cba"},
		"decimals":                    {[]string{scimtest.TestKey + `:{"height":1.5}`, scimtest.TestKey + `:{"height":1.25}`}, scimtest.URNTest + ":height", "", "ba"},
		"booleans":                    {[]string{`"active":true`, `"active":false`, ``}, "active", "", "bac"},
		"case exact":                  {[]string{scimtest.TestKey + `:{"tags":["a"]}`, scimtest.TestKey + `:{"tags":["B"]}`}, scimtest.URNTest + ":tags", "", "ba"},
		"meta":                        {[]string{``, ``, ``}, "meta.lastModified", "", "cba"},
		"id":                          {[]string{``, ``, ``}, "id", "descending", "cba"},
		"no order":                    {[]string{`"title":"b"`, `"title":"a"`}, "", "descending", "ab"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := sorting.Parse(scimtest.UserType, c.by, c.order)
			if err != nil {
				t.Fatal(err)
			}
			rs := decodeAll(c.docs...)
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
	for _, by := range []string{"nope", "name", "addresses", schema.URNEnterpriseUser, "emails[type eq \"x\"]", "meta.location", "groups.$ref", "name.nope", "meta"} {
		_, err := sorting.Parse(scimtest.UserType, by, "")
		if err == nil {
			t.Errorf("%s: accepted", by)
			continue
		}
		scimtest.Want(t, err, 400, scim.InvalidValue)
	}
	_, err := sorting.Parse(scimtest.UserType, "title", "up")
	scimtest.Want(t, err, 400, scim.InvalidValue)
	_, err = sorting.Parse(scimtest.UserType, "password", "")
	scimtest.Want(t, err, 403, scim.Sensitive)
}

func TestNames(t *testing.T) {
	for sortBy, wanted := range map[string]bool{"": false, "userName": false, "groups": true, "Groups.display": true} {
		s, err := sorting.Parse(scimtest.UserType, sortBy, "")
		if err != nil {
			t.Fatal(err)
		}
		if s.Names("groups") != wanted || s.Names("members") {
			t.Errorf("%s: Names = %v", sortBy, s.Names("groups"))
		}
	}
}
