package requirements

import (
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// filterUser is the user of the table below. T is replaced by a word that nobody
// else has, so that other users of the server do not matter.
const filterUser = `"nickName":"T","title":"Tour \"Guide\" \\ é","userType":"Employee","active":true,"externalId":"Ext-T",
	"profileUrl":"https://Example.com/Me",
	"emails":[{"value":"Babs@Example.com","type":"work","primary":true},{"value":"babs@home.example.org","type":"home"}],
	"phoneNumbers":[],"addresses":[{"type":"work","locality":"Hollywood","country":"US"}],"name":{"familyName":"Jensen","givenName":"Barbara"},
	"` + suite.URNEnterprise + `":{"employeeNumber":"701984","department":"Tours"}`

// matching is filters that find the user, or not.
var matching = []struct {
	name, source string
	filter       string
	found        bool
}{
	{"`and` binds closer than `or`", "RFC 7644 §3.4.2.2", `title pr or userType eq "Intern" and active eq false`, true},
	{"parentheses bind closer than `and`", "RFC 7644 §3.4.2.2", `(title pr or userType eq "Intern") and active eq false`, false},
	{"`not` binds closest", "RFC 7644 §3.4.2.2", `not (userType eq "Intern") and active eq true`, true},
	{"`not` negates the whole of its parentheses", "RFC 7644 §3.4.2.2", `not (userType eq "Employee" and active eq true)`, false},
	{"operators in any case", "RFC 7644 §3.4.2.2", `userType EQ "Employee" AND NOT (active Eq false) Or title PR`, true},
	{"strings compare without regard to case", "RFC 7643 §7", `userType eq "EMPLOYEE" and name.familyName eq "jensen"`, true},
	{"a caseExact string compares exactly", "RFC 7643 §3.1", `externalId eq "EXT-T"`, false},
	{"a multi-valued attribute matches if any value does", "RFC 7644 §3.4.2.2", `emails.type eq "home" and emails.value co "babs@example.com"`, true},
	{"brackets are for one value", "RFC 7644 §3.4.2.2", `emails[type eq "work" and value co "@example.com"]`, true},
	{"brackets do not mix values", "RFC 7644 §3.4.2.2", `emails[type eq "home" and value co "@example.com"]`, false},
	{"`emails eq` is of the value", "RFC 7644 §3.4.2.2", `emails eq "babs@home.example.org"`, true},
	{"`emails co` is of the value", "RFC 7644 §3.4.2.2", `emails co "home.example"`, true},
	{"an unassigned attribute equals nothing", "RFC 7644 §3.4.2.2", `locale eq "en" or locale co "" or locale gt "a"`, false},
	{"an empty array is not present", "RFC 7643 §2.5", `phoneNumbers pr`, false},
	{"a complex attribute is present if it has something", "RFC 7644 §3.4.2.2", `name pr and addresses pr`, true},
	{"values have JSON's escapes", "RFC 7644 §3.4.2.2", `title eq "Tour \"Guide\" \\ \u00e9"`, true},
	{"sw, co and ew", "RFC 7644 §3.4.2.2", `name.familyName sw "jen" and name.familyName co "ens" and name.familyName ew "SEN"`, true},
	{"ew is not co", "RFC 7644 §3.4.2.2", `name.familyName ew "jens" or name.familyName sw "ensen"`, false},
	{"gt, ge, lt and le of strings", "RFC 7644 §3.4.2.2", `name.familyName gt "JEN" and name.familyName le "jensen" and name.familyName ge "jensen" and name.familyName lt "k"`, true},
	{"`ne` finds what `eq` does not", "RFC 7644 §3.4.2.2", `userType ne "Intern" and active ne false`, true},
	{"an attribute of an extension by its URN", "RFC 7644 §3.10", suite.URNEnterprise + `:employeeNumber eq "701984"`, true},
	{"a core attribute by its URN", "RFC 7644 §3.10", suite.URNUser + `:name.givenName sw "Bar"`, true},
	{"not inside of brackets", "RFC 7644 §3.4.2.2", `emails[type eq "home" and not (value co "@example.com")]`, true},
	{"or inside of brackets", "RFC 7644 §3.4.2.2", `addresses[country eq "NO" or locality eq "hollywood"]`, true},
	{"a comparison with a boolean", "RFC 7644 §3.4.2.2", `emails[primary eq true and type eq "work"]`, true},
	{"filters inside of several parentheses", "RFC 7644 §3.4.2.2", `((((title pr))) and ((not ((active eq false)))))`, true},
}

// badFilters are filters that a server must refuse: to ignore one would make an
// identityCases provider take the wrong person for the right one.
var badFilters = []struct{ name, filter string }{
	{"an unknown operator", `userName xx "a"`},
	{"no value", `userName eq`},
	{"no operator", `userName`},
	{"a string that does not end", `userName eq "a`},
	{"a parenthesis that does not close", `(userName eq "a"`},
	{"a parenthesis too many", `userName eq "a")`},
	{"a bracket that does not close", `emails[type eq "work"`},
	{"two comparisons with nothing between", `userName eq "a" userName eq "b"`},
	{"and with nothing after it", `userName eq "a" and`},
	{"single quotes", `userName eq 'a'`},
	{"gt of a boolean", `active gt true`},
	{"nothing in brackets", `emails[]`},
}

// filterCases are section 3.4.2.2 of RFC 7644.
func filterCases() []suite.Case {
	var cases []suite.Case
	for _, m := range matching {
		cases = append(cases, suite.Case{Name: m.name, Source: m.source, Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
			tag := t.Random()
			u := t.User(strings.ReplaceAll(filterUser, `T"`, tag+`"`))
			a := t.Filter("/Users", `nickName eq "`+tag+`" and (`+strings.ReplaceAll(m.filter, `-T"`, "-"+tag+`"`)+`)`)
			if m.found {
				a.Lists(u)
			} else {
				a.Lists()
			}
		}})
	}
	cases = append(cases, suite.Case{Name: "a filter that is wrong is invalidFilter, and never a list of all", Source: "RFC 7644 §3.4.2.2", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
		for _, bad := range badFilters {
			for _, endpoint := range []string{"/Users", "/Groups"} {
				filter := bad.filter
				if endpoint == "/Groups" {
					filter = strings.NewReplacer("userName", "displayName", "emails", "members").Replace(filter)
				}
				if !strings.Contains(filter, "active") || endpoint == "/Users" {
					t.Filter(endpoint, filter).Refused(http.StatusBadRequest, "invalidFilter")
				}
			}
		}
	}}, suite.Case{Name: "a filter with an attribute that no schema has finds nobody", Source: "RFC 7644 §3.4.2.2", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
		t.User()
		for _, filter := range []string{`nope eq "x"`, `name.nope eq "x"`, `urn:example:none:2.0:User:x eq "x"`, `emails[nope eq "x"]`} {
			a := t.Filter("/Users", filter)
			if a.Status == http.StatusOK {
				a.Lists() // RFC 7644 §3.4.2.1 takes it for unassigned where several types are asked.
				continue
			}
			a.Refused(http.StatusBadRequest, "invalidFilter", "invalidPath")
		}
	}}, suite.Case{Name: "members of a group can be asked for", Source: "RFC 7644 §3.4.2.2", Needs: suite.Needs(suite.FilterFeature), Run: func(t *suite.T) {
		u, other := t.User(), t.User()
		g := t.Group(u)
		t.Filter("/Groups", `displayName eq `+suite.Quoted(g.Name)+` and members.value eq "`+u.ID+`"`).Lists(g)
		t.Filter("/Groups", `id eq "`+g.ID+`" and members[value eq "`+u.ID+`"]`).Lists(g)
		t.Filter("/Groups", `id eq "`+g.ID+`" and members.value eq "`+other.ID+`"`).Lists()
	}})
	return cases
}
