package main

import (
	"net/http"
	"strings"
)

const (
	entraSource  = "Entra ID SCIM Validator"
	entraPreview = "Entra ID SCIM Validator, preview"
)

// entraUser is how Entra ID creates a user.
func entraUser(name string) string {
	return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
 "externalId":"0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef","userName":` + quoted(name) + `,"active":true,
 "emails":[{"primary":true,"type":"work","value":` + quoted(name) + `}],
 "meta":{"resourceType":"User"},"name":{"formatted":"givenName familyName","familyName":"familyName","givenName":"givenName"},"roles":[]}`
}

func (t *T) entraUser() *resource { return t.create("/Users", entraUser(t.userName())) }

// op is the name of an operation as the profile's provider writes it: Entra ID
// capitalises.
func (t *T) op(name string) string {
	if t.profile("Entra") {
		return strings.ToUpper(name[:1]) + name[1:]
	}
	return name
}

// entraUsers are the validator's tests of users.
func entraUsers() []testCase {
	filter := needs(filterFeature)
	return []testCase{
		{"entra-user-01", "POST creates a user", entraSource, nil, func(t *T) {
			a := t.post("/Users", entraUser(t.userName())).ok(http.StatusCreated)
			a.has("active", true).has("name/familyName", "familyName").has("emails/0/type", "work").text("id")
		}},
		{"entra-user-02", "POST creates a user with all attributes", entraSource, nil, func(t *T) {
			sent := fullUser(t.userName())
			delete(sent, "photos")
			sent["schemas"] = []any{urnUser, urnEnterprise}
			sent["timezone"], sent["preferredLanguage"] = "Zone "+t.random(), "xx-"+t.random() // Random, as the validator sends them.
			sent[urnEnterprise] = parsed(`{"employeeNumber":"x","department":"y","costCenter":"z"}`)
			delete(sent, "x509Certificates")
			a := t.post("/Users", jsonOf(sent)).ok(http.StatusCreated)
			delete(sent, "password")
			for name, want := range sent {
				if name != "schemas" {
					a.has(name, want)
				}
			}
		}},
		{"entra-user-03", "POST of a duplicate is 409", entraSource, nil, func(t *T) {
			u := t.entraUser()
			t.post("/Users", entraUser(u.name)).refused(http.StatusConflict, "uniqueness")
		}},
		{"entra-user-04", "a filter finds a user", entraSource, filter, func(t *T) {
			u := t.entraUser()
			t.filter("/Users", `userName eq `+quoted(u.name)).lists(u)
		}},
		{"entra-user-05", "a filter for nobody gives an empty list", entraSource, filter, func(t *T) {
			t.filter("/Users", `userName eq "131d0f2e-`+t.random()+`"`).lists()
		}},
		{"entra-user-06", "a filter finds a user in another case", entraSource, filter, func(t *T) {
			u := t.entraUser()
			t.filter("/Users", `userName eq `+quoted(mixed(u.name))).lists(u)
		}},
		{"entra-user-07", "PATCH replaces attributes by paths", entraSource, nil, func(t *T) {
			u := t.entraUser()
			u.patched(`{"op":"`+t.op("replace")+`","path":"emails[type eq \"work\"].value","value":"updatedEmail@example.com"}`,
				`{"op":"`+t.op("replace")+`","path":"name.familyName","value":"updatedFamilyName"}`).
				has("emails/0/value", "updatedEmail@example.com").has("name/familyName", "updatedFamilyName").has("name/givenName", "givenName")
		}},
		{"entra-user-08", "PATCH without a path replaces the userName", entraSource, nil, func(t *T) {
			u := t.entraUser()
			name := t.userName()
			u.patched(`{"op":"replace","value":{"userName":`+quoted(name)+`}}`).has("userName", name)
		}},
		{"entra-user-09", "PATCH disables a user", entraSource, nil, func(t *T) {
			u := t.entraUser()
			u.patched(`{"op":"`+t.op("replace")+`","path":"active","value":false}`).has("active", false)
			t.filter("/Users", `userName eq `+quoted(u.name)).lists(u)
		}},
		{"entra-user-10", "PATCH adds 36 attributes to a minimal user", entraSource, nil, entraAddAll},
		{"entra-user-11", "PATCH adds a manager", entraSource, nil, func(t *T) {
			u, manager := t.entraUser(), t.entraUser()
			u.patched(`{"op":"`+t.op("add")+`","path":"`+urnEnterprise+`:manager","value":`+t.managerValue(manager.id)+`}`).has(urnEnterprise+"/manager/value", manager.id)
		}},
		{"entra-user-12", "PATCH replaces the manager", entraSource, nil, func(t *T) {
			u, first, second := t.entraUser(), t.entraUser(), t.entraUser()
			u.patched(`{"op":"`+t.op("add")+`","path":"`+urnEnterprise+`:manager","value":`+t.managerValue(first.id)+`}`).has(urnEnterprise+"/manager/value", first.id)
			u.patched(`{"op":"`+t.op("replace")+`","path":"`+urnEnterprise+`:manager","value":`+t.managerValue(second.id)+`}`).has(urnEnterprise+"/manager/value", second.id)
		}},
		{"entra-user-13", "PATCH removes the manager", entraSource, nil, func(t *T) {
			u, manager := t.entraUser(), t.entraUser()
			u.patched(`{"op":"add","path":"` + urnEnterprise + `:manager","value":` + t.managerValue(manager.id) + `}`)
			if t.profile("Entra") {
				u.patched(`{"op":"Replace","path":"` + urnEnterprise + `:manager","value":""}`).lacks(urnEnterprise + "/manager")
				return
			}
			u.patched(`{"op":"remove","path":"` + urnEnterprise + `:manager"}`).lacks(urnEnterprise + "/manager")
		}},
		{"entra-user-14", "DELETE removes a user", entraSource, nil, func(t *T) {
			u := t.entraUser()
			t.delete(u.path).ok(http.StatusNoContent)
			t.get(u.path).refused(http.StatusNotFound)
		}},
		{"entra-preview-01", "one PATCH with operations on several attributes", entraPreview, nil, func(t *T) {
			t.entraUser().patched(`{"op":"`+t.op("add")+`","path":"title","value":"T"}`, `{"op":"`+t.op("replace")+`","path":"name.givenName","value":"G"}`,
				`{"op":"`+t.op("remove")+`","path":"externalId"}`, `{"op":"`+t.op("replace")+`","path":"active","value":false}`).
				has("title", "T").has("name/givenName", "G").has("active", false).unassigned("externalId")
		}},
		{"entra-preview-02", "one PATCH with several operations on one attribute of a user", entraPreview, nil, func(t *T) {
			t.entraUser().patched(`{"op":"`+t.op("add")+`","path":"displayName","value":"a"}`, `{"op":"`+t.op("remove")+`","path":"displayName"}`,
				`{"op":"`+t.op("add")+`","path":"displayName","value":"b"}`, `{"op":"`+t.op("replace")+`","path":"displayName","value":"c"}`).has("displayName", "c")
		}},
		{"entra-preview-03", "DELETE of a user whom there is not", entraPreview, nil, func(t *T) {
			t.delete("/Users/" + t.random()).refused(http.StatusNotFound)
		}},
		{"entra-preview-04", "DELETE of a user twice", entraPreview, nil, func(t *T) {
			u := t.entraUser()
			t.delete(u.path).ok(http.StatusNoContent)
			t.delete(u.path).refused(http.StatusNotFound)
		}},
	}
}

// managerValue is a manager as Entra ID sends it, a bare string, or as the RFC has
// it.
func (t *T) managerValue(id string) string {
	if t.profile("Entra") {
		return quoted(id)
	}
	return jsonOf(document{"value": id})
}

// entraAdds are paths and values of a PATCH, where the answer has them, and whether
// the RFC has them: a path with a filter makes a value for Entra ID alone.
var entraAdds = []struct {
	path, value, at string
	creates         bool
}{
	{`displayName`, `"Babs"`, "displayName", false}, {`title`, `"Guide"`, "title", false}, {`nickName`, `"Babs"`, "nickName", false},
	{`userType`, `"Employee"`, "userType", false}, {`preferredLanguage`, `"random-9"`, "preferredLanguage", false}, {`locale`, `"random-8"`, "locale", false},
	{`timezone`, `"random-7"`, "timezone", false}, {`profileUrl`, `"https://example.com/p"`, "profileUrl", false}, {`externalId`, `"ext"`, "externalId", false},
	{`name.givenName`, `"G"`, "name/givenName", false}, {`name.familyName`, `"F"`, "name/familyName", false}, {`name.formatted`, `"G F"`, "name/formatted", false},
	{`name.middleName`, `"M"`, "name/middleName", false}, {`name.honorificPrefix`, `"P"`, "name/honorificPrefix", false}, {`name.honorificSuffix`, `"S"`, "name/honorificSuffix", false},
	{urnEnterprise + `:employeeNumber`, `"1"`, urnEnterprise + "/employeeNumber", false}, {urnEnterprise + `:costCenter`, `"2"`, urnEnterprise + "/costCenter", false},
	{urnEnterprise + `:organization`, `"3"`, urnEnterprise + "/organization", false}, {urnEnterprise + `:division`, `"4"`, urnEnterprise + "/division", false},
	{urnEnterprise + `:department`, `"5"`, urnEnterprise + "/department", false},
	{`phoneNumbers[type eq "work"].value`, `"w"`, "phoneNumbers/work/value", true}, {`phoneNumbers[type eq "mobile"].value`, `"m"`, "phoneNumbers/mobile/value", true},
	{`phoneNumbers[type eq "fax"].value`, `"f"`, "phoneNumbers/fax/value", true}, {`emails[type eq "home"].value`, `"h@example.com"`, "emails/home/value", true},
	{`emails[type eq "other"].value`, `"o@example.com"`, "emails/other/value", true}, {`ims[type eq "xmpp"].value`, `"x"`, "ims/xmpp/value", true},
	{`addresses[type eq "work"].formatted`, `"a\nb"`, "addresses/work/formatted", true}, {`addresses[type eq "work"].streetAddress`, `"s"`, "addresses/work/streetAddress", true},
	{`addresses[type eq "work"].locality`, `"l"`, "addresses/work/locality", true}, {`addresses[type eq "work"].region`, `"r"`, "addresses/work/region", true},
	{`addresses[type eq "work"].postalCode`, `"p"`, "addresses/work/postalCode", true}, {`addresses[type eq "work"].country`, `"NO"`, "addresses/work/country", true},
	{`roles[primary eq "True"].display`, `"d"`, "roles/True/display", true}, {`roles[primary eq "True"].value`, `"v"`, "roles/True/value", true},
	{`roles[primary eq "True"].type`, `"t"`, "roles/True/type", true}, {`active`, `"True"`, "active", true},
}

func entraAddAll(t *T) {
	u := t.create("/Users", `{"schemas":["`+urnUser+`"],"userName":`+quoted(t.userName())+`,"emails":[{"type":"work","value":"w@example.com"}]}`)
	var operations []string
	for _, add := range entraAdds {
		if t.profile("Entra") || !add.creates {
			operations = append(operations, `{"op":"`+t.op("add")+`","path":`+quoted(add.path)+`,"value":`+add.value+`}`)
		}
	}
	a := u.patched(operations...)
	for _, add := range entraAdds {
		want := parsed(`{"v":` + add.value + `}`)["v"]
		attribute, rest, _ := strings.Cut(add.at, "/")
		kind, sub, byType := strings.Cut(rest, "/")
		switch {
		case !add.creates:
			a.has(add.at, want)
		case !t.profile("Entra"):
		case add.path == "active":
			a.has("active", true)
		case byType && kind == "True":
			a.expect(equal(a.element(attribute, "primary", true)[sub], want), "%s to be %s", add.path, add.value)
		default:
			a.expect(equal(a.element(attribute, "type", kind)[sub], want), "%s to be %s", add.path, add.value)
		}
	}
	a.expect(a.element("emails", "type", "work")["value"] == "w@example.com", "the e-mail address that was there")
}

// entraGroups are the validator's tests of groups.
func entraGroups() []testCase {
	filter := needs(filterFeature)
	return []testCase{
		{"entra-group-01", "POST creates a group", entraSource, nil, func(t *T) {
			g := t.entraGroup()
			g.get().has("displayName", g.name).has("externalId", "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159").unassigned("members")
		}},
		{"entra-group-02", "POST of a duplicate is 409", entraSource, nil, func(t *T) {
			g := t.entraGroup()
			a := t.post("/Groups", t.entraGroupBody(g.name))
			if t.generic() && a.status == http.StatusCreated {
				a.ok(http.StatusCreated) // RFC 7643 §4.2 does not want group names to be unique.
				return
			}
			a.refused(http.StatusConflict, "uniqueness")
		}},
		{"entra-group-03", "GET by id without members", entraSource, nil, func(t *T) {
			u := t.user()
			g := t.entraGroup()
			g.patched(`{"op":"add","path":"members","value":` + membersOf(u) + `}`)
			g.get("excludedAttributes", "members").has("id", g.id).has("displayName", g.name).lacks("members")
		}},
		{"entra-group-04", "a filter finds a group, with members and without", entraSource, filter, func(t *T) {
			u := t.user()
			g := t.entraGroup()
			g.patched(`{"op":"add","path":"members","value":` + membersOf(u) + `}`)
			t.filter("/Groups", `displayName eq `+quoted(g.name)).lists(g).has("Resources/0/members/0/value", u.id)
			t.filter("/Groups", `displayName eq `+quoted(g.name), "excludedAttributes", "members").lists(g).lacks("Resources/0/members")
		}},
		{"entra-group-05", "a filter for no group gives an empty list", entraSource, filter, func(t *T) {
			t.filter("/Groups", `displayName eq "`+t.random()+`"`, "excludedAttributes", "members").lists()
		}},
		{"entra-group-06", "a filter finds a group in another case", entraSource, filter, func(t *T) {
			g := t.entraGroup()
			t.filter("/Groups", `displayName eq `+quoted(mixed(g.name)), "excludedAttributes", "members").lists(g)
		}},
		{"entra-group-07", "PATCH replaces the displayName", entraSource, nil, func(t *T) {
			g := t.entraGroup()
			name := "g-" + t.random()
			g.patched(`{"op":"`+t.op("replace")+`","path":"displayName","value":"`+name+`"}`).has("displayName", name)
		}},
		{"entra-group-08", "PATCH replaces the externalId", entraSource, nil, func(t *T) {
			g := t.entraGroup()
			g.patched(`{"op":"`+t.op("replace")+`","path":"externalId","value":"other"}`).has("externalId", "other")
		}},
		{"entra-group-09", "PATCH adds a member", entraSource, nil, func(t *T) {
			u := t.user()
			t.entraGroup().patched(`{"op":"` + t.op("add") + `","path":"members","value":[{"$ref":null,"value":"` + u.id + `"}]}`).hasMembers(u)
		}},
		{"entra-group-10", "PATCH removes a member", entraSource, nil, func(t *T) {
			u := t.users(2)
			g := t.entraGroup()
			g.patched(`{"op":"` + t.op("add") + `","path":"members","value":` + membersOf(u...) + `}`)
			if t.profile("Entra") {
				g.patched(`{"op":"Remove","path":"members","value":[{"$ref":null,"value":"` + u[0].id + `"}]}`).hasMembers(u[1])
				return
			}
			g.patched(`{"op":"remove","path":"members[value eq \"` + u[0].id + `\"]"}`).hasMembers(u[1])
		}},
		{"entra-group-11", "DELETE removes a group", entraSource, nil, func(t *T) {
			g := t.entraGroup()
			t.delete(g.path).ok(http.StatusNoContent)
			t.get(g.path).refused(http.StatusNotFound)
		}},
		{"entra-preview-05", "one PATCH with several operations on one attribute of a group", entraPreview, nil, func(t *T) {
			u := t.users(3)
			g := t.entraGroup()
			g.patched(`{"op":"`+t.op("add")+`","path":"members","value":`+membersOf(u[0], u[1])+`}`, `{"op":"`+t.op("remove")+`","path":"members[value eq \"`+u[0].id+`\"]"}`,
				`{"op":"`+t.op("add")+`","path":"members","value":`+membersOf(u[2])+`}`, `{"op":"`+t.op("replace")+`","path":"displayName","value":"`+g.name+`-2"}`).
				hasMembers(u[1], u[2]).has("displayName", g.name+"-2")
		}},
		{"entra-preview-06", "DELETE of a group that there is not", entraPreview, nil, func(t *T) {
			t.delete("/Groups/" + t.random()).refused(http.StatusNotFound)
		}},
		{"entra-preview-07", "DELETE of a group twice", entraPreview, nil, func(t *T) {
			g := t.entraGroup()
			t.delete(g.path).ok(http.StatusNoContent)
			t.delete(g.path).refused(http.StatusNotFound)
		}},
	}
}

// entraGroupBody is how Entra ID creates a group: with a schema of its own.
func (t *T) entraGroupBody(name string) string {
	schemas := `"` + urnGroup + `"`
	if t.profile("Entra") {
		schemas += `,"http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"`
	}
	return `{"schemas":[` + schemas + `],"externalId":"8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159","displayName":"` + name + `","meta":{"resourceType":"Group"}}`
}

func (t *T) entraGroup() *resource {
	return t.create("/Groups", t.entraGroupBody("g-"+t.random()))
}
