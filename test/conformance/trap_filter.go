package main

import (
	"net/http"
	"strings"
)

// filterUser is the user of the table below. T is replaced by a word that nobody
// else has, so that other users of the server do not matter.
const filterUser = `"nickName":"T","title":"Tour \"Guide\" \\ é","userType":"Employee","active":true,"externalId":"Ext-T",
	"profileUrl":"https://Example.com/Me",
	"emails":[{"value":"Babs@Example.com","type":"work","primary":true},{"value":"babs@home.example.org","type":"home"}],
	"phoneNumbers":[],"addresses":[{"type":"work","locality":"Hollywood","country":"US"}],"name":{"familyName":"Jensen","givenName":"Barbara"},
	"` + urnEnterprise + `":{"employeeNumber":"701984","department":"Tours"}`

// matching is filters that find the user, or not.
var matching = []struct {
	id, name string
	source   string
	filter   string
	found    bool
}{
	{"15a", "`and` binds closer than `or`", "RFC 7644 §3.4.2.2", `title pr or userType eq "Intern" and active eq false`, true},
	{"15b", "parentheses change that", "RFC 7644 §3.4.2.2", `(title pr or userType eq "Intern") and active eq false`, false},
	{"15c", "`not` binds closest", "RFC 7644 §3.4.2.2", `not (userType eq "Intern") and active eq true`, true},
	{"15d", "`not` negates the whole of its parentheses", "RFC 7644 §3.4.2.2", `not (userType eq "Employee" and active eq true)`, false},
	{"15e", "operators in any case", "RFC 7644 §3.4.2.2", `userType EQ "Employee" AND NOT (active Eq false) Or title PR`, true},
	{"15f", "strings compare without regard to case", "RFC 7643 §7", `userType eq "EMPLOYEE" and name.familyName eq "jensen"`, true},
	{"15g", "unless the attribute is caseExact", "RFC 7643 §3.1", `externalId eq "EXT-T"`, false},
	{"15h", "a multi-valued attribute matches if any value does", "RFC 7644 §3.4.2.2", `emails.type eq "home" and emails.value co "babs@example.com"`, true},
	{"15i", "brackets are for one value", "RFC 7644 §3.4.2.2", `emails[type eq "work" and value co "@example.com"]`, true},
	{"15j", "brackets do not mix values", "RFC 7644 §3.4.2.2", `emails[type eq "home" and value co "@example.com"]`, false},
	{"15k", "`emails eq` is of the value", "RFC 7644 §3.4.2.2", `emails eq "babs@home.example.org"`, true},
	{"15l", "`emails co` is of the value", "RFC 7644 §3.4.2.2", `emails co "home.example"`, true},
	{"15m", "an unassigned attribute equals nothing", "RFC 7644 §3.4.2.2", `locale eq "en" or locale co "" or locale gt "a"`, false},
	{"15n", "an empty array is not present", "RFC 7643 §2.5", `phoneNumbers pr`, false},
	{"15o", "a complex attribute is present if it has something", "RFC 7644 §3.4.2.2", `name pr and addresses pr`, true},
	{"15p", "values have JSON's escapes", "RFC 7644 §3.4.2.2", `title eq "Tour \"Guide\" \\ \u00e9"`, true},
	{"15q", "sw, co and ew", "RFC 7644 §3.4.2.2", `name.familyName sw "jen" and name.familyName co "ens" and name.familyName ew "SEN"`, true},
	{"15r", "ew is not co", "RFC 7644 §3.4.2.2", `name.familyName ew "jens" or name.familyName sw "ensen"`, false},
	{"15s", "gt, ge, lt and le of strings", "RFC 7644 §3.4.2.2", `name.familyName gt "JEN" and name.familyName le "jensen" and name.familyName ge "jensen" and name.familyName lt "k"`, true},
	{"15t", "ne", "RFC 7644 §3.4.2.2", `userType ne "Intern" and active ne false`, true},
	{"15u", "an attribute of an extension by its URN", "RFC 7644 §3.10", urnEnterprise + `:employeeNumber eq "701984"`, true},
	{"15v", "a core attribute by its URN", "RFC 7644 §3.10", urnUser + `:name.givenName sw "Bar"`, true},
	{"15w", "not inside of brackets", "RFC 7644 §3.4.2.2", `emails[type eq "home" and not (value co "@example.com")]`, true},
	{"15x", "or inside of brackets", "RFC 7644 §3.4.2.2", `addresses[country eq "NO" or locality eq "hollywood"]`, true},
	{"15y", "a comparison with a boolean", "RFC 7644 §3.4.2.2", `emails[primary eq true and type eq "work"]`, true},
	{"15z", "filters inside of several parentheses", "RFC 7644 §3.4.2.2", `((((title pr))) and ((not ((active eq false)))))`, true},
}

// badFilters are filters that a server must refuse: to ignore one would make an
// identity provider take the wrong person for the right one.
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

// trapsFilter is trap 15.
func trapsFilter() []testCase {
	var cases []testCase
	for _, m := range matching {
		cases = append(cases, testCase{"trap-" + m.id, m.name, m.source, needs(filterFeature), func(t *T) {
			tag := t.random()
			u := t.user(strings.ReplaceAll(filterUser, `T"`, tag+`"`))
			a := t.filter("/Users", `nickName eq "`+tag+`" and (`+strings.ReplaceAll(m.filter, `-T"`, "-"+tag+`"`)+`)`)
			if m.found {
				a.lists(u)
			} else {
				a.lists()
			}
		}})
	}
	cases = append(cases, testCase{"trap-15A", "a filter that is wrong is invalidFilter, and never a list of all", "RFC 7644 §3.4.2.2", needs(filterFeature), func(t *T) {
		for _, bad := range badFilters {
			for _, endpoint := range []string{"/Users", "/Groups"} {
				filter := bad.filter
				if endpoint == "/Groups" {
					filter = strings.NewReplacer("userName", "displayName", "emails", "members").Replace(filter)
				}
				if !strings.Contains(filter, "active") || endpoint == "/Users" {
					t.filter(endpoint, filter).refused(http.StatusBadRequest, "invalidFilter")
				}
			}
		}
	}}, testCase{"trap-15B", "a filter with an attribute that no schema has finds nobody", "RFC 7644 §3.4.2.2", needs(filterFeature), func(t *T) {
		t.user()
		for _, filter := range []string{`nope eq "x"`, `name.nope eq "x"`, `urn:example:none:2.0:User:x eq "x"`, `emails[nope eq "x"]`} {
			a := t.filter("/Users", filter)
			if a.status == http.StatusOK {
				a.lists() // RFC 7644 §3.4.2.1 takes it for unassigned where several types are asked.
				continue
			}
			a.refused(http.StatusBadRequest, "invalidFilter", "invalidPath")
		}
	}}, testCase{"trap-15C", "members of a group can be asked for", "RFC 7644 §3.4.2.2", needs(filterFeature), func(t *T) {
		u, other := t.user(), t.user()
		g := t.group(u)
		t.filter("/Groups", `displayName eq `+quoted(g.name)+` and members.value eq "`+u.id+`"`).lists(g)
		t.filter("/Groups", `id eq "`+g.id+`" and members[value eq "`+u.id+`"]`).lists(g)
		t.filter("/Groups", `id eq "`+g.id+`" and members.value eq "`+other.id+`"`).lists()
	}})
	return cases
}
