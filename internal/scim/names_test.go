package scim

import (
	"strings"
	"testing"
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
	"TITLE":                           titleIsD,
	URNUser + ":title":                titleIsD,
	URNUser + ".title":                titleIsD,
	URNUser + "/Title":                titleIsD,
	short + ":title":                  titleIsD,
	scim1 + ":title":                  titleIsD,
	draft + ":title":                  titleIsD,
	draft + ":User:title":             titleIsD,
	"name.givenName":                  givenNameID,
	"name/givenName":                  givenNameID,
	URNUser + ":name/GivenName":       givenNameID,
	scim1 + ".name.givenName":         givenNameID,
	URNEnterpriseUser + ":department": ent + `:{` + department + `}`,
	URNEnterpriseUser + ".department": ent + `:{` + department + `}`,
	URNEnterpriseUser + "/department": ent + `:{` + department + `}`,
	strings.ToUpper(URNEnterpriseUser) + ".DEPARTMENT": ent + `:{` + department + `}`,
	shortEnt + ":department":                           ent + `:{` + department + `}`,
	entraEnt + ":department":                           ent + `:{` + department + `}`,
	draftEnt + ":department":                           ent + `:{` + department + `}`,
	draftEnt + ":User:department":                      ent + `:{` + department + `}`,
	scim1Ent + ":department":                           ent + `:{` + department + `}`,
	scim1Ent + ".department":                           ent + `:{` + department + `}`,
	"Department":                                       ent + `:{` + department + `}`,
	URNUser + ":department":                            ent + `:{` + department + `}`,
	scim1 + ":department":                              ent + `:{` + department + `}`,
	URNEnterpriseUser + ":title":                       titleIsD,
	URNEnterpriseUser + ":name.givenName":              givenNameID,
	urnTest + ":department":                            ent + `:{` + department + `}`,
	URNEnterpriseUser + ":notes":                       tst + `:{"notes":"D"}`,
	"manager.value":                                    ent + `:{"manager":{"value":"D"}}`,
	"manager/managerId":                                ent + `:{"manager":{"value":"D"}}`,
	URNEnterpriseUser + ".manager.value":               ent + `:{"manager":{"value":"D"}}`,
	"externalID":                                       `"externalId":"D"`,
	URNEnterpriseUser + ":externalId":                  `"externalId":"D"`,
}

// A name with one meaning has it, in whatever request it stands and for every client.
func TestNamesAreUnderstood(t *testing.T) {
	for name, out := range understood {
		t.Run(name, func(t *testing.T) {
			for _, l := range []Leniency{strict, lenient} {
				for _, op := range []string{`{"op":"add","path":"` + name + `","value":"D"}`, `{"op":"replace","path":"` + name + `","value":"D"}`,
					`{"op":"add","value":{"` + name + `":"D"}}`, `{"op":"replace","value":{"` + name + `":"D"}}`} {
					got, err := patched(t, userType, user(``), l, op)
					got = strings.TrimSuffix(got, `,"userName":"bjensen"`)
					if err != nil || got != out {
						t.Errorf("%s: %v\ngot  %s\nwant %s", op, err, got, out)
					}
					got, err = patched(t, userType, user(out), l, `{"op":"remove","path":"`+name+`"}`)
					if err != nil || got != "" {
						t.Errorf("remove: %v\n%s", err, got)
					}
				}
				filter, err := ParseFilter(userType, name+` eq "D"`, l)
				if err != nil {
					t.Fatal(err)
				}
				with, without := decoded(t, user(out)), decoded(t, user(``))
				if !filter.Match(with) || filter.Match(without) {
					t.Error("the filter finds another attribute")
				}
			}
			for _, doc := range []string{user(`"` + name + `":"D"`), user(ent + `:{"` + name + `":"D"}`), user(`"` + short + `":{"` + name + `":"D"}`)} {
				for _, got := range []*Resource{decoded(t, doc), replaced(t, doc)} {
					if text(t, got) != text(t, decoded(t, user(out))) {
						t.Errorf("%s\ngot  %s\nwant %s", doc, text(t, got), out)
					}
				}
			}
			p, err := ParseProjection(userType, name, "")
			if err != nil {
				t.Fatal(err)
			}
			b, err := Render(userType, decoded(t, user(out)), p, base)
			if err != nil || !strings.Contains(string(b), `"D"`) {
				t.Errorf("attributes: %v %s", err, b)
			}
			s, err := ParseSort(userType, name, "")
			if err != nil {
				t.Fatal(err)
			}
			rs := []*Resource{decoded(t, user(``)), decoded(t, user(out))}
			if s.Sort(rs); text(t, rs[0]) != text(t, decoded(t, user(out))) {
				t.Error("sortBy is of another attribute")
			}
		})
	}
}

func decoded(t *testing.T, doc string) *Resource {
	t.Helper()
	r, err := Decode(userType, []byte(doc), Leniency{UndeclaredExtensions: true})
	if err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	return r
}

func replaced(t *testing.T, doc string) *Resource {
	t.Helper()
	r, err := Replace(userType, decoded(t, user(``)), []byte(doc), Leniency{UndeclaredExtensions: true})
	if err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	return r
}

// URNs stand for their schemas wherever a schema is named: in `schemas`, as the name of a
// member, and as a path.
func TestSchemasAreUnderstood(t *testing.T) {
	out := text(t, decoded(t, user(ent+`:{`+department+`}`)))
	for _, doc := range []string{
		`{"schemas":["` + draft + `","` + draftEnt + `"],"userName":"bjensen","` + draftEnt + `":{"department":"D"}}`,
		`{"schemas":["` + scim1 + `","` + scim1Ent + `"],"userName":"bjensen","` + scim1Ent + `":{"department":"D"}}`,
		`{"schemas":["` + short + `","` + shortEnt + `"],"userName":"bjensen","` + shortEnt + `":{"department":"D"}}`,
		`{"schemas":["` + URNUser + `","` + entraEnt + `"],"userName":"bjensen","` + entraEnt + `":{"department":"D"}}`,
		`{"schemas":["` + URNUser + `","` + URNEnterpriseUser + `"],"` + URNUser + `":{"userName":"bjensen","department":"D"}}`,
		`{"schemas":["` + URNUser + `","` + URNEnterpriseUser + `"],"userName":"bjensen",` + ent + `:{"schemas":["` + URNEnterpriseUser + `"],"department":"D"}}`,
	} {
		r, err := Decode(userType, []byte(doc), strict)
		if err != nil || text(t, r) != out {
			t.Errorf("%s: %v", doc, err)
		}
	}
	runPatchCases(t, strict, map[string]patchCase{
		"an extension by a draft's URN":      {``, `{"op":"add","path":"` + draftEnt + `","value":{"department":"D"}}`, ent + `:{` + department + `}`},
		"removed by SCIM 1's URN":            {ent + `:{` + department + `}`, `{"op":"remove","path":"` + scim1Ent + `"}`, ``},
		"the core schema as a key":           {``, `{"op":"add","value":{"` + URNUser + `":{"title":"D"}}}`, titleIsD},
		"the core schema as a path":          {``, `{"op":"replace","path":"` + URNUser + `","value":{"title":"D"}}`, titleIsD},
		"schemas in an extension's value":    {``, `{"op":"add","path":"` + URNEnterpriseUser + `","value":{"schemas":["` + URNEnterpriseUser + `"],"department":"D"}}`, ent + `:{` + department + `}`},
		"a blank before the bracket, key":    {twoEmails, `{"op":"replace","value":{"Emails [type eq \"home\"].value":"D"}}`, `"emails":[{"value":"w@example.com","type":"work","primary":true},{"value":"D","type":"home"}]`},
		"a blank before the bracket, path":   {twoEmails, `{"op":"replace","path":"emails [type eq \"home\"]/value","value":"D"}`, `"emails":[{"value":"w@example.com","type":"work","primary":true},{"value":"D","type":"home"}]`},
		"managerId in a value":               {``, `{"op":"add","value":{"manager":{"managerId":"D"}}}`, ent + `:{"manager":{"value":"D"}}`},
		"a filter as the key of a PATCH":     {twoEmails, `{"op":"add","value":{"emails[type eq \"home\"].display":"D"}}`, `"emails":[{"value":"w@example.com","type":"work","primary":true},{"value":"h@example.com","display":"D","type":"home"}]`},
		"two parts of one, by two spellings": {``, `{"op":"add","value":{"name.givenName":"D","name":{"familyName":"J"},"name/middleName":"M"}}`, `"name":{"familyName":"J","givenName":"D","middleName":"M"}`},
	})
	for _, doc := range []string{user(`"emails":null,"emails[type eq \"work\"].value":"D"`), user(`"emails [type eq \"work\"].value":"D"`)} {
		r, err := Decode(userType, []byte(doc), Leniency{})
		if err != nil || text(t, r) != text(t, decoded(t, user(`"emails":[{"value":"D","type":"work"}]`))) {
			t.Errorf("%s: %v", doc, err)
		}
	}
	filter, err := ParseFilter(userType, `emails [type eq "home"]/value eq "h@example.com"`, strict)
	if err != nil || !filter.Match(decoded(t, user(twoEmails))) {
		t.Error(err)
	}
}

// What may mean two attributes, or means one of another resource type, is refused by
// everybody: to leave it out would lose the value.
func TestNamesThatAreRefused(t *testing.T) {
	other := testSchema()
	other.ID = "urn:example:params:scim:schemas:extension:other:2.0:User"
	twice := mustRegistry(testSchema(), other).User()
	for _, c := range []struct {
		kind *ResourceType
		name string
	}{
		{twice, "badge"}, {twice, "device.label"}, {twice, URNUser + ":badge"}, {twice, URNEnterpriseUser + ".badge"}, {twice, scim1 + ":badge"},
		{groupType, URNUser + ":displayName"}, {groupType, URNUser + ".title"}, {groupType, URNEnterpriseUser + ":department"}, {groupType, draftEnt + ":department"},
		{groupType, draft + ":User:displayName"}, {userType, URNGroup + ":displayName"}, {userType, URNGroup + "/members"},
		{userType, URNEnterpriseUser + ":"}, {userType, URNEnterpriseUser + ":a b"}, {userType, URNUser + "."},
	} {
		for _, l := range []Leniency{strict, lenient} {
			for _, op := range []string{`{"op":"add","path":"` + c.name + `","value":"7"}`, `{"op":"remove","path":"` + c.name + `"}`} {
				_, err := ParsePatch(c.kind, patchOp(op), l)
				want(t, err, 400, InvalidPath)
			}
			_, err := ParsePatch(c.kind, patchOp(`{"op":"replace","value":{"`+c.name+`":"7"}}`), l)
			want(t, err, 400, InvalidSyntax)
			doc := `{"schemas":["` + c.kind.Schema.ID + `"],"userName":"b","displayName":"b","` + c.name + `":"7"}`
			if c.kind == groupType {
				doc = strings.Replace(doc, `"userName":"b",`, ``, 1)
			}
			_, err = Decode(c.kind, []byte(doc), l)
			want(t, err, 400, InvalidSyntax)
			if !strings.ContainsAny(c.name, " ") {
				_, err = ParseFilter(c.kind, c.name+` eq "7"`, l)
				want(t, err, 400, InvalidFilter)
				_, err = ParseSort(c.kind, c.name, "")
				want(t, err, 400, InvalidValue)
			}
		}
	}
	for _, parameters := range [][2]string{{"badge", ""}, {"", "badge"}} {
		_, err := ParseProjection(twice, parameters[0], parameters[1])
		want(t, err, 400, InvalidValue)
	}
	if p, err := ParseProjection(groupType, URNUser+":userName", ""); err != nil || p == nil {
		t.Error("attributes of other types are for a search of all types:", err)
	}
	for _, key := range []string{URNUser, URNEnterpriseUser, draftEnt, URNUser + ":emails[type eq \\\"work\\\"].value"} {
		for _, l := range []Leniency{strict, lenient} {
			_, err := ParsePatch(groupType, patchOp(`{"op":"add","value":{"`+key+`":{"displayName":"x"}}}`), l)
			want(t, err, 400, InvalidSyntax)
		}
	}
}

// What no schema has in any spelling is refused, or left out where that is wanted.
func TestUnknownNames(t *testing.T) {
	for _, name := range []string{"nope", "name.nope", "title.value", "name/nope", "urn:example:x:2.0:User:department", URNUser + ":nope", URNEnterpriseUser + ".nope", scim1 + ":nope.x"} {
		for _, op := range []string{`{"op":"add","path":"` + name + `","value":"7"}`, `{"op":"remove","path":"` + name + `"}`, `{"op":"add","value":{"` + name + `":"7"}}`} {
			if _, err := ParsePatch(userType, patchOp(op), strict); err == nil {
				t.Error("accepted", op)
			}
			if got, err := patched(t, userType, user(``), lenient, op); err != nil || got != "=" {
				t.Error(op, got, err)
			}
		}
		_, err := Decode(userType, []byte(user(`"`+name+`":"7"`)), strict)
		want(t, err, 400, InvalidSyntax)
		if r, err := Decode(userType, []byte(user(`"`+name+`":"7"`)), lenient); err != nil || text(t, r) != text(t, decoded(t, user(``))) {
			t.Error(name, err)
		}
		for _, l := range []Leniency{strict, lenient} {
			_, err = ParseFilter(userType, name+` pr`, l)
			want(t, err, 400, InvalidFilter)
		}
	}
	for _, op := range []string{`{"op":"add","path":"emails[type eq \"fax\"].nope","value":"7"}`, `{"op":"remove","path":"emails[type eq \"work\"].nope"}`, `{"op":"replace","value":{"emails[type eq \"work\"].nope":"7"}}`} {
		if got, err := patched(t, userType, user(twoEmails), lenient, op); err != nil || got != "=" {
			t.Error("a part of what a filter finds:", op, got, err)
		}
		_, err := patched(t, userType, user(twoEmails), strict, op)
		want(t, err, 400, InvalidPath)
	}
	for _, path := range []string{"/nope", "nope.", `emails[type eq \"work\"].`, `emails[type eq \"work\"].nope.nope`, "a b", URNUser + "::title"} {
		_, err := ParsePatch(userType, patchOp(`{"op":"add","path":"`+path+`","value":"7"}`), lenient)
		want(t, err, 400, InvalidPath)
	}
	// To leave out a part of a filter would change others.
	_, err := ParsePatch(userType, patchOp(`{"op":"add","path":"emails[nope eq \"work\"].value","value":"7"}`), lenient)
	want(t, err, 400, InvalidFilter)
}

// Of two members that mean the same, one would be lost.
func TestOneMeaningGivenTwice(t *testing.T) {
	for _, members := range []string{
		`"title":"a","` + URNUser + `:title":"b"`, `"department":"a",` + ent + `:{"department":"b"}`, `"` + URNUser + `:department":"a","department":"b"`,
		`"name":{"givenName":"a"},"name.givenName":"b"`, `"name/givenName":"a","name.givenName":"b"`, `"name":{"givenName":"a"},"` + URNUser + `:name":{"givenName":"b"}`,
		`"emails":[{"value":"a","type":"work"}],"emails[type eq \"work\"].value":"b"`, `"emails[type eq \"work\"].value":"b","Emails [Type eq \"work\"].value":"c"`,
		`"title":"a","` + URNUser + `":{"title":"b"}`, `"manager":{"value":"a","managerId":"b"}`, `"manager":{"value":"a"},"manager.value":"b"`,
	} {
		for _, l := range []Leniency{strict, lenient} {
			if _, _, err := apply(userType, decoded(t, user(twoEmails)), l, `{"op":"replace","value":{`+members+`}}`); err == nil {
				t.Error("patched", members)
			} else {
				want(t, err, 400, InvalidSyntax)
			}
			l.CreateMissing, l.UndeclaredExtensions = true, true
			if r, err := Decode(userType, []byte(user(members)), l); err == nil {
				t.Error("decoded", members, text(t, r))
			} else {
				want(t, err, 400, InvalidSyntax)
			}
		}
	}
}

// A filter needs values or parts to choose among (RFC 7644 section 3.5.2, figure 7), and
// what is not kept for members finds none of them.
func TestBracketsThatMeanNothing(t *testing.T) {
	for _, op := range []string{`{"op":"replace","path":"nickName[value eq \"x\"]","value":"y"}`, `{"op":"remove","path":"nickName[value eq \"x\"]"}`, `{"op":"add","path":"active[value eq true]","value":true}`} {
		for _, l := range []Leniency{strict, lenient} {
			_, err := ParsePatch(userType, patchOp(op), l)
			want(t, err, 400, InvalidPath)
		}
	}
	_, err := ParseFilter(userType, `nickName[value eq "x"]`, strict)
	want(t, err, 400, InvalidFilter)
	for _, l := range []Leniency{strict, lenient} {
		_, err := ParsePatch(groupType, patchOp(`{"op":"remove","path":"members[display eq \"Bob\"]"}`), l)
		want(t, err, 400, InvalidFilter)
	}
	_, err = ParseFilter(groupType, `members.display eq "Bob"`, strict)
	want(t, err, 400, InvalidFilter)
	_, err = ParseSort(groupType, `members.display`, "")
	want(t, err, 400, InvalidValue)
}

// The whole path of a part is understood in the place of its name, and what has a meaning
// elsewhere is refused, whatever is left out by leniency.
func TestPathsAsNamesOfParts(t *testing.T) {
	for document, want := range map[string]string{
		`"name":{"name.givenName":"A"}`:                                   `"name":{"givenName":"A"}`,
		`"name":{"NAME/givenname":"A"}`:                                   `"name":{"givenName":"A"}`,
		`"name":{"` + URNUser + `:name.givenName":"A"}`:                   `"name":{"givenName":"A"}`,
		`"emails":[{"value":"a@example.com","emails.type":"work"}]`:       `"emails":[{"value":"a@example.com","type":"work"}]`,
		`"` + URNEnterpriseUser + `":{"manager":{"manager.value":"m"}}`:   `"` + URNEnterpriseUser + `":{"manager":{"value":"m"}}`,
		`"name":{"name.givenName":"A","givenName":"B"}`:                   "",
		`"name":{"emails.type":"work"}`:                                   "",
		`"name":{"` + URNUser + `:title":"Dr"}`:                           "",
		`"name":{"` + URNUser + `:name":"Dr"}`:                            "",
		`"name":{"urn:ietf:params:scim:schemas:core:2.0:Group:name":"a"}`: "",
	} {
		l := lenient
		l.UndeclaredExtensions = true
		got, err := Decode(userType, []byte(user(document)), l)
		if want == "" {
			if err == nil {
				t.Errorf("%s became %s", document, text(t, got))
			}
			continue
		}
		plain, plainErr := Decode(userType, []byte(user(want)), l)
		if err != nil || plainErr != nil || text(t, got) != text(t, plain) {
			t.Errorf("%s: %v, %v", document, err, plainErr)
			continue
		}
		change := `{"op":"add","value":{` + document + `}}`
		if patched, _, err := apply(userType, stored(t, userType, user(``)), l, change); err != nil || text(t, patched) != text(t, got) {
			t.Errorf("%s: %v", change, err)
		}
	}
}
