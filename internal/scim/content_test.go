package scim

import "testing"

func TestHas(t *testing.T) {
	rich := decoded(t, user(twoEmails+`,"title":"T","name":{"givenName":"B"},"active":false,"addresses":[{"type":"work"},{"type":"home","locality":"Oslo"}],`+ent+`:{"manager":{"value":"m"}},`+tst+`:{"scores":[0],"tags":[" "]}`))
	for _, path := range []string{"userName", "title", "TITLE", "name", "name.givenName", "emails", "emails.type", "active", "addresses", "manager", URNEnterpriseUser + ":manager.value", urnTest + ":scores"} {
		if !rich.Has(path) {
			t.Error(path, "has content")
		}
	}
	for _, path := range []string{"name.familyName", "phoneNumbers", "nope", URNUser, URNEnterpriseUser, urnTest + ":tags", "department", "emails.display"} {
		if rich.Has(path) {
			t.Error(path, "has none")
		}
	}
	for member, path := range map[string]string{
		`"emails":[{"type":"work"}]`: "emails", `"emails":[{"value":""}]`: "emails", `"emails":[{"value":" ","type":"work"},{"primary":true}]`: "emails",
		`"title":" "`: "title", `"title":""`: "title", `"name":{"givenName":"\t"}`: "name.givenName", `"phoneNumbers":[{"display":"x"}]`: "phoneNumbers",
		`"addresses":[{"type":"work","primary":true}]`: "addresses", `"name":{"familyName":""}`: "name",
	} {
		if decoded(t, user(member)).Has(path) {
			t.Error(member, "has no content")
		}
	}
}
