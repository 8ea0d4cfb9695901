package scim_test

import (
	"reflect"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Each leniency does what it says, and without it the request is refused. The
// requests are those that clients send.
func TestLeniencies(t *testing.T) {
	type request struct {
		kind    *schema.ResourceType
		body    string // a document to decode, if ops is empty
		current string
		ops     string
		filter  string
		out     string
	}
	for name, c := range map[string]struct {
		l scim.Leniency
		r request
	}{
		"OperationCase": {scim.Leniency{OperationCase: true}, request{kind: scimtest.UserType, current: scimtest.User(``),
			ops: `{"op":"Add","path":"nickName","value":"Babs"}`, out: `"nickName":"Babs"`}},
		"BooleanStrings": {scim.Leniency{BooleanStrings: true}, request{kind: scimtest.UserType, current: scimtest.User(`"active":true`),
			ops: `{"op":"replace","path":"active","value":"False"}`, out: `"active":false`}},
		"BooleanStrings in a document": {scim.Leniency{BooleanStrings: true}, request{kind: scimtest.UserType, body: scimtest.User(`"active":"true"`), out: scimtest.User(`"active":true`)}},
		"BooleanStrings in a filter":   {scim.Leniency{BooleanStrings: true}, request{kind: scimtest.UserType, current: scimtest.User(`"roles":[{"value":"x","primary":true}]`), filter: `roles[primary eq "True"]`}},
		"RemoveValues": {scim.Leniency{RemoveValues: true}, request{kind: scimtest.UserType, current: scimtest.User(scimtest.TwoEmails),
			ops: `{"op":"remove","path":"emails","value":[{"value":"H@example.com"}]}`, out: `"emails":[{"value":"w@example.com","type":"work","primary":true}]`}},
		"RemoveValues of simple elements": {scim.Leniency{RemoveValues: true}, request{kind: scimtest.UserType, current: scimtest.User(scimtest.TestKey + `:{"tags":["a","b"]}`),
			ops: `{"op":"remove","path":"` + scimtest.URNTest + `:tags","value":["a","c"]}`, out: scimtest.TestKey + `:{"tags":["b"]}`}},
		"RemoveValues of a sub-attribute": {scim.Leniency{RemoveValues: true}, request{kind: scimtest.UserType, current: scimtest.User(scimtest.TwoEmails),
			ops: `{"op":"remove","path":"emails.type","value":["home"]}`, out: `"emails":[{"value":"w@example.com","type":"work","primary":true},{"value":"h@example.com"}]`}},
		"CreateMissing, replace": {scim.Leniency{CreateMissing: true}, request{kind: scimtest.UserType, current: scimtest.User(scimtest.TwoEmails + `,"phoneNumbers":[{"value":"1","type":"work"}]`),
			ops: `{"op":"replace","path":"phoneNumbers[type eq \"mobile\"].value","value":"2"}`,
			out: scimtest.TwoEmails + `,"phoneNumbers":[{"value":"1","type":"work"},{"value":"2","type":"mobile"}]`}},
		"CreateMissing, add": {scim.Leniency{CreateMissing: true}, request{kind: scimtest.UserType, current: scimtest.User(``),
			ops: `{"op":"add","path":"addresses[type eq \"work\"].formatted","value":"x"}`, out: `"addresses":[{"formatted":"x","type":"work"}]`}},
		"CreateMissing, primary": {scim.Leniency{CreateMissing: true, BooleanStrings: true}, request{kind: scimtest.UserType, current: scimtest.User(`"roles":[{"value":"a","primary":false}]`),
			ops: `{"op":"add","path":"roles[primary eq \"True\"].display","value":"Admin"}`, out: `"roles":[{"value":"a","primary":false},{"display":"Admin","primary":true}]`}},
		"CreateMissing, element": {scim.Leniency{CreateMissing: true}, request{kind: scimtest.UserType, current: scimtest.User(``),
			ops: `{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"x"}}`, out: `"emails":[{"value":"x","type":"work"}]`}},
		"CreateMissing, two terms": {scim.Leniency{CreateMissing: true}, request{kind: scimtest.UserType, current: scimtest.User(scimtest.TwoEmails),
			ops: `{"op":"add","path":"emails[type eq \"other\" and primary eq true].value","value":"x"}`,
			out: `"emails":[{"value":"w@example.com","type":"work","primary":false},{"value":"h@example.com","type":"home"},{"value":"x","type":"other","primary":true}]`}},
		"CreateMissing, nothing to unassign": {scim.Leniency{CreateMissing: true}, request{kind: scimtest.UserType, current: scimtest.User(``),
			ops: `{"op":"replace","path":"emails[type eq \"work\"].value","value":null}`, out: `=`}},
		"CreateMissing, a required sub-attribute": {scim.Leniency{CreateMissing: true}, request{kind: scimtest.UserType, current: scimtest.User(``),
			ops: `{"op":"add","path":"` + scimtest.URNTest + `:sites[name eq \"HQ\"].desk","value":"4"}`, out: scimtest.TestKey + `:{"sites":[{"name":"HQ","desk":"4"}]}`}},
		"CreateMissing, without a filter": {scim.Leniency{CreateMissing: true}, request{kind: scimtest.UserType, current: scimtest.User(``),
			ops: `{"op":"replace","path":"emails.value","value":"x"}`, out: `"emails":[{"value":"x"}]`}},
		"CreateMissing, single complex": {scim.Leniency{CreateMissing: true}, request{kind: scimtest.UserType, current: scimtest.User(``),
			ops: `{"op":"replace","path":"` + schema.URNEnterpriseUser + `:manager[value eq \"m\"].$ref","value":"r"}`, out: scimtest.EnterpriseKey + `:{"manager":{"value":"m","$ref":"r"}}`}},
		"ScalarForComplex": {scim.Leniency{ScalarForComplex: true}, request{kind: scimtest.UserType, current: scimtest.User(``),
			ops: `{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"271"}`, out: scimtest.EnterpriseKey + `:{"manager":{"value":"271"}}`}},
		"ScalarForComplex, cleared": {scim.Leniency{ScalarForComplex: true}, request{kind: scimtest.UserType, current: scimtest.User(scimtest.EnterpriseKey + `:{"manager":{"value":"271"}}`),
			ops: `{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":""}`, out: ``}},
		"ScalarForComplex in a document": {scim.Leniency{ScalarForComplex: true}, request{kind: scimtest.UserType, body: scimtest.User(`"emails":["x"]`), out: scimtest.User(`"emails":[{"value":"x"}]`)}},
		"ArrayForSingle": {scim.Leniency{ArrayForSingle: true}, request{kind: scimtest.UserType, current: scimtest.User(``),
			ops: `{"op":"add","path":"manager","value":[{"$ref":"r","value":"m"}]}`, out: scimtest.EnterpriseKey + `:{"manager":{"value":"m","$ref":"r"}}`}},
		"ArrayForSingle, empty": {scim.Leniency{ArrayForSingle: true}, request{kind: scimtest.UserType, body: scimtest.User(`"title":[],"nickName":["x"]`), out: scimtest.User(`"nickName":"x"`)}},
		"SingleForArray":        {scim.Leniency{SingleForArray: true}, request{kind: scimtest.UserType, body: scimtest.User(`"emails":{"value":"x"}`), out: scimtest.User(`"emails":[{"value":"x"}]`)}},
		"EmptyElements":         {scim.Leniency{EmptyElements: true}, request{kind: scimtest.UserType, body: scimtest.User(`"emails":[{"value":"x"},{"type":null,"value":null}],"phoneNumbers":[{"value":null}],"addresses":[{}],"roles":[null]`), out: scimtest.User(`"emails":[{"value":"x"}]`)}},
		"EmptyElements in a PATCH": {scim.Leniency{EmptyElements: true}, request{kind: scimtest.UserType, current: scimtest.User(scimtest.TwoEmails),
			ops: `{"op":"replace","path":"emails","value":[{"value":null},{"value":"x"}]}`, out: `"emails":[{"value":"x"}]`}},
		"IgnoreReadOnly": {scim.Leniency{IgnoreReadOnly: true}, request{kind: scimtest.GroupType, current: `{"schemas":["` + schema.URNGroup + `"],"displayName":"Test"}`,
			ops: `{"op":"replace","value":{"id":"abf4dd94-a4c0-4f67-89c9-76b03340cb9b","displayName":"Test SCIMv2"}}`, out: `"displayName":"Test SCIMv2"`}},
		"IgnoreUnknown": {scim.Leniency{IgnoreUnknown: true}, request{kind: scimtest.GroupType,
			body: `{"schemas":["` + schema.URNGroup + `","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"externalId":"8aa1a0c0","displayName":"displayName","meta":{"resourceType":"Group"},"nope":{"a":[1]}}`,
			out:  `{"schemas":["` + schema.URNGroup + `"],"externalId":"8aa1a0c0","displayName":"displayName"}`}},
		"IgnoreUnknown in a path": {scim.Leniency{IgnoreUnknown: true}, request{kind: scimtest.UserType, current: scimtest.User(`"title":"x"`),
			ops: `{"op":"add","path":"urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User:tag","value":"x"},{"op":"replace","path":"nope[type eq \"x\"].y","value":7},{"op":"remove","path":"name.nope"},{"op":"remove","path":"title"}`, out: ``}},
		"IgnoreUnknown in a PATCH": {scim.Leniency{IgnoreUnknown: true}, request{kind: scimtest.UserType, current: scimtest.User(``),
			ops: `{"op":"add","name":"x","value":{"nope":1,"name":{"nope":1,"givenName":"B"},` + scimtest.TestKey + `:{"nope":1,"badge":1}}}`, out: `"name":{"givenName":"B"},` + scimtest.TestKey + `:{"badge":1}`}},
		"UndeclaredExtensions": {scim.Leniency{UndeclaredExtensions: true}, request{kind: scimtest.UserType, body: scimtest.User(scimtest.EnterpriseKey + `:{"department":"D"}`),
			out: `{"schemas":["` + schema.URNUser + `",` + scimtest.EnterpriseKey + `],"userName":"bjensen",` + scimtest.EnterpriseKey + `:{"department":"D"}}`}},
		"MissingSchemas":           {scim.Leniency{MissingSchemas: true}, request{kind: scimtest.UserType, body: `{"userName":"bjensen"}`, out: scimtest.User(``)}},
		"UnquotedLiterals":         {scim.Leniency{UnquotedLiterals: true}, request{kind: scimtest.UserType, current: scimtest.User(`"externalId":"jyoung"`), filter: `externalId eq jyoung`}},
		"UnquotedLiterals, number": {scim.Leniency{UnquotedLiterals: true}, request{kind: scimtest.UserType, current: scimtest.User(`"externalId":"123"`), filter: `(externalId eq 123)`}},
		"UnquotedLiterals, and":    {scim.Leniency{UnquotedLiterals: true}, request{kind: scimtest.UserType, current: scimtest.User(`"title":"a@example.com"`), filter: `title eq a@example.com and username Eq BJENSEN`}},
	} {
		t.Run(name, func(t *testing.T) {
			run := func(l scim.Leniency) (string, error) {
				switch {
				case c.r.ops != "":
					return scimtest.Patched(t, c.r.kind, c.r.current, l, c.r.ops)
				case c.r.filter != "":
					f, err := filter.Parse(c.r.kind, c.r.filter, l)
					if err != nil {
						return "", err
					}
					r, err := document.Decode(c.r.kind, []byte(c.r.current), scim.Leniency{UndeclaredExtensions: true})
					if err != nil {
						t.Fatal(err)
					}
					r.SetID("1")
					if !f.Match(r) {
						t.Error("no match")
					}
					return "", nil
				}
				r, err := document.Decode(c.r.kind, []byte(c.r.body), l)
				if err != nil {
					return "", err
				}
				s := scimtest.Text(t, r)
				return s[:len(s)-len(`,"meta":{"resourceType":""}}`)-len(c.r.kind.Name)] + "}", nil
			}
			got, err := run(c.l)
			if err != nil || got != c.r.out {
				t.Errorf("with it: %v\ngot  %s\nwant %s", err, got, c.r.out)
			}
			if got, err := run(scimtest.Strict); err == nil {
				t.Errorf("without it: accepted as %s", got)
			}
			if got, err := run(scimtest.Lenient); err != nil || got != c.r.out {
				t.Errorf("with all: %v\ngot  %s\nwant %s", err, got, c.r.out)
			}
		})
	}
	if l := reflect.ValueOf(scimtest.Lenient); l.NumField() != 13 {
		t.Error("a leniency without a test?")
	}
}

// An element that a path asks for has values of the types of its attributes.
func TestCreatedElementsFitTheirSchema(t *testing.T) {
	kind := scimtest.MustRegistry(&schema.Schema{ID: scimtest.URNTest, Attributes: []*schema.Attribute{{Name: "desks", Type: schema.TypeComplex, MultiValued: true, SubAttributes: []*schema.Attribute{
		{Name: "floor", Type: schema.TypeInteger}, {Name: "width", Type: schema.TypeDecimal}, {Name: "since", Type: schema.TypeDateTime}, {Name: "tags", MultiValued: true}, {Name: "label"}}}}}).User()
	for filter, want := range map[string]string{
		`floor eq 3`:                        `"floor":3`,
		`floor eq 1.5`:                      ``,
		`width eq 2`:                        `"width":2`,
		`width eq 1.5`:                      `"width":1.5`,
		`since eq \"2020-01-01T00:00:00Z\"`: `"since":"2020-01-01T00:00:00Z"`,
		`tags eq \"a\"`:                     `"tags":["a"]`,
	} {
		got, err := scimtest.Patched(t, kind, scimtest.User(``), scim.Leniency{CreateMissing: true}, `{"op":"add","path":"`+scimtest.URNTest+`:desks[`+filter+`].label","value":"x"}`)
		if want == "" {
			if err == nil {
				t.Errorf("%s: %s", filter, got)
			}
		} else if err != nil || got != scimtest.TestKey+`:{"desks":[{`+want+`,"label":"x"}]}` {
			t.Errorf("%s: %v\n%s", filter, err, got)
		}
	}
}

// Leniency has limits.
func TestLenienciesRefuseToo(t *testing.T) {
	for name, ops := range map[string]string{
		"two elements for one":         `{"op":"add","path":"manager","value":[{"value":"a"},{"value":"b"}]}`,
		"no element for a disjunction": `{"op":"replace","path":"emails[type eq \"work\" or type eq \"home\"].value","value":"x"}`,
		"no element for a negation":    `{"op":"replace","path":"emails[not (type eq \"work\")].value","value":"x"}`,
		"no element for a prefix":      `{"op":"replace","path":"emails[type sw \"work\"].value","value":"x"}`,
		"no element of a simple kind":  `{"op":"replace","path":"` + scimtest.URNTest + `:tags[value eq \"x\"]","value":"y"}`,
		"no element with a NUL":        `{"op":"add","path":"emails[type eq \"\\u0000\"].value","value":"x"}`,
		"no certificate of a word":     `{"op":"add","path":"x509Certificates[value eq \"a b\"].display","value":"x"}`,
		"word for a boolean":           `{"op":"replace","path":"active","value":"yes"}`,
		"malformed path":               `{"op":"replace","path":"/nope","value":"yes"}`,
		"object for a string":          `{"op":"replace","path":"title","value":{"value":"x"}}`,
		"remove without a path":        `{"op":"remove","value":{"title":"x"}}`,
	} {
		if got, err := scimtest.Patched(t, scimtest.UserType, scimtest.User(``), scimtest.Lenient, ops); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
	for _, query := range []string{`title eq a b`, `nope eq "x"`, `active eq maybe`, `title eq "a`, `title eq`} {
		if _, err := filter.Parse(scimtest.UserType, query, scimtest.Lenient); err == nil {
			t.Errorf("%s: accepted", query)
		}
	}
}
