package patch_test

import (
	"testing"

	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/patch"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// The examples of RFC 7644 section 3.5.2, with the resources that they are about.
func TestPatchExamplesOfTheRFC(t *testing.T) {
	const babs = `{"schemas":["` + schema.URNGroup + `"],"displayName":"G","members":[{"display":"Babs Jensen","value":"2819c223"},{"display":"James Smith","value":"08e1d05d"}]}`
	const work = `{"schemas":["` + schema.URNUser + `"],"userName":"bjensen",` +
		`"addresses":[{"type":"work","streetAddress":"100 Universal City Plaza"},{"type":"home","streetAddress":"456 Hollywood Blvd"}],` +
		`"emails":[{"value":"bjensen@example.com","type":"work"},{"value":"babs@example.com","type":"home"}]}`
	for name, c := range map[string]struct {
		kind    *schema.ResourceType
		current string
		op, out string
	}{
		"3.5.2.1 a member": {scimtest.GroupType, `{"schemas":["` + schema.URNGroup + `"],"displayName":"G"}`,
			`{"op":"add","path":"members","value":[{"display":"Babs Jensen","$ref":"https://example.com/v2/Users/2819c223","value":"2819c223"}]}`,
			`"displayName":"G","members":[{"value":"2819c223"}]`},
		"3.5.2.1 without a path": {scimtest.UserType, scimtest.User(``),
			`{"op":"add","value":{"emails":[{"value":"babs@example.com","type":"home"}],"nickname":"Babs"}}`,
			`"nickName":"Babs","emails":[{"value":"babs@example.com","type":"home"}]`},
		"3.5.2.2 one member": {scimtest.GroupType, babs, `{"op":"remove","path":"members[value eq \"2819c223\"]"}`,
			`"displayName":"G","members":[{"value":"08e1d05d","display":"James Smith"}]`},
		"3.5.2.2 all members": {scimtest.GroupType, babs, `{"op":"remove","path":"members"}`, `"displayName":"G"`},
		"3.5.2.2 a complex filter": {scimtest.UserType, work, `{"op":"remove","path":"emails[type eq \"work\" and value ew \"example.com\"]"}`,
			`"emails":[{"value":"babs@example.com","type":"home"}],"addresses":[{"streetAddress":"100 Universal City Plaza","type":"work"},{"streetAddress":"456 Hollywood Blvd","type":"home"}]`},
		"3.5.2.2 remove one and add one": {scimtest.GroupType, babs,
			`{"op":"remove","path":"members[value eq \"2819c223\"]"},{"op":"add","path":"members","value":[{"display":"James Smith","$ref":"https://example.com/v2/Users/08e1d05d","value":"new"}]}`,
			`"displayName":"G","members":[{"value":"08e1d05d","display":"James Smith"},{"value":"new"}]`},
		"3.5.2.3 all members": {scimtest.GroupType, babs, `{"op":"replace","path":"members","value":[{"display":"Babs Jensen","$ref":"https://example.com/v2/Users/2819c223","value":"2819c223"},{"display":"James Smith","value":"3"}]}`,
			`"displayName":"G","members":[{"value":"2819c223","display":"Babs Jensen"},{"value":"3"}]`},
		"3.5.2.3 the work address": {scimtest.UserType, work, `{"op":"replace","path":"addresses[type eq \"work\"]","value":{"type":"work","streetAddress":"911 Universal City Plaza","locality":"Hollywood","region":"CA","postalCode":"91608","country":"US","formatted":"911 Universal City Plaza\nHollywood, CA 91608 US","primary":true}}`,
			`"emails":[{"value":"bjensen@example.com","type":"work"},{"value":"babs@example.com","type":"home"}],"addresses":[{"formatted":"911 Universal City Plaza\nHollywood, CA 91608 US","streetAddress":"911 Universal City Plaza","locality":"Hollywood","region":"CA","postalCode":"91608","country":"US","type":"work","primary":true},{"streetAddress":"456 Hollywood Blvd","type":"home"}]`},
		"3.5.2.3 one sub-attribute": {scimtest.UserType, work, `{"op":"replace","path":"addresses[type eq \"work\"].streetAddress","value":"1010 Broadway Ave"}`,
			`"emails":[{"value":"bjensen@example.com","type":"work"},{"value":"babs@example.com","type":"home"}],"addresses":[{"streetAddress":"1010 Broadway Ave","type":"work"},{"streetAddress":"456 Hollywood Blvd","type":"home"}]`},
		"3.5.2.3 without a path": {scimtest.UserType, scimtest.User(`"emails":[{"value":"x"}],"nickName":"x"`),
			`{"op":"replace","value":{"emails":[{"value":"bjensen@example.com","type":"work","primary":true},{"value":"babs@example.com","type":"home"}],"nickname":"Babs"}}`,
			`"nickName":"Babs","emails":[{"value":"bjensen@example.com","type":"work","primary":true},{"value":"babs@example.com","type":"home"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := scimtest.Patched(t, c.kind, c.current, scimtest.Strict, c.op)
			if err != nil || got != c.out {
				t.Errorf("%v\ngot  %s\nwant %s", err, got, c.out)
			}
		})
	}
	// Figure 7 and the paths listed below it.
	for _, path := range []string{`members`, `name.familyName`, `addresses[type eq \"work\"]`,
		`members[value eq \"2819c223-7f76-453a-919d-413861904646\"]`, `members[value eq \"2819c223\"].type`} {
		kind := scimtest.UserType
		if path[0] == 'm' {
			kind = scimtest.GroupType
		}
		if _, err := patch.Parse(kind, scimtest.PatchOp(`{"op":"remove","path":"`+path+`"}`), scimtest.Strict); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}
