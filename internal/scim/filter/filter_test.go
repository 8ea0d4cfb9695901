package filter_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// Every filter that RFC 7644 section 3.4.2.2 shows, on a user whom it matches or
// not.
func TestFilterExamplesOfTheRFC(t *testing.T) {
	r := scimtest.Stored(t, scimtest.UserType, scimtest.RichUser)
	r.Attributes()["userType"] = "Employee"
	for query, match := range map[string]bool{
		`userName eq "bjensen"`:                                      false,
		`userName Eq "bjensen@example.com"`:                          true,
		`name.familyName co "O'Malley"`:                              false,
		`name.familyName co "ense"`:                                  true,
		`userName sw "J"`:                                            false,
		`userName sw "B"`:                                            true,
		`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "b"`: true,
		`title pr`: true,
		`meta.lastModified gt "2011-05-13T04:42:34Z"`:                                                       true,
		`meta.lastModified ge "2011-05-13T04:42:34.5Z"`:                                                     true,
		`meta.lastModified lt "2011-05-13T04:42:34Z"`:                                                       false,
		`meta.lastModified le "2011-05-13T06:42:34.5+02:00"`:                                                true,
		`title pr and userType eq "Employee"`:                                                               true,
		`title pr or userType eq "Intern"`:                                                                  true,
		`schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`:                           true,
		`userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")`:             true,
		`userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")`:         false,
		`userType eq "Employee" and (emails.type eq "work")`:                                                true,
		`userType eq "Employee" and emails[type eq "work" and value co "@example.com"]`:                     true,
		`emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]`: true,
		`emails[type eq "home" and value co "bjensen"]`:                                                     false,
	} {
		f, err := filter.Parse(scimtest.UserType, query, scimtest.Strict)
		if err != nil {
			t.Errorf("%s: %v", query, err)
		} else if f.Match(r) != match {
			t.Errorf("%s: got %v", query, !match)
		}
	}
}

func TestFilter(t *testing.T) {
	r := scimtest.Stored(t, scimtest.UserType, scimtest.RichUser)
	r.Attributes()["nickName"] = ""
	for query, match := range map[string]bool{
		// Precedence: not, and, or.
		`active eq false and active eq false or active eq true`:   true,
		`active eq true or active eq false and active eq false`:   true,
		`(active eq true or active eq false) and active eq false`: false,
		`not (active eq false) and active eq true`:                true,
		`not (active eq true or active eq true)`:                  false,
		`not(active eq false)`:                                    true,
		`((((active eq true))))`:                                  true,
		`not (not (active eq true))`:                              true,
		`  active   eq   true  `:                                  true,
		`active eq true AND NOT (active eq false) Or title PR`:    true,
		// Names in any case, and operators.
		`USERNAME EQ "BJENSEN@EXAMPLE.COM"`: true,
		`eMails[TYPE eQ "WORK"]`:            true,
		// Case as the schema says.
		`id eq "2819C223-7F76-453A-919D-413861904646"`:        false,
		`externalId eq "701984"`:                              true,
		`profileUrl eq "https://login.example.com/bjensen"`:   true,
		`profileUrl eq "https://LOGIN.example.com/bjensen"`:   false,
		scimtest.URNTest + `:tags eq "red"`:                   false,
		scimtest.URNTest + `:tags eq "Red"`:                   true,
		strings.ToUpper(scimtest.URNTest) + `:TAGS eq "blue"`: true,
		`userName ew "EXAMPLE.COM"`:                           true,
		`userName gt "BJENSEN"`:                               true,
		`userName lt "c"`:                                     true,
		`userName ge "bjensen@example.com"`:                   true,
		`userName le "a"`:                                     false,
		`displayName eq "Babs\u0020Jensen"`:                   true,
		`displayName co "\""`:                                 false,
		`userName eq ""`:                                      false,
		`userName co ""`:                                      true,
		// Extensions; the URN has dots and colons.
		schema.URNEnterpriseUser + `:employeeNumber eq "701984"`:    true,
		schema.URNEnterpriseUser + `:manager.displayName sw "john"`: true,
		schema.URNEnterpriseUser + `:manager eq "26118915"`:         true,
		schema.URNEnterpriseUser + `:manager[value eq "26118915"]`:  true,
		schema.URNEnterpriseUser + `:manager[value eq "1"]`:         false,
		schema.URNEnterpriseUser + `:division pr`:                   false,
		// Multi-valued: any element; brackets: one element.
		`emails eq "babs@example.com"`:                                    true,
		`emails.type eq "home" and emails.value eq "bjensen@example.com"`: true,
		`emails[type eq "home" and value eq "bjensen@example.com"]`:       false,
		`emails[type eq "home" and (value sw "x" or not (value sw "x"))]`: true,
		`emails[primary eq true].value eq "bjensen@example.com"`:          true,
		`emails[type eq "home"].value eq "bjensen@example.com"`:           false,
		`emails[type eq "home"].display pr`:                               false,
		`groups.value eq "g1"`:                                            true, `groups eq "g1"`: true,
		scimtest.URNTest + `:tags[value eq "Red"]`: true,
		scimtest.URNTest + `:tags[value sw "x"]`:   false,
		// Unassigned: no match, but ne.
		`locale eq "x"`: false, `locale ne "x"`: true, `locale gt "a"`: false, `locale co ""`: false,
		`ims ne "x"`: true, `ims eq "x"`: false, `ims.type ne "x"`: true, `emails ne "babs@example.com"`: true,
		`phoneNumbers ne "555-555-5555"`: false, `emails[display ne "x"]`: true, `roles[value ne "x"]`: false,
		// pr and null.
		`nickName pr`: false, `nickName eq ""`: true, `name pr`: true, `emails pr`: true, `ims pr`: false, `meta pr`: true,
		`locale eq null`: true, `locale ne null`: false, `title eq null`: false, `title ne null`: true, `name.middleName eq null`: true,
		`emails eq null`: false, `ims eq null`: true, `emails.display eq null`: true, `emails.value eq null`: false, `emails.value ne null`: true,
		`name eq null`: false,
		// Types.
		`active eq true`: true, `active ne true`: false, `active eq false`: false,
		scimtest.URNTest + `:badge eq 17`: true, scimtest.URNTest + `:badge gt 16.5`: true, scimtest.URNTest + `:badge lt 17`: false, scimtest.URNTest + `:badge ne 17`: false,
		scimtest.URNTest + `:height ge 1.75`: true, scimtest.URNTest + `:height eq 175e-2`: true, scimtest.URNTest + `:height lt 2`: true,
		scimtest.URNTest + `:scores eq 9`: true, scimtest.URNTest + `:scores gt 9`: false, scimtest.URNTest + `:device.ports eq 80`: true,
		scimtest.URNTest + `:hired eq "2020-01-31T08:00:00Z"`: true, scimtest.URNTest + `:hired gt "2020-01-31T09:00:00Z"`: false, scimtest.URNTest + `:hired ne "2020-01-31T08:00:00Z"`: false,
		scimtest.URNTest + `:key eq "a2V5"`: true, scimtest.URNTest + `:key eq "A2V5"`: false, `x509Certificates eq "TUlJRQ"`: true,
		`meta.resourceType eq "User"`: true, `meta.version eq "W/\"3\""`: true, `meta.created lt "2011-01-01T00:00:00Z"`: true,
		`schemas co "enterprise"`: true, `schemas eq "` + schema.URNGroup + `"`: false,
	} {
		f, err := filter.Parse(scimtest.UserType, query, scimtest.Strict)
		if err != nil {
			t.Errorf("%s: %v", query, err)
		} else if f.Match(r) != match {
			t.Errorf("%s: got %v", query, !match)
		}
	}
}

func TestFilterOfGroups(t *testing.T) {
	r := scimtest.Stored(t, scimtest.GroupType, scimtest.GroupDoc)
	for query, match := range map[string]bool{
		`id eq "g1" and members eq "b"`:             true,
		`id eq "g1" and members eq "z"`:             false,
		`members[value eq "a"]`:                     true,
		`members[value eq "a" and type eq "Group"]`: false,
		`members.value eq "c"`:                      true,
		`displayName eq "TOUR guides"`:              true,
	} {
		f, err := filter.Parse(scimtest.GroupType, query, scimtest.Strict)
		if err != nil || f.Match(r) != match {
			t.Errorf("%s: got %v, %v", query, !match, err)
		}
	}
}

// Without quotes a text is one only where it cannot be anything else.
func TestUnquotedLiterals(t *testing.T) {
	for _, l := range []scim.Leniency{scimtest.Strict, {UnquotedLiterals: true}} {
		for _, word := range []string{`'a'`, `x"`, `x"y"`, `{"a":1}`, `{0}`, `{userName}`, `<value>`, `[x`, `a\b`, `(x`,
			`true`, `True`, `FALSE`, `Null`, `and`, `OR`, `not`} {
			_, err := filter.Parse(scimtest.UserType, `userName eq `+word, l)
			scimtest.Want(t, err, 400, scim.InvalidFilter)
		}
	}
	for _, word := range []string{"jyoung", "a+b@example.com", "o'brien@example.com", "701984", "00u1-x_y.z", "Le", "CN=x,DC=example", "-1", "1.0", "é"} {
		if _, err := filter.Parse(scimtest.UserType, `(userName eq `+word+`)`, scim.Leniency{UnquotedLiterals: true}); err != nil {
			t.Errorf("%s: %v", word, err)
		}
		_, err := filter.Parse(scimtest.UserType, `userName eq `+word, scimtest.Strict)
		scimtest.Want(t, err, 400, scim.InvalidFilter)
	}
}

// What an error says can be done, and helps.
func TestFilterErrorsHelp(t *testing.T) {
	for query, part := range map[string]string{
		`userName eq "a" and`:                   `missing after "and"`,
		`userName eq "a" or  `:                  `missing after "or"`,
		`(userName eq "a" and )`:                `missing after "and"`,
		`emails[type eq "a" or]`:                `missing after "or"`,
		`active eq True`:                        `lower case and without quotes`,
		`active eq "True"`:                      `lower case and without quotes`,
		`active eq "true"`:                      `lower case and without quotes`,
		`active eq yes`:                         `true or false`,
		`userName eq a`:                         `double quotes`,
		`userName eq 'a'`:                       `double quotes`,
		`userName eq True`:                      `double quotes`,
		`meta.created gt 2011`:                  `"2011-05-13T04:42:34Z"`,
		strings.Repeat("(", 40) + `userName pr`: "32",
		`userName eq "` + strings.Repeat("x", filter.MaxLength): "8192",
		strings.Repeat(`userName pr or `, 500) + `userName pr`:  "500",
		strings.Repeat(`title co "x" or `, 50) + `title co "x"`: "50",
	} {
		_, err := filter.Parse(scimtest.UserType, query, scimtest.Strict)
		scimtest.Want(t, err, 400, scim.InvalidFilter)
		if err != nil && !strings.Contains(err.Error(), part) {
			t.Errorf("%.60s: %v does not say %q", query, err, part)
		}
	}
}

func TestFilterRefusals(t *testing.T) {
	for _, query := range []string{
		``, ` `, `userName`, `userName `, `userName eq`, `userName eq `, `userName xx "a"`, `userName = "a"`,
		`eq "a"`, `"a" eq userName`, `userName eq "a`, `userName eq "a\x"`, `userName eq "a\"`, `userName eq 'a'`, `userName eq a`,
		`userName eq "a" and`, `userName eq "a" userName eq "b"`, `and userName eq "a"`, `userName eq "a" or`, `userName eq"a"`,
		`userName eq "a"and title pr`, `(userName eq "a"`, `userName eq "a")`, `not userName eq "a"`, `not (userName eq "a"`, `()`, `not ()`,
		`title pr and`, `title pr "x"`, `title prx`,
		`emails[type eq "work"`, `emails[]`, `emails[type eq "work"]]`, `emails[type eq "work"].`, `emails[type eq "work"].value`,
		`emails[nope eq "x"]`, `emails[emails[value eq "x"]]`, `emails.value[value eq "x"]`, `[type eq "work"]`,
		`emails[type eq "work"].nope eq "x"`, `meta[created pr]`, `schemas[value eq "x"]`, scimtest.URNTest + `:tags[nope eq "x"]`,
		`nope eq "x"`, `name.nope eq "x"`, `userName.value eq "x"`, `name.givenName.x eq "x"`, `.userName eq "x"`, `name. eq "x"`,
		`urn:example:unknown:2.0:User:x eq "x"`, schema.URNUser + ` eq "x"`, schema.URNEnterpriseUser + ` pr`, schema.URNEnterpriseUser + `: pr`,
		schema.URNEnterpriseUser + `:nope eq "x"`, `urn:ietf:params:scim:schemas:core:2.0:Userx:userName eq "x"`,
		`members eq "x"`,
		`active gt true`, `active lt false`, `active co "t"`, `active eq "true"`, `active eq 1`, `active eq True`, `userName eq true`, `userName eq 1`,
		scimtest.URNTest + `:badge eq "17"`, scimtest.URNTest + `:badge co 1`, scimtest.URNTest + `:badge eq true`, scimtest.URNTest + `:badge eq 1e999`, scimtest.URNTest + `:badge eq 01`,
		scimtest.URNTest + `:hired gt "2020"`, scimtest.URNTest + `:hired sw "2020-01-31T08:00:00Z"`, scimtest.URNTest + `:hired gt 2020`, `meta.created gt "2020-01-01T00:00:00"`,
		`x509Certificates gt "a"`, scimtest.URNTest + `:key lt "a"`, scimtest.URNTest + `:key co "a"`,
		`userName gt null`, `userName co null`, `name eq "x"`, `addresses eq "x"`, `meta eq "x"`,
		`meta.location eq "x"`, `groups.$ref eq "x"`, `groups[$ref eq "x"]`,
		strings.Repeat("(", 100) + `title pr` + strings.Repeat(")", 100),
		strings.Repeat("not (", 1000) + `title pr` + strings.Repeat(")", 1000),
		`title pr` + strings.Repeat(` or title pr`, 600),
		`userName eq "` + strings.Repeat("a", filter.MaxLength) + `"`,
		"userName eq \"a\xff\"",
	} {
		_, err := filter.Parse(scimtest.UserType, query, scimtest.Strict)
		if err == nil {
			t.Errorf("%s: accepted", query)
			continue
		}
		scimtest.Want(t, err, 400, scim.InvalidFilter)
	}
}

func TestFilterSaysWhere(t *testing.T) {
	_, err := filter.Parse(scimtest.UserType, `title pr and userName xx "a"`, scimtest.Strict)
	if err == nil || !strings.Contains(err.Error(), "position 23") || !strings.Contains(err.Error(), "eq ne co") {
		t.Error(err)
	}
}

func TestFilterOnSecrets(t *testing.T) {
	for _, query := range []string{`password eq "x"`, `title pr or password sw "a"`, `PASSWORD pr`, scimtest.URNTest + `:secret eq "x"`, scimtest.URNTest + `:pin eq "x"`, `password eq null`} {
		_, err := filter.Parse(scimtest.UserType, query, scimtest.Strict)
		scimtest.Want(t, err, 403, scim.Sensitive)
	}
}

func TestEqualities(t *testing.T) {
	for query, wanted := range map[string][]filter.Equality{
		`userName eq "Bob"`:                                                        {{"userName", "Bob"}},
		`USERNAME eq "Bob" and externalid eq "7"`:                                  {{"userName", "Bob"}, {"externalId", "7"}},
		`(id eq "1") and (title pr and (userName eq "b"))`:                         {{"id", "1"}, {"userName", "b"}},
		`userName eq "a" or userName eq "b"`:                                       nil,
		`not (userName eq "a")`:                                                    nil,
		`userName ne "a" and userName sw "b" and active eq true and title eq null`: nil,
		`emails eq "a@example.com"`:                                                {{"emails.value", "a@example.com"}},
		`emails.value eq "a" and (title pr or userName eq "x")`:                    {{"emails.value", "a"}},
		`emails[type eq "work" and value eq "a"]`:                                  {{"emails.type", "work"}, {"emails.value", "a"}},
		`emails[type eq "work"].value eq "a"`:                                      {{"emails.type", "work"}, {"emails.value", "a"}},
		`emails[type eq "work" or value eq "a"]`:                                   nil,
		schema.URNEnterpriseUser + `:employeenumber eq "7"`:                        {{schema.URNEnterpriseUser + ":employeeNumber", "7"}},
		scimtest.URNTest + `:tags[value eq "x"]`:                                   {{scimtest.URNTest + ":tags", "x"}},
	} {
		f, err := filter.Parse(scimtest.UserType, query, scimtest.Strict)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Equalities(); !reflect.DeepEqual(got, wanted) {
			t.Errorf("%s: got %v", query, got)
		}
		if f.String() != query {
			t.Errorf("String: %s", f)
		}
	}
	f, err := filter.Parse(scimtest.GroupType, `id eq "g" and members[value eq "m"]`, scimtest.Strict)
	if err != nil || !reflect.DeepEqual(f.Equalities(), []filter.Equality{{"id", "g"}, {"members.value", "m"}}) {
		t.Error(f.Equalities(), err)
	}
	var none *filter.Filter
	if none.Equalities() != nil || !none.Match(nil) {
		t.Error("nil filter")
	}
}

func TestNames(t *testing.T) {
	for query, wanted := range map[string]bool{
		`userName eq "a"`: false, `schemas eq "` + schema.URNUser + `"`: false, `title co "groups"`: false, `emails[type eq "groups"]`: false,
		`groups pr`: true, `Groups.value eq "g"`: true, `groups[display sw "T"]`: true, `not (title pr and (groups eq "g"))`: true,
		schema.URNUser + `:groups.type eq "direct"`: true,
	} {
		f, err := filter.Parse(scimtest.UserType, query, scimtest.Strict)
		if err != nil {
			t.Fatal(err)
		}
		if f.Names("groups") != wanted || f.Names("members") {
			t.Errorf("%s: Names = %v", query, f.Names("groups"))
		}
	}
	if (*filter.Filter)(nil).Names("groups") {
		t.Error("no filter names groups")
	}
}

// One URN may begin with another: the longest wins.
func TestLongestURNWins(t *testing.T) {
	g := scimtest.MustRegistry(
		&schema.Schema{ID: "urn:example:x", Attributes: []*schema.Attribute{{Name: "y"}}},
		&schema.Schema{ID: "urn:example:x:y", Attributes: []*schema.Attribute{{Name: "z"}}},
	)
	r := scim.NewResource(g.User(), scim.Complex{"urn:example:x": scim.Complex{"y": "1"}, "urn:example:x:y": scim.Complex{"z": "2"}})
	for _, query := range []string{`urn:example:x:y:z eq "2"`} {
		f, err := filter.Parse(g.User(), query, scimtest.Strict)
		if err != nil || !f.Match(r) {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestFilterFoldsUnicode(t *testing.T) {
	r := scim.NewResource(scimtest.UserType, scim.Complex{"userName": "ÉLODIE Straße", "displayName": "Ｗｉｄｅ"})
	for _, query := range []string{`userName eq "élodie STRASSE"`, `userName co "STRASS"`, `userName sw "e\u0301lo"`, `displayName eq "wide"`, `userName ew "ßE"`} {
		f, err := filter.Parse(scimtest.UserType, query, scimtest.Strict)
		if err != nil || !f.Match(r) {
			t.Errorf("%s: no match, %v", query, err)
		}
	}
}

func ExampleFilter() {
	g, _ := schema.NewRegistry()
	f, _ := filter.Parse(g.User(), `emails[type eq "work" and value sw "babs@"] and active eq true`, scim.Leniency{})
	u := scim.NewResource(g.User(), scim.Complex{"userName": "babs", "active": true,
		"emails": []any{scim.Complex{"type": "work", "value": "Babs@example.com"}}})
	fmt.Println(f.Match(u), f.Equalities())
	// Output: true [{emails.type work}]
}

func TestFilterBounds(t *testing.T) {
	for comparison, most := range map[string]int{
		`title eq "x"`: filter.MaxTerms, `title ne "x"`: filter.MaxTerms, `title pr`: filter.MaxTerms, `externalId co "x"`: filter.MaxTerms,
		`title co "x"`: filter.MaxParts, `emails[value sw "x"]`: filter.MaxParts, `userName gt "x"`: filter.MaxParts,
	} {
		query := strings.TrimSuffix(strings.Repeat(comparison+" or ", most), " or ")
		if len(query) <= filter.MaxLength {
			if _, err := filter.Parse(scimtest.UserType, query, scimtest.Strict); err != nil {
				t.Errorf("%d times %s: %v", most, comparison, err)
			}
		}
		_, err := filter.Parse(scimtest.UserType, query+" or "+comparison, scimtest.Strict)
		scimtest.Want(t, err, 400, scim.InvalidFilter)
	}
}
