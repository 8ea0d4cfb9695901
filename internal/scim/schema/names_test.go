package schema_test

import (
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/document"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/patch"
	"github.com/kubescim/kubescim/internal/scim/render"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/scim/sorting"
)

const (
	short       = "urn:ietf:params:scim:schemas:core:2.0"
	shortEnt    = "urn:ietf:params:scim:schemas:extension:enterprise:2.0"
	draft       = "urn:scim:schemas:core:2.0"
	scim1       = "urn:scim:schemas:core:1.0"
	draftEnt    = "urn:scim:schemas:extension:enterprise:2.0"
	scim1Ent    = "urn:scim:schemas:extension:enterprise:1.0"
	entraEnt    = "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"
	department  = `"department":"D"`
	titleIsD    = `"title":"D"`
	givenNameID = `"name":{"givenName":"D"}`
)

// understood are names with the value "D", and what comes of them.
var understood = map[string]string{
	"TITLE":                                  titleIsD,
	schema.URNUser + ":title":                titleIsD,
	schema.URNUser + ".title":                titleIsD,
	schema.URNUser + "/Title":                titleIsD,
	short + ":title":                         titleIsD,
	scim1 + ":title":                         titleIsD,
	draft + ":title":                         titleIsD,
	draft + ":User:title":                    titleIsD,
	"name.givenName":                         givenNameID,
	"name/givenName":                         givenNameID,
	schema.URNUser + ":name/GivenName":       givenNameID,
	scim1 + ".name.givenName":                givenNameID,
	schema.URNEnterpriseUser + ":department": scimtest.EnterpriseKey + `:{` + department + `}`,
	schema.URNEnterpriseUser + ".department": scimtest.EnterpriseKey + `:{` + department + `}`,
	schema.URNEnterpriseUser + "/department": scimtest.EnterpriseKey + `:{` + department + `}`,
	strings.ToUpper(schema.URNEnterpriseUser) + ".DEPARTMENT": scimtest.EnterpriseKey + `:{` + department + `}`,
	shortEnt + ":department":                                  scimtest.EnterpriseKey + `:{` + department + `}`,
	entraEnt + ":department":                                  scimtest.EnterpriseKey + `:{` + department + `}`,
	draftEnt + ":department":                                  scimtest.EnterpriseKey + `:{` + department + `}`,
	draftEnt + ":User:department":                             scimtest.EnterpriseKey + `:{` + department + `}`,
	scim1Ent + ":department":                                  scimtest.EnterpriseKey + `:{` + department + `}`,
	scim1Ent + ".department":                                  scimtest.EnterpriseKey + `:{` + department + `}`,
	"Department":                                              scimtest.EnterpriseKey + `:{` + department + `}`,
	schema.URNUser + ":department":                            scimtest.EnterpriseKey + `:{` + department + `}`,
	scim1 + ":department":                                     scimtest.EnterpriseKey + `:{` + department + `}`,
	schema.URNEnterpriseUser + ":title":                       titleIsD,
	schema.URNEnterpriseUser + ":name.givenName":              givenNameID,
	scimtest.URNTest + ":department":                          scimtest.EnterpriseKey + `:{` + department + `}`,
	schema.URNEnterpriseUser + ":notes":                       scimtest.TestKey + `:{"notes":"D"}`,
	"manager.value":                                           scimtest.EnterpriseKey + `:{"manager":{"value":"D"}}`,
	"manager/managerId":                                       scimtest.EnterpriseKey + `:{"manager":{"value":"D"}}`,
	schema.URNEnterpriseUser + ".manager.value":               scimtest.EnterpriseKey + `:{"manager":{"value":"D"}}`,
	"externalID":                                              `"externalId":"D"`,
	schema.URNEnterpriseUser + ":externalId":                  `"externalId":"D"`,
}

// A name with one meaning has it, in whatever request it stands and for every client.
func TestNamesAreUnderstood(t *testing.T) {
	for name, out := range understood {
		t.Run(name, func(t *testing.T) {
			for _, l := range []scim.Leniency{scimtest.Strict, scimtest.Lenient} {
				for _, op := range []string{`{"op":"add","path":"` + name + `","value":"D"}`, `{"op":"replace","path":"` + name + `","value":"D"}`,
					`{"op":"add","value":{"` + name + `":"D"}}`, `{"op":"replace","value":{"` + name + `":"D"}}`} {
					got, err := scimtest.Patched(t, scimtest.UserType, scimtest.User(``), l, op)
					got = strings.TrimSuffix(got, `,"userName":"bjensen"`)
					if err != nil || got != out {
						t.Errorf("%s: %v\ngot  %s\nwant %s", op, err, got, out)
					}
					got, err = scimtest.Patched(t, scimtest.UserType, scimtest.User(out), l, `{"op":"remove","path":"`+name+`"}`)
					if err != nil || got != "" {
						t.Errorf("remove: %v\n%s", err, got)
					}
				}
				filter, err := filter.Parse(scimtest.UserType, name+` eq "D"`, l)
				if err != nil {
					t.Fatal(err)
				}
				with, without := scimtest.Decoded(t, scimtest.User(out)), scimtest.Decoded(t, scimtest.User(``))
				if !filter.Match(with) || filter.Match(without) {
					t.Error("the filter finds another attribute")
				}
			}
			for _, doc := range []string{scimtest.User(`"` + name + `":"D"`), scimtest.User(scimtest.EnterpriseKey + `:{"` + name + `":"D"}`), scimtest.User(`"` + short + `":{"` + name + `":"D"}`)} {
				for _, got := range []*scim.Resource{scimtest.Decoded(t, doc), replaced(t, doc)} {
					if scimtest.Text(t, got) != scimtest.Text(t, scimtest.Decoded(t, scimtest.User(out))) {
						t.Errorf("%s\ngot  %s\nwant %s", doc, scimtest.Text(t, got), out)
					}
				}
			}
			p, err := render.ParseProjection(scimtest.UserType, name, "")
			if err != nil {
				t.Fatal(err)
			}
			b, err := render.Resource(scimtest.UserType, scimtest.Decoded(t, scimtest.User(out)), p, scimtest.Base)
			if err != nil || !strings.Contains(string(b), `"D"`) {
				t.Errorf("attributes: %v %s", err, b)
			}
			s, err := sorting.Parse(scimtest.UserType, name, "")
			if err != nil {
				t.Fatal(err)
			}
			rs := []*scim.Resource{scimtest.Decoded(t, scimtest.User(``)), scimtest.Decoded(t, scimtest.User(out))}
			if s.Sort(rs); scimtest.Text(t, rs[0]) != scimtest.Text(t, scimtest.Decoded(t, scimtest.User(out))) {
				t.Error("sortBy is of another attribute")
			}
		})
	}
}

func replaced(t *testing.T, doc string) *scim.Resource {
	t.Helper()
	r, err := document.Replace(scimtest.UserType, scimtest.Decoded(t, scimtest.User(``)), []byte(doc), scim.Leniency{UndeclaredExtensions: true})
	if err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	return r
}

// URNs stand for their schemas wherever a schema is named: in `schemas`, as the name of a
// member, and as a path.
func TestSchemasAreUnderstood(t *testing.T) {
	out := scimtest.Text(t, scimtest.Decoded(t, scimtest.User(scimtest.EnterpriseKey+`:{`+department+`}`)))
	for _, doc := range []string{
		`{"schemas":["` + draft + `","` + draftEnt + `"],"userName":"bjensen","` + draftEnt + `":{"department":"D"}}`,
		`{"schemas":["` + scim1 + `","` + scim1Ent + `"],"userName":"bjensen","` + scim1Ent + `":{"department":"D"}}`,
		`{"schemas":["` + short + `","` + shortEnt + `"],"userName":"bjensen","` + shortEnt + `":{"department":"D"}}`,
		`{"schemas":["` + schema.URNUser + `","` + entraEnt + `"],"userName":"bjensen","` + entraEnt + `":{"department":"D"}}`,
		`{"schemas":["` + schema.URNUser + `","` + schema.URNEnterpriseUser + `"],"` + schema.URNUser + `":{"userName":"bjensen","department":"D"}}`,
		`{"schemas":["` + schema.URNUser + `","` + schema.URNEnterpriseUser + `"],"userName":"bjensen",` + scimtest.EnterpriseKey + `:{"schemas":["` + schema.URNEnterpriseUser + `"],"department":"D"}}`,
	} {
		r, err := document.Decode(scimtest.UserType, []byte(doc), scimtest.Strict)
		if err != nil || scimtest.Text(t, r) != out {
			t.Errorf("%s: %v", doc, err)
		}
	}
	scimtest.RunPatchCases(t, scimtest.Strict, map[string]scimtest.PatchCase{
		"an extension by a draft's URN":      {``, `{"op":"add","path":"` + draftEnt + `","value":{"department":"D"}}`, scimtest.EnterpriseKey + `:{` + department + `}`},
		"removed by SCIM 1's URN":            {scimtest.EnterpriseKey + `:{` + department + `}`, `{"op":"remove","path":"` + scim1Ent + `"}`, ``},
		"the core schema as a key":           {``, `{"op":"add","value":{"` + schema.URNUser + `":{"title":"D"}}}`, titleIsD},
		"the core schema as a path":          {``, `{"op":"replace","path":"` + schema.URNUser + `","value":{"title":"D"}}`, titleIsD},
		"schemas in an extension's value":    {``, `{"op":"add","path":"` + schema.URNEnterpriseUser + `","value":{"schemas":["` + schema.URNEnterpriseUser + `"],"department":"D"}}`, scimtest.EnterpriseKey + `:{` + department + `}`},
		"a blank before the bracket, key":    {scimtest.TwoEmails, `{"op":"replace","value":{"Emails [type eq \"home\"].value":"D"}}`, `"emails":[{"value":"w@example.com","type":"work","primary":true},{"value":"D","type":"home"}]`},
		"a blank before the bracket, path":   {scimtest.TwoEmails, `{"op":"replace","path":"emails [type eq \"home\"]/value","value":"D"}`, `"emails":[{"value":"w@example.com","type":"work","primary":true},{"value":"D","type":"home"}]`},
		"managerId in a value":               {``, `{"op":"add","value":{"manager":{"managerId":"D"}}}`, scimtest.EnterpriseKey + `:{"manager":{"value":"D"}}`},
		"a filter as the key of a PATCH":     {scimtest.TwoEmails, `{"op":"add","value":{"emails[type eq \"home\"].display":"D"}}`, `"emails":[{"value":"w@example.com","type":"work","primary":true},{"value":"h@example.com","display":"D","type":"home"}]`},
		"two parts of one, by two spellings": {``, `{"op":"add","value":{"name.givenName":"D","name":{"familyName":"J"},"name/middleName":"M"}}`, `"name":{"familyName":"J","givenName":"D","middleName":"M"}`},
	})
	for _, doc := range []string{scimtest.User(`"emails":null,"emails[type eq \"work\"].value":"D"`), scimtest.User(`"emails [type eq \"work\"].value":"D"`)} {
		r, err := document.Decode(scimtest.UserType, []byte(doc), scim.Leniency{})
		if err != nil || scimtest.Text(t, r) != scimtest.Text(t, scimtest.Decoded(t, scimtest.User(`"emails":[{"value":"D","type":"work"}]`))) {
			t.Errorf("%s: %v", doc, err)
		}
	}
	filter, err := filter.Parse(scimtest.UserType, `emails [type eq "home"]/value eq "h@example.com"`, scimtest.Strict)
	if err != nil || !filter.Match(scimtest.Decoded(t, scimtest.User(scimtest.TwoEmails))) {
		t.Error(err)
	}
}

// What may mean two attributes, or means one of another resource type, is refused by
// everybody: to leave it out would lose the value.
func TestNamesThatAreRefused(t *testing.T) {
	other := scimtest.TestSchema()
	other.ID = "urn:example:params:scim:schemas:extension:other:2.0:User"
	twice := scimtest.MustRegistry(scimtest.TestSchema(), other).User()
	for _, c := range []struct {
		kind *schema.ResourceType
		name string
	}{
		{twice, "badge"}, {twice, "device.label"}, {twice, schema.URNUser + ":badge"}, {twice, schema.URNEnterpriseUser + ".badge"}, {twice, scim1 + ":badge"},
		{scimtest.GroupType, schema.URNUser + ":displayName"}, {scimtest.GroupType, schema.URNUser + ".title"}, {scimtest.GroupType, schema.URNEnterpriseUser + ":department"}, {scimtest.GroupType, draftEnt + ":department"},
		{scimtest.GroupType, draft + ":User:displayName"}, {scimtest.UserType, schema.URNGroup + ":displayName"}, {scimtest.UserType, schema.URNGroup + "/members"},
		{scimtest.UserType, schema.URNEnterpriseUser + ":"}, {scimtest.UserType, schema.URNEnterpriseUser + ":a b"}, {scimtest.UserType, schema.URNUser + "."},
	} {
		for _, l := range []scim.Leniency{scimtest.Strict, scimtest.Lenient} {
			for _, op := range []string{`{"op":"add","path":"` + c.name + `","value":"7"}`, `{"op":"remove","path":"` + c.name + `"}`} {
				_, err := patch.Parse(c.kind, scimtest.PatchOp(op), l)
				scimtest.Want(t, err, 400, scim.InvalidPath)
			}
			_, err := patch.Parse(c.kind, scimtest.PatchOp(`{"op":"replace","value":{"`+c.name+`":"7"}}`), l)
			scimtest.Want(t, err, 400, scim.InvalidSyntax)
			doc := `{"schemas":["` + c.kind.Schema.ID + `"],"userName":"b","displayName":"b","` + c.name + `":"7"}`
			if c.kind == scimtest.GroupType {
				doc = strings.Replace(doc, `"userName":"b",`, ``, 1)
			}
			_, err = document.Decode(c.kind, []byte(doc), l)
			scimtest.Want(t, err, 400, scim.InvalidSyntax)
			if !strings.ContainsAny(c.name, " ") {
				_, err = filter.Parse(c.kind, c.name+` eq "7"`, l)
				scimtest.Want(t, err, 400, scim.InvalidFilter)
				_, err = sorting.Parse(c.kind, c.name, "")
				scimtest.Want(t, err, 400, scim.InvalidValue)
			}
		}
	}
	for _, parameters := range [][2]string{{"badge", ""}, {"", "badge"}} {
		_, err := render.ParseProjection(twice, parameters[0], parameters[1])
		scimtest.Want(t, err, 400, scim.InvalidValue)
	}
	if p, err := render.ParseProjection(scimtest.GroupType, schema.URNUser+":userName", ""); err != nil || p == nil {
		t.Error("attributes of other types are for a search of all types:", err)
	}
	for _, key := range []string{schema.URNUser, schema.URNEnterpriseUser, draftEnt, schema.URNUser + ":emails[type eq \\\"work\\\"].value"} {
		for _, l := range []scim.Leniency{scimtest.Strict, scimtest.Lenient} {
			_, err := patch.Parse(scimtest.GroupType, scimtest.PatchOp(`{"op":"add","value":{"`+key+`":{"displayName":"x"}}}`), l)
			scimtest.Want(t, err, 400, scim.InvalidSyntax)
		}
	}
}

// What no schema has in any spelling is refused, or left out where that is wanted.
func TestUnknownNames(t *testing.T) {
	for _, name := range []string{"nope", "name.nope", "title.value", "name/nope", "urn:example:x:2.0:User:department", schema.URNUser + ":nope", schema.URNEnterpriseUser + ".nope", scim1 + ":nope.x"} {
		for _, op := range []string{`{"op":"add","path":"` + name + `","value":"7"}`, `{"op":"remove","path":"` + name + `"}`, `{"op":"add","value":{"` + name + `":"7"}}`} {
			if _, err := patch.Parse(scimtest.UserType, scimtest.PatchOp(op), scimtest.Strict); err == nil {
				t.Error("accepted", op)
			}
			if got, err := scimtest.Patched(t, scimtest.UserType, scimtest.User(``), scimtest.Lenient, op); err != nil || got != "=" {
				t.Error(op, got, err)
			}
		}
		_, err := document.Decode(scimtest.UserType, []byte(scimtest.User(`"`+name+`":"7"`)), scimtest.Strict)
		scimtest.Want(t, err, 400, scim.InvalidSyntax)
		if r, err := document.Decode(scimtest.UserType, []byte(scimtest.User(`"`+name+`":"7"`)), scimtest.Lenient); err != nil || scimtest.Text(t, r) != scimtest.Text(t, scimtest.Decoded(t, scimtest.User(``))) {
			t.Error(name, err)
		}
		for _, l := range []scim.Leniency{scimtest.Strict, scimtest.Lenient} {
			_, err = filter.Parse(scimtest.UserType, name+` pr`, l)
			scimtest.Want(t, err, 400, scim.InvalidFilter)
		}
	}
	for _, op := range []string{`{"op":"add","path":"emails[type eq \"fax\"].nope","value":"7"}`, `{"op":"remove","path":"emails[type eq \"work\"].nope"}`, `{"op":"replace","value":{"emails[type eq \"work\"].nope":"7"}}`} {
		if got, err := scimtest.Patched(t, scimtest.UserType, scimtest.User(scimtest.TwoEmails), scimtest.Lenient, op); err != nil || got != "=" {
			t.Error("a part of what a filter finds:", op, got, err)
		}
		_, err := scimtest.Patched(t, scimtest.UserType, scimtest.User(scimtest.TwoEmails), scimtest.Strict, op)
		scimtest.Want(t, err, 400, scim.InvalidPath)
	}
	for _, path := range []string{"/nope", "nope.", `emails[type eq \"work\"].`, `emails[type eq \"work\"].nope.nope`, "a b", schema.URNUser + "::title"} {
		_, err := patch.Parse(scimtest.UserType, scimtest.PatchOp(`{"op":"add","path":"`+path+`","value":"7"}`), scimtest.Lenient)
		scimtest.Want(t, err, 400, scim.InvalidPath)
	}
	// To leave out a part of a filter would change others.
	_, err := patch.Parse(scimtest.UserType, scimtest.PatchOp(`{"op":"add","path":"emails[nope eq \"work\"].value","value":"7"}`), scimtest.Lenient)
	scimtest.Want(t, err, 400, scim.InvalidFilter)
}

// Of two members that mean the same, one would be lost.
func TestOneMeaningGivenTwice(t *testing.T) {
	for _, members := range []string{
		`"title":"a","` + schema.URNUser + `:title":"b"`, `"department":"a",` + scimtest.EnterpriseKey + `:{"department":"b"}`, `"` + schema.URNUser + `:department":"a","department":"b"`,
		`"name":{"givenName":"a"},"name.givenName":"b"`, `"name/givenName":"a","name.givenName":"b"`, `"name":{"givenName":"a"},"` + schema.URNUser + `:name":{"givenName":"b"}`,
		`"emails":[{"value":"a","type":"work"}],"emails[type eq \"work\"].value":"b"`, `"emails[type eq \"work\"].value":"b","Emails [Type eq \"work\"].value":"c"`,
		`"title":"a","` + schema.URNUser + `":{"title":"b"}`, `"manager":{"value":"a","managerId":"b"}`, `"manager":{"value":"a"},"manager.value":"b"`,
	} {
		for _, l := range []scim.Leniency{scimtest.Strict, scimtest.Lenient} {
			if _, _, err := scimtest.Apply(scimtest.UserType, scimtest.Decoded(t, scimtest.User(scimtest.TwoEmails)), l, `{"op":"replace","value":{`+members+`}}`); err == nil {
				t.Error("patched", members)
			} else {
				scimtest.Want(t, err, 400, scim.InvalidSyntax)
			}
			l.CreateMissing, l.UndeclaredExtensions = true, true
			if r, err := document.Decode(scimtest.UserType, []byte(scimtest.User(members)), l); err == nil {
				t.Error("decoded", members, scimtest.Text(t, r))
			} else {
				scimtest.Want(t, err, 400, scim.InvalidSyntax)
			}
		}
	}
}

// A filter needs values or parts to choose among (RFC 7644 section 3.5.2, figure 7), and
// what is not kept for members finds none of them.
func TestBracketsThatMeanNothing(t *testing.T) {
	for _, op := range []string{`{"op":"replace","path":"nickName[value eq \"x\"]","value":"y"}`, `{"op":"remove","path":"nickName[value eq \"x\"]"}`, `{"op":"add","path":"active[value eq true]","value":true}`} {
		for _, l := range []scim.Leniency{scimtest.Strict, scimtest.Lenient} {
			_, err := patch.Parse(scimtest.UserType, scimtest.PatchOp(op), l)
			scimtest.Want(t, err, 400, scim.InvalidPath)
		}
	}
	_, err := filter.Parse(scimtest.UserType, `nickName[value eq "x"]`, scimtest.Strict)
	scimtest.Want(t, err, 400, scim.InvalidFilter)
	for _, l := range []scim.Leniency{scimtest.Strict, scimtest.Lenient} {
		_, err := patch.Parse(scimtest.GroupType, scimtest.PatchOp(`{"op":"remove","path":"members[display eq \"Bob\"]"}`), l)
		scimtest.Want(t, err, 400, scim.InvalidFilter)
	}
	_, err = filter.Parse(scimtest.GroupType, `members.display eq "Bob"`, scimtest.Strict)
	scimtest.Want(t, err, 400, scim.InvalidFilter)
	_, err = sorting.Parse(scimtest.GroupType, `members.display`, "")
	scimtest.Want(t, err, 400, scim.InvalidValue)
}

// The whole path of a part is understood in the place of its name, and what has a meaning
// elsewhere is refused, whatever is left out by leniency.
func TestPathsAsNamesOfParts(t *testing.T) {
	for members, want := range map[string]string{
		`"name":{"name.givenName":"A"}`:                                        `"name":{"givenName":"A"}`,
		`"name":{"NAME/givenname":"A"}`:                                        `"name":{"givenName":"A"}`,
		`"name":{"` + schema.URNUser + `:name.givenName":"A"}`:                 `"name":{"givenName":"A"}`,
		`"emails":[{"value":"a@example.com","emails.type":"work"}]`:            `"emails":[{"value":"a@example.com","type":"work"}]`,
		`"` + schema.URNEnterpriseUser + `":{"manager":{"manager.value":"m"}}`: `"` + schema.URNEnterpriseUser + `":{"manager":{"value":"m"}}`,
		`"name":{"name.givenName":"A","givenName":"B"}`:                        "",
		`"name":{"emails.type":"work"}`:                                        "",
		`"name":{"` + schema.URNUser + `:title":"Dr"}`:                         "",
		`"name":{"` + schema.URNUser + `:name":"Dr"}`:                          "",
		`"name":{"urn:ietf:params:scim:schemas:core:2.0:Group:name":"a"}`:      "",
	} {
		l := scimtest.Lenient
		l.UndeclaredExtensions = true
		got, err := document.Decode(scimtest.UserType, []byte(scimtest.User(members)), l)
		if want == "" {
			if err == nil {
				t.Errorf("%s became %s", members, scimtest.Text(t, got))
			}
			continue
		}
		plain, plainErr := document.Decode(scimtest.UserType, []byte(scimtest.User(want)), l)
		if err != nil || plainErr != nil || scimtest.Text(t, got) != scimtest.Text(t, plain) {
			t.Errorf("%s: %v, %v", members, err, plainErr)
			continue
		}
		change := `{"op":"add","value":{` + members + `}}`
		if patched, _, err := scimtest.Apply(scimtest.UserType, scimtest.Stored(t, scimtest.UserType, scimtest.User(``)), l, change); err != nil || scimtest.Text(t, patched) != scimtest.Text(t, got) {
			t.Errorf("%s: %v", change, err)
		}
	}
}
