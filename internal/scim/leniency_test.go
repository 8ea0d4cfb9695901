package scim

import (
	"reflect"
	"testing"
)

// Each leniency does what it says, and without it the request is refused. The
// requests are those that clients send.
func TestLeniencies(t *testing.T) {
	type request struct {
		kind    *ResourceType
		body    string // a document to decode, if ops is empty
		current string
		ops     string
		filter  string
		out     string
	}
	for name, c := range map[string]struct {
		l Leniency
		r request
	}{
		"OperationCase": {Leniency{OperationCase: true}, request{kind: userType, current: user(``),
			ops: `{"op":"Add","path":"nickName","value":"Babs"}`, out: `"nickName":"Babs"`}},
		"BooleanStrings": {Leniency{BooleanStrings: true}, request{kind: userType, current: user(`"active":true`),
			ops: `{"op":"replace","path":"active","value":"False"}`, out: `"active":false`}},
		"BooleanStrings in a document": {Leniency{BooleanStrings: true}, request{kind: userType, body: user(`"active":"true"`), out: user(`"active":true`)}},
		"BooleanStrings in a filter":   {Leniency{BooleanStrings: true}, request{kind: userType, current: user(`"roles":[{"value":"x","primary":true}]`), filter: `roles[primary eq "True"]`}},
		"RemoveValues": {Leniency{RemoveValues: true}, request{kind: userType, current: user(twoEmails),
			ops: `{"op":"remove","path":"emails","value":[{"value":"H@example.com"}]}`, out: `"emails":[{"value":"w@example.com","type":"work","primary":true}]`}},
		"RemoveValues of simple elements": {Leniency{RemoveValues: true}, request{kind: userType, current: user(tst + `:{"tags":["a","b"]}`),
			ops: `{"op":"remove","path":"` + urnTest + `:tags","value":["a","c"]}`, out: tst + `:{"tags":["b"]}`}},
		"RemoveValues of a sub-attribute": {Leniency{RemoveValues: true}, request{kind: userType, current: user(twoEmails),
			ops: `{"op":"remove","path":"emails.type","value":["home"]}`, out: `"emails":[{"value":"w@example.com","type":"work","primary":true},{"value":"h@example.com"}]`}},
		"CreateMissing, replace": {Leniency{CreateMissing: true}, request{kind: userType, current: user(twoEmails + `,"phoneNumbers":[{"value":"1","type":"work"}]`),
			ops: `{"op":"replace","path":"phoneNumbers[type eq \"mobile\"].value","value":"2"}`,
			out: twoEmails + `,"phoneNumbers":[{"value":"1","type":"work"},{"value":"2","type":"mobile"}]`}},
		"CreateMissing, add": {Leniency{CreateMissing: true}, request{kind: userType, current: user(``),
			ops: `{"op":"add","path":"addresses[type eq \"work\"].formatted","value":"x"}`, out: `"addresses":[{"formatted":"x","type":"work"}]`}},
		"CreateMissing, primary": {Leniency{CreateMissing: true, BooleanStrings: true}, request{kind: userType, current: user(`"roles":[{"value":"a","primary":false}]`),
			ops: `{"op":"add","path":"roles[primary eq \"True\"].display","value":"Admin"}`, out: `"roles":[{"value":"a","primary":false},{"display":"Admin","primary":true}]`}},
		"CreateMissing, element": {Leniency{CreateMissing: true}, request{kind: userType, current: user(``),
			ops: `{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"x"}}`, out: `"emails":[{"value":"x","type":"work"}]`}},
		"CreateMissing, two terms": {Leniency{CreateMissing: true}, request{kind: userType, current: user(twoEmails),
			ops: `{"op":"add","path":"emails[type eq \"other\" and primary eq true].value","value":"x"}`,
			out: `"emails":[{"value":"w@example.com","type":"work","primary":false},{"value":"h@example.com","type":"home"},{"value":"x","type":"other","primary":true}]`}},
		"CreateMissing, nothing to unassign": {Leniency{CreateMissing: true}, request{kind: userType, current: user(``),
			ops: `{"op":"replace","path":"emails[type eq \"work\"].value","value":null}`, out: `=`}},
		"CreateMissing, a required sub-attribute": {Leniency{CreateMissing: true}, request{kind: userType, current: user(``),
			ops: `{"op":"add","path":"` + urnTest + `:sites[name eq \"HQ\"].desk","value":"4"}`, out: tst + `:{"sites":[{"name":"HQ","desk":"4"}]}`}},
		"CreateMissing, without a filter": {Leniency{CreateMissing: true}, request{kind: userType, current: user(``),
			ops: `{"op":"replace","path":"emails.value","value":"x"}`, out: `"emails":[{"value":"x"}]`}},
		"CreateMissing, single complex": {Leniency{CreateMissing: true}, request{kind: userType, current: user(``),
			ops: `{"op":"replace","path":"` + URNEnterpriseUser + `:manager[value eq \"m\"].$ref","value":"r"}`, out: ent + `:{"manager":{"value":"m","$ref":"r"}}`}},
		"ScalarForComplex": {Leniency{ScalarForComplex: true}, request{kind: userType, current: user(``),
			ops: `{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"271"}`, out: ent + `:{"manager":{"value":"271"}}`}},
		"ScalarForComplex, cleared": {Leniency{ScalarForComplex: true}, request{kind: userType, current: user(ent + `:{"manager":{"value":"271"}}`),
			ops: `{"op":"replace","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":""}`, out: ``}},
		"ScalarForComplex in a document": {Leniency{ScalarForComplex: true}, request{kind: userType, body: user(`"emails":["x"]`), out: user(`"emails":[{"value":"x"}]`)}},
		"ArrayForSingle": {Leniency{ArrayForSingle: true}, request{kind: userType, current: user(``),
			ops: `{"op":"add","path":"manager","value":[{"$ref":"r","value":"m"}]}`, out: ent + `:{"manager":{"value":"m","$ref":"r"}}`}},
		"ArrayForSingle, empty": {Leniency{ArrayForSingle: true}, request{kind: userType, body: user(`"title":[],"nickName":["x"]`), out: user(`"nickName":"x"`)}},
		"SingleForArray":        {Leniency{SingleForArray: true}, request{kind: userType, body: user(`"emails":{"value":"x"}`), out: user(`"emails":[{"value":"x"}]`)}},
		"EmptyElements":         {Leniency{EmptyElements: true}, request{kind: userType, body: user(`"emails":[{"value":"x"},{"type":null,"value":null}],"phoneNumbers":[{"value":null}],"addresses":[{}],"roles":[null]`), out: user(`"emails":[{"value":"x"}]`)}},
		"EmptyElements in a PATCH": {Leniency{EmptyElements: true}, request{kind: userType, current: user(twoEmails),
			ops: `{"op":"replace","path":"emails","value":[{"value":null},{"value":"x"}]}`, out: `"emails":[{"value":"x"}]`}},
		"IgnoreReadOnly": {Leniency{IgnoreReadOnly: true}, request{kind: groupType, current: `{"schemas":["` + URNGroup + `"],"displayName":"Test"}`,
			ops: `{"op":"replace","value":{"id":"abf4dd94-a4c0-4f67-89c9-76b03340cb9b","displayName":"Test SCIMv2"}}`, out: `"displayName":"Test SCIMv2"`}},
		"IgnoreUnknown": {Leniency{IgnoreUnknown: true}, request{kind: groupType,
			body: `{"schemas":["` + URNGroup + `","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"externalId":"8aa1a0c0","displayName":"displayName","meta":{"resourceType":"Group"},"nope":{"a":[1]}}`,
			out:  `{"schemas":["` + URNGroup + `"],"externalId":"8aa1a0c0","displayName":"displayName"}`}},
		"IgnoreUnknown in a path": {Leniency{IgnoreUnknown: true}, request{kind: userType, current: user(`"title":"x"`),
			ops: `{"op":"add","path":"urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User:tag","value":"x"},{"op":"replace","path":"nope[type eq \"x\"].y","value":7},{"op":"remove","path":"name.nope"},{"op":"remove","path":"title"}`, out: ``}},
		"IgnoreUnknown in a PATCH": {Leniency{IgnoreUnknown: true}, request{kind: userType, current: user(``),
			ops: `{"op":"add","name":"x","value":{"nope":1,"name":{"nope":1,"givenName":"B"},` + tst + `:{"nope":1,"badge":1}}}`, out: `"name":{"givenName":"B"},` + tst + `:{"badge":1}`}},
		"UndeclaredExtensions": {Leniency{UndeclaredExtensions: true}, request{kind: userType, body: user(ent + `:{"department":"D"}`),
			out: `{"schemas":["` + URNUser + `",` + ent + `],"userName":"bjensen",` + ent + `:{"department":"D"}}`}},
		"MissingSchemas":           {Leniency{MissingSchemas: true}, request{kind: userType, body: `{"userName":"bjensen"}`, out: user(``)}},
		"UnquotedLiterals":         {Leniency{UnquotedLiterals: true}, request{kind: userType, current: user(`"externalId":"jyoung"`), filter: `externalId eq jyoung`}},
		"UnquotedLiterals, number": {Leniency{UnquotedLiterals: true}, request{kind: userType, current: user(`"externalId":"123"`), filter: `(externalId eq 123)`}},
		"UnquotedLiterals, and":    {Leniency{UnquotedLiterals: true}, request{kind: userType, current: user(`"title":"a@example.com"`), filter: `title eq a@example.com and username Eq BJENSEN`}},
	} {
		t.Run(name, func(t *testing.T) {
			run := func(l Leniency) (string, error) {
				switch {
				case c.r.ops != "":
					return patched(t, c.r.kind, c.r.current, l, c.r.ops)
				case c.r.filter != "":
					f, err := ParseFilter(c.r.kind, c.r.filter, l)
					if err != nil {
						return "", err
					}
					r, err := Decode(c.r.kind, []byte(c.r.current), Leniency{UndeclaredExtensions: true})
					if err != nil {
						t.Fatal(err)
					}
					r.SetID("1")
					if !f.Match(r) {
						t.Error("no match")
					}
					return "", nil
				}
				r, err := Decode(c.r.kind, []byte(c.r.body), l)
				if err != nil {
					return "", err
				}
				s := text(t, r)
				return s[:len(s)-len(`,"meta":{"resourceType":""}}`)-len(c.r.kind.Name)] + "}", nil
			}
			got, err := run(c.l)
			if err != nil || got != c.r.out {
				t.Errorf("with it: %v\ngot  %s\nwant %s", err, got, c.r.out)
			}
			if got, err := run(strict); err == nil {
				t.Errorf("without it: accepted as %s", got)
			}
			if got, err := run(lenient); err != nil || got != c.r.out {
				t.Errorf("with all: %v\ngot  %s\nwant %s", err, got, c.r.out)
			}
		})
	}
	if l := reflect.ValueOf(lenient); l.NumField() != 13 {
		t.Error("a leniency without a test?")
	}
}

// An element that a path asks for has values of the types of its attributes.
func TestCreatedElementsFitTheirSchema(t *testing.T) {
	kind := mustRegistry(&Schema{ID: urnTest, Attributes: []*Attribute{{Name: "desks", Type: TypeComplex, MultiValued: true, SubAttributes: []*Attribute{
		{Name: "floor", Type: TypeInteger}, {Name: "width", Type: TypeDecimal}, {Name: "since", Type: TypeDateTime}, {Name: "tags", MultiValued: true}, {Name: "label"}}}}}).User()
	for filter, want := range map[string]string{
		`floor eq 3`:                        `"floor":3`,
		`floor eq 1.5`:                      ``,
		`width eq 2`:                        `"width":2`,
		`width eq 1.5`:                      `"width":1.5`,
		`since eq \"2020-01-01T00:00:00Z\"`: `"since":"2020-01-01T00:00:00Z"`,
		`tags eq \"a\"`:                     `"tags":["a"]`,
	} {
		got, err := patched(t, kind, user(``), Leniency{CreateMissing: true}, `{"op":"add","path":"`+urnTest+`:desks[`+filter+`].label","value":"x"}`)
		if want == "" {
			if err == nil {
				t.Errorf("%s: %s", filter, got)
			}
		} else if err != nil || got != tst+`:{"desks":[{`+want+`,"label":"x"}]}` {
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
		"no element of a simple kind":  `{"op":"replace","path":"` + urnTest + `:tags[value eq \"x\"]","value":"y"}`,
		"no element with a NUL":        `{"op":"add","path":"emails[type eq \"\\u0000\"].value","value":"x"}`,
		"no certificate of a word":     `{"op":"add","path":"x509Certificates[value eq \"a b\"].display","value":"x"}`,
		"word for a boolean":           `{"op":"replace","path":"active","value":"yes"}`,
		"malformed path":               `{"op":"replace","path":"/nope","value":"yes"}`,
		"object for a string":          `{"op":"replace","path":"title","value":{"value":"x"}}`,
		"remove without a path":        `{"op":"remove","value":{"title":"x"}}`,
	} {
		if got, err := patched(t, userType, user(``), lenient, ops); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
	for _, filter := range []string{`title eq a b`, `nope eq "x"`, `active eq maybe`, `title eq "a`, `title eq`} {
		if _, err := ParseFilter(userType, filter, lenient); err == nil {
			t.Errorf("%s: accepted", filter)
		}
	}
}
