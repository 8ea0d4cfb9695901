package scim_test

import (
	"slices"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

func TestChanged(t *testing.T) {
	const before = `"title":"T","name":{"givenName":"B","familyName":"J"},"emails":[{"value":"a@example.com","type":"work"},{"value":"b@example.com"}],"active":true`
	for name, tc := range map[string]struct {
		before, after string
		want          []string
	}{
		"nothing":                         {before, before, nil},
		"one attribute":                   {before, `"title":"U"` + before[len(`"title":"T"`):], []string{"title"}},
		"one that goes":                   {`"title":"T"`, ``, []string{"title"}},
		"one that comes":                  {``, `"externalId":"x"`, []string{"externalId"}},
		"one that is written otherwise":   {`"title":"T"`, `"title":"t"`, []string{"title"}},
		"one of a complex attribute":      {`"name":{"givenName":"B","familyName":"J"}`, `"name":{"givenName":"C","familyName":"J"}`, []string{"name.givenName"}},
		"a complex attribute that goes":   {`"name":{"givenName":"B","familyName":"J"}`, ``, []string{"name.familyName", "name.givenName"}},
		"one element of a list":           {`"emails":[{"value":"a@example.com"}]`, `"emails":[{"value":"c@example.com"}]`, []string{"emails"}},
		"the order of a list":             {`"emails":[{"value":"a@example.com"},{"value":"b@example.com"}]`, `"emails":[{"value":"b@example.com"},{"value":"a@example.com"}]`, nil},
		"an extension":                    {scimtest.EnterpriseKey + `:{"department":"Sales","division":"North"}`, scimtest.EnterpriseKey + `:{"department":"Support","division":"North"}`, []string{schema.URNEnterpriseUser + ":department"}},
		"a complex one of an extension":   {``, scimtest.EnterpriseKey + `:{"manager":{"value":"1"}}`, []string{schema.URNEnterpriseUser + ":manager.value"}},
		"an extension that a tenant made": {scimtest.TestKey + `:{"badge":1,"tags":["a"]}`, scimtest.TestKey + `:{"badge":2,"tags":["a","b"]}`, []string{scimtest.URNTest + ":badge", scimtest.URNTest + ":tags"}},
		"what is written and never kept":  {``, `"password":"correct horse"`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			decoded := func(member string) *scim.Resource {
				resource := scimtest.Decoded(t, scimtest.User(member))
				delete(resource.Attributes(), "password") // No store has it.
				return resource
			}
			one, other := decoded(tc.before), decoded(tc.after)
			got := one.Changed(other)
			slices.Sort(got)
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
			if (len(got) == 0) != one.Equal(other) {
				t.Errorf("%v differ, and Equal says %v", got, one.Equal(other))
			}
		})
	}
}

func TestChangedMembers(t *testing.T) {
	group := func(ids ...string) *scim.Resource {
		resource := scim.NewResource(scimtest.GroupType, scim.Complex{"displayName": "Engineering"})
		members := scim.MakeMembers(len(ids))
		for _, id := range ids {
			members.Add(scim.Reference{Value: id})
		}
		resource.SetMembers(members)
		return resource
	}
	if got := group("1", "2").Changed(group("2", "3")); !slices.Equal(got, []string{"members"}) {
		t.Error(got)
	}
	if got := group("1", "2").Changed(group("2", "1")); got != nil {
		t.Error(got)
	}
}
