package scim_test

import (
	"testing"
	"time"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

func TestHas(t *testing.T) {
	rich := scimtest.Decoded(t, scimtest.User(scimtest.TwoEmails+`,"title":"T","name":{"givenName":"B"},"active":false,"addresses":[{"type":"work"},{"type":"home","locality":"Oslo"}],`+scimtest.EnterpriseKey+`:{"manager":{"value":"m"}},`+scimtest.TestKey+`:{"scores":[0],"tags":[" "]}`))
	for _, path := range []string{"userName", "title", "TITLE", "name", "name.givenName", "emails", "emails.type", "active", "addresses", "manager", schema.URNEnterpriseUser + ":manager.value", scimtest.URNTest + ":scores"} {
		if !rich.Has(path) {
			t.Error(path, "has content")
		}
	}
	for _, path := range []string{"name.familyName", "phoneNumbers", "nope", schema.URNUser, schema.URNEnterpriseUser, scimtest.URNTest + ":tags", "department", "emails.display"} {
		if rich.Has(path) {
			t.Error(path, "has none")
		}
	}
	for member, path := range map[string]string{
		`"emails":[{"type":"work"}]`: "emails", `"emails":[{"value":""}]`: "emails", `"emails":[{"value":" ","type":"work"},{"primary":true}]`: "emails",
		`"title":" "`: "title", `"title":""`: "title", `"name":{"givenName":"\t"}`: "name.givenName", `"phoneNumbers":[{"display":"x"}]`: "phoneNumbers",
		`"addresses":[{"type":"work","primary":true}]`: "addresses", `"name":{"familyName":""}`: "name",
	} {
		if scimtest.Decoded(t, scimtest.User(member)).Has(path) {
			t.Error(member, "has no content")
		}
	}
}

func TestResource(t *testing.T) {
	r := scim.NewResource(scimtest.UserType, nil)
	if _, assigned := r.Active(); assigned || r.ID() != "" || r.UserName() != "" || r.Members().IDs() != nil {
		t.Error("an empty resource has something")
	}
	r.SetID("1")
	r.SetActive(false)
	r.SetMeta(scim.Meta{Created: time.Unix(0, 0), Version: `W/"1"`})
	if v, assigned := r.Active(); v || !assigned || r.ID() != "1" || r.Meta().Version != `W/"1"` || r.Type() != scimtest.UserType {
		t.Error(r)
	}
	r = scim.NewResource(scimtest.UserType, scim.Complex{"schemas": []any{"x"}, "meta": scim.Complex{"version": `W/"2"`, "created": "2010-01-23T04:56:22Z"}})
	if len(r.Attributes()) != 0 || r.Meta().Version != `W/"2"` || r.Meta().Created.IsZero() {
		t.Error(r.Attributes(), r.Meta())
	}
}

func TestClone(t *testing.T) {
	r := scimtest.Stored(t, scimtest.UserType, scimtest.RichUser)
	before := scimtest.Text(t, r)
	c := r.Clone()
	if scimtest.Text(t, c) != before || !c.Equal(r) || c.Meta() != r.Meta() {
		t.Error("not the same")
	}
	c.Attributes()["emails"].([]any)[0].(scim.Complex)["value"] = "x"
	c.Attributes()[schema.URNEnterpriseUser].(scim.Complex)["manager"].(scim.Complex)["value"] = "x"
	c.SetActive(false)
	if scimtest.Text(t, r) != before {
		t.Error("the original changed")
	}
}

func TestEqual(t *testing.T) {
	type change = func(scim.Complex)
	for name, c := range map[string]struct {
		change change
		equal  bool
	}{
		"nothing": {func(scim.Complex) {}, true},
		"id":      {func(c scim.Complex) { c["id"] = "x" }, true},
		"groups":  {func(c scim.Complex) { delete(c, "groups") }, true},
		"read-only sub": {func(c scim.Complex) {
			delete(c[schema.URNEnterpriseUser].(scim.Complex)["manager"].(scim.Complex), "displayName")
		}, true},
		"order":                {func(c scim.Complex) { l := c["emails"].([]any); l[0], l[1] = l[1], l[0] }, true},
		"empty is unassigned":  {func(c scim.Complex) { c["ims"] = []any{}; c["locale"] = nil; c["roles"] = nil }, true},
		"externalId":           {func(c scim.Complex) { c["externalId"] = "x" }, false},
		"case":                 {func(c scim.Complex) { c["userName"] = "BJENSEN@example.com" }, false},
		"one less":             {func(c scim.Complex) { c["emails"] = c["emails"].([]any)[:1] }, false},
		"one twice":            {func(c scim.Complex) { l := c["emails"].([]any); l[1] = l[0] }, false},
		"unassigned":           {func(c scim.Complex) { delete(c, "title") }, false},
		"sub unassigned":       {func(c scim.Complex) { delete(c["name"].(scim.Complex), "givenName") }, false},
		"complex unassigned":   {func(c scim.Complex) { delete(c, "name") }, false},
		"extension unassigned": {func(c scim.Complex) { delete(c, schema.URNEnterpriseUser) }, false},
		"another kind":         {func(c scim.Complex) { c["title"] = scim.Complex{"x": "y"}; c["name"] = "x"; c["emails"] = "x" }, false},
		"a list of others":     {func(c scim.Complex) { c["title"] = []any{"Tour Guide"} }, false},
	} {
		r := scimtest.Stored(t, scimtest.UserType, scimtest.RichUser)
		o := r.Clone()
		c.change(o.Attributes())
		if r.Equal(o) != c.equal || o.Equal(r) != c.equal {
			t.Errorf("%s: %v", name, !c.equal)
		}
	}
	r := scimtest.Stored(t, scimtest.UserType, scimtest.RichUser)
	if r.Equal(nil) || r.Equal(scimtest.Stored(t, scimtest.GroupType, scimtest.GroupDoc)) || !(*scim.Resource)(nil).Equal(nil) {
		t.Error("nil, or another type")
	}
}
