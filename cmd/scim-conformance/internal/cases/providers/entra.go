package providers

import (
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

const (
	entraSource  = "Entra ID SCIM Validator"
	entraPreview = "Entra ID SCIM Validator, preview"
)

// entraUserBody is how Entra ID creates a user.
func entraUserBody(name string) string {
	return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
 "externalId":"0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef","userName":` + suite.Quoted(name) + `,"active":true,
 "emails":[{"primary":true,"type":"work","value":` + suite.Quoted(name) + `}],
 "meta":{"resourceType":"User"},"name":{"formatted":"givenName familyName","familyName":"familyName","givenName":"givenName"},"roles":[]}`
}

func entraUser(t *suite.T) *suite.Resource { return t.Create("/Users", entraUserBody(t.UserName())) }

// op is the name of an operation as the profile's provider writes it: Entra ID
// capitalises.
func op(t *suite.T, name string) string {
	if t.Profile("Entra") {
		return strings.ToUpper(name[:1]) + name[1:]
	}
	return name
}

// entraUsers are the validator's tests of users.
func entraUsers() []suite.Case {
	filter := suite.Needs(suite.FilterFeature)
	return []suite.Case{
		{Name: "POST creates a user", Source: entraSource, Run: func(t *suite.T) {
			a := t.Post("/Users", entraUserBody(t.UserName())).OK(http.StatusCreated)
			a.Has("active", true).Has("name/familyName", "familyName").Has("emails/0/type", "work").Text("id")
		}},
		{Name: "POST creates a user with all attributes", Source: entraSource, Run: func(t *suite.T) {
			sent := suite.FullUser(t.UserName())
			delete(sent, "photos")
			sent["schemas"] = []any{suite.URNUser, suite.URNEnterprise}
			sent["timezone"], sent["preferredLanguage"] = "Zone "+t.Random(), "xx-"+t.Random() // Random, as the validator sends them.
			sent[suite.URNEnterprise] = suite.Parse(`{"employeeNumber":"x","department":"y","costCenter":"z"}`)
			delete(sent, "x509Certificates")
			a := t.Post("/Users", suite.JSON(sent)).OK(http.StatusCreated)
			delete(sent, "password")
			for name, want := range sent {
				if name != "schemas" {
					a.Has(name, want)
				}
			}
		}},
		{Name: "POST of a duplicate of a user is 409", Source: entraSource, Run: func(t *suite.T) {
			u := entraUser(t)
			t.Post("/Users", entraUserBody(u.Name)).Refused(http.StatusConflict, "uniqueness")
		}},
		{Name: "a filter finds a user", Source: entraSource, Needs: filter, Run: func(t *suite.T) {
			u := entraUser(t)
			t.Filter("/Users", `userName eq `+suite.Quoted(u.Name)).Lists(u)
		}},
		{Name: "a filter for nobody gives an empty list", Source: entraSource, Needs: filter, Run: func(t *suite.T) {
			t.Filter("/Users", `userName eq "131d0f2e-`+t.Random()+`"`).Lists()
		}},
		{Name: "a filter finds a user in another case", Source: entraSource, Needs: filter, Run: func(t *suite.T) {
			u := entraUser(t)
			t.Filter("/Users", `userName eq `+suite.Quoted(suite.Mixed(u.Name))).Lists(u)
		}},
		{Name: "PATCH replaces attributes by paths", Source: entraSource, Run: func(t *suite.T) {
			u := entraUser(t)
			u.Patched(`{"op":"`+op(t, "replace")+`","path":"emails[type eq \"work\"].value","value":"updatedEmail@example.com"}`,
				`{"op":"`+op(t, "replace")+`","path":"name.familyName","value":"updatedFamilyName"}`).
				Has("emails/0/value", "updatedEmail@example.com").Has("name/familyName", "updatedFamilyName").Has("name/givenName", "givenName")
		}},
		{Name: "PATCH without a path replaces the userName", Source: entraSource, Run: func(t *suite.T) {
			u := entraUser(t)
			name := t.UserName()
			u.Patched(`{"op":"replace","value":{"userName":`+suite.Quoted(name)+`}}`).Has("userName", name)
		}},
		{Name: "PATCH disables a user", Source: entraSource, Run: func(t *suite.T) {
			u := entraUser(t)
			u.Patched(`{"op":"`+op(t, "replace")+`","path":"active","value":false}`).Has("active", false)
			t.Filter("/Users", `userName eq `+suite.Quoted(u.Name)).Lists(u)
		}},
		{Name: "PATCH adds 36 attributes to a minimal user", Source: entraSource, Run: entraAddAll},
		{Name: "PATCH adds a manager", Source: entraSource, Run: func(t *suite.T) {
			u, manager := entraUser(t), entraUser(t)
			u.Patched(`{"op":"`+op(t, "add")+`","path":"`+suite.URNEnterprise+`:manager","value":`+managerValue(t, manager.ID)+`}`).Has(suite.URNEnterprise+"/manager/value", manager.ID)
		}},
		{Name: "PATCH replaces the manager", Source: entraSource, Run: func(t *suite.T) {
			u, first, second := entraUser(t), entraUser(t), entraUser(t)
			u.Patched(`{"op":"`+op(t, "add")+`","path":"`+suite.URNEnterprise+`:manager","value":`+managerValue(t, first.ID)+`}`).Has(suite.URNEnterprise+"/manager/value", first.ID)
			u.Patched(`{"op":"`+op(t, "replace")+`","path":"`+suite.URNEnterprise+`:manager","value":`+managerValue(t, second.ID)+`}`).Has(suite.URNEnterprise+"/manager/value", second.ID)
		}},
		{Name: "PATCH removes the manager", Source: entraSource, Run: func(t *suite.T) {
			u, manager := entraUser(t), entraUser(t)
			u.Patched(`{"op":"add","path":"` + suite.URNEnterprise + `:manager","value":` + managerValue(t, manager.ID) + `}`)
			if t.Profile("Entra") {
				u.Patched(`{"op":"Replace","path":"` + suite.URNEnterprise + `:manager","value":""}`).Lacks(suite.URNEnterprise + "/manager")
				return
			}
			u.Patched(`{"op":"remove","path":"` + suite.URNEnterprise + `:manager"}`).Lacks(suite.URNEnterprise + "/manager")
		}},
		{Name: "DELETE removes a user", Source: entraSource, Run: func(t *suite.T) {
			u := entraUser(t)
			t.Delete(u.Path).OK(http.StatusNoContent)
			t.Get(u.Path).Refused(http.StatusNotFound)
		}},
		{Name: "one PATCH with operations on several attributes", Source: entraPreview, Run: func(t *suite.T) {
			entraUser(t).Patched(`{"op":"`+op(t, "add")+`","path":"title","value":"T"}`, `{"op":"`+op(t, "replace")+`","path":"name.givenName","value":"G"}`,
				`{"op":"`+op(t, "remove")+`","path":"externalId"}`, `{"op":"`+op(t, "replace")+`","path":"active","value":false}`).
				Has("title", "T").Has("name/givenName", "G").Has("active", false).Unassigned("externalId")
		}},
		{Name: "one PATCH with several operations on one attribute of a user", Source: entraPreview, Run: func(t *suite.T) {
			entraUser(t).Patched(`{"op":"`+op(t, "add")+`","path":"displayName","value":"a"}`, `{"op":"`+op(t, "remove")+`","path":"displayName"}`,
				`{"op":"`+op(t, "add")+`","path":"displayName","value":"b"}`, `{"op":"`+op(t, "replace")+`","path":"displayName","value":"c"}`).Has("displayName", "c")
		}},
		{Name: "DELETE of a user whom there is not", Source: entraPreview, Run: func(t *suite.T) {
			t.Delete("/Users/" + t.Random()).Refused(http.StatusNotFound)
		}},
		{Name: "DELETE of a user twice", Source: entraPreview, Run: func(t *suite.T) {
			u := entraUser(t)
			t.Delete(u.Path).OK(http.StatusNoContent)
			t.Delete(u.Path).Refused(http.StatusNotFound)
		}},
	}
}

// managerValue is a manager as Entra ID sends it, a bare string, or as the RFC has
// it.
func managerValue(t *suite.T, id string) string {
	if t.Profile("Entra") {
		return suite.Quoted(id)
	}
	return suite.JSON(suite.Document{"value": id})
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
	{suite.URNEnterprise + `:employeeNumber`, `"1"`, suite.URNEnterprise + "/employeeNumber", false}, {suite.URNEnterprise + `:costCenter`, `"2"`, suite.URNEnterprise + "/costCenter", false},
	{suite.URNEnterprise + `:organization`, `"3"`, suite.URNEnterprise + "/organization", false}, {suite.URNEnterprise + `:division`, `"4"`, suite.URNEnterprise + "/division", false},
	{suite.URNEnterprise + `:department`, `"5"`, suite.URNEnterprise + "/department", false},
	{`phoneNumbers[type eq "work"].value`, `"w"`, "phoneNumbers/work/value", true}, {`phoneNumbers[type eq "mobile"].value`, `"m"`, "phoneNumbers/mobile/value", true},
	{`phoneNumbers[type eq "fax"].value`, `"f"`, "phoneNumbers/fax/value", true}, {`emails[type eq "home"].value`, `"h@example.com"`, "emails/home/value", true},
	{`emails[type eq "other"].value`, `"o@example.com"`, "emails/other/value", true}, {`ims[type eq "xmpp"].value`, `"x"`, "ims/xmpp/value", true},
	{`addresses[type eq "work"].formatted`, `"a\nb"`, "addresses/work/formatted", true}, {`addresses[type eq "work"].streetAddress`, `"s"`, "addresses/work/streetAddress", true},
	{`addresses[type eq "work"].locality`, `"l"`, "addresses/work/locality", true}, {`addresses[type eq "work"].region`, `"r"`, "addresses/work/region", true},
	{`addresses[type eq "work"].postalCode`, `"p"`, "addresses/work/postalCode", true}, {`addresses[type eq "work"].country`, `"NO"`, "addresses/work/country", true},
	{`roles[primary eq "True"].display`, `"d"`, "roles/True/display", true}, {`roles[primary eq "True"].value`, `"v"`, "roles/True/value", true},
	{`roles[primary eq "True"].type`, `"t"`, "roles/True/type", true}, {`active`, `"True"`, "active", true},
}

func entraAddAll(t *suite.T) {
	u := t.Create("/Users", `{"schemas":["`+suite.URNUser+`"],"userName":`+suite.Quoted(t.UserName())+`,"emails":[{"type":"work","value":"w@example.com"}]}`)
	var operations []string
	for _, add := range entraAdds {
		if t.Profile("Entra") || !add.creates {
			operations = append(operations, `{"op":"`+op(t, "add")+`","path":`+suite.Quoted(add.path)+`,"value":`+add.value+`}`)
		}
	}
	a := u.Patched(operations...)
	for _, add := range entraAdds {
		want := suite.Parse(`{"v":` + add.value + `}`)["v"]
		attribute, rest, _ := strings.Cut(add.at, "/")
		kind, sub, byType := strings.Cut(rest, "/")
		switch {
		case !add.creates:
			a.Has(add.at, want)
		case !t.Profile("Entra"):
		case add.path == "active":
			a.Has("active", true)
		case byType && kind == "True":
			a.Expect(suite.SameJSON(a.Element(attribute, "primary", true)[sub], want), "%s to be %s", add.path, add.value)
		default:
			a.Expect(suite.SameJSON(a.Element(attribute, "type", kind)[sub], want), "%s to be %s", add.path, add.value)
		}
	}
	a.Expect(a.Element("emails", "type", "work")["value"] == "w@example.com", "the e-mail address that was there")
}

// entraGroups are the validator's tests of groups.
func entraGroups() []suite.Case {
	filter := suite.Needs(suite.FilterFeature)
	return []suite.Case{
		{Name: "POST creates a group", Source: entraSource, Run: func(t *suite.T) {
			g := entraGroup(t)
			g.Get().Has("displayName", g.Name).Has("externalId", "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159").Unassigned("members")
		}},
		{Name: "POST of a duplicate of a group is 409", Source: entraSource, Run: func(t *suite.T) {
			g := entraGroup(t)
			a := t.Post("/Groups", entraGroupBody(t, g.Name))
			if t.Generic() && a.Status == http.StatusCreated {
				a.OK(http.StatusCreated) // RFC 7643 §4.2 does not want group names to be unique.
				return
			}
			a.Refused(http.StatusConflict, "uniqueness")
		}},
		{Name: "GET by id without members", Source: entraSource, Run: func(t *suite.T) {
			u := t.User()
			g := entraGroup(t)
			g.Patched(`{"op":"add","path":"members","value":` + suite.MembersOf(u) + `}`)
			g.Get("excludedAttributes", "members").Has("id", g.ID).Has("displayName", g.Name).Lacks("members")
		}},
		{Name: "a filter finds a group, with members and without", Source: entraSource, Needs: filter, Run: func(t *suite.T) {
			u := t.User()
			g := entraGroup(t)
			g.Patched(`{"op":"add","path":"members","value":` + suite.MembersOf(u) + `}`)
			t.Filter("/Groups", `displayName eq `+suite.Quoted(g.Name)).Lists(g).Has("Resources/0/members/0/value", u.ID)
			t.Filter("/Groups", `displayName eq `+suite.Quoted(g.Name), "excludedAttributes", "members").Lists(g).Lacks("Resources/0/members")
		}},
		{Name: "a filter for no group gives an empty list", Source: entraSource, Needs: filter, Run: func(t *suite.T) {
			t.Filter("/Groups", `displayName eq "`+t.Random()+`"`, "excludedAttributes", "members").Lists()
		}},
		{Name: "a filter finds a group in another case", Source: entraSource, Needs: filter, Run: func(t *suite.T) {
			g := entraGroup(t)
			t.Filter("/Groups", `displayName eq `+suite.Quoted(suite.Mixed(g.Name)), "excludedAttributes", "members").Lists(g)
		}},
		{Name: "PATCH replaces the displayName", Source: entraSource, Run: func(t *suite.T) {
			g := entraGroup(t)
			name := "g-" + t.Random()
			g.Patched(`{"op":"`+op(t, "replace")+`","path":"displayName","value":"`+name+`"}`).Has("displayName", name)
		}},
		{Name: "PATCH replaces the externalId", Source: entraSource, Run: func(t *suite.T) {
			g := entraGroup(t)
			g.Patched(`{"op":"`+op(t, "replace")+`","path":"externalId","value":"other"}`).Has("externalId", "other")
		}},
		{Name: "PATCH adds a member", Source: entraSource, Run: func(t *suite.T) {
			u := t.User()
			entraGroup(t).Patched(`{"op":"` + op(t, "add") + `","path":"members","value":[{"$ref":null,"value":"` + u.ID + `"}]}`).HasMembers(u)
		}},
		{Name: "PATCH removes a member", Source: entraSource, Run: func(t *suite.T) {
			u := t.Users(2)
			g := entraGroup(t)
			g.Patched(`{"op":"` + op(t, "add") + `","path":"members","value":` + suite.MembersOf(u...) + `}`)
			if t.Profile("Entra") {
				g.Patched(`{"op":"Remove","path":"members","value":[{"$ref":null,"value":"` + u[0].ID + `"}]}`).HasMembers(u[1])
				return
			}
			g.Patched(`{"op":"remove","path":"members[value eq \"` + u[0].ID + `\"]"}`).HasMembers(u[1])
		}},
		{Name: "DELETE removes a group", Source: entraSource, Run: func(t *suite.T) {
			g := entraGroup(t)
			t.Delete(g.Path).OK(http.StatusNoContent)
			t.Get(g.Path).Refused(http.StatusNotFound)
		}},
		{Name: "one PATCH with several operations on one attribute of a group", Source: entraPreview, Run: func(t *suite.T) {
			u := t.Users(3)
			g := entraGroup(t)
			g.Patched(`{"op":"`+op(t, "add")+`","path":"members","value":`+suite.MembersOf(u[0], u[1])+`}`, `{"op":"`+op(t, "remove")+`","path":"members[value eq \"`+u[0].ID+`\"]"}`,
				`{"op":"`+op(t, "add")+`","path":"members","value":`+suite.MembersOf(u[2])+`}`, `{"op":"`+op(t, "replace")+`","path":"displayName","value":"`+g.Name+`-2"}`).
				HasMembers(u[1], u[2]).Has("displayName", g.Name+"-2")
		}},
		{Name: "DELETE of a group that there is not", Source: entraPreview, Run: func(t *suite.T) {
			t.Delete("/Groups/" + t.Random()).Refused(http.StatusNotFound)
		}},
		{Name: "DELETE of a group twice", Source: entraPreview, Run: func(t *suite.T) {
			g := entraGroup(t)
			t.Delete(g.Path).OK(http.StatusNoContent)
			t.Delete(g.Path).Refused(http.StatusNotFound)
		}},
	}
}

// entraGroupBody is how Entra ID creates a group: with a schema of its own.
func entraGroupBody(t *suite.T, name string) string {
	schemas := `"` + suite.URNGroup + `"`
	if t.Profile("Entra") {
		schemas += `,"http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"`
	}
	return `{"schemas":[` + schemas + `],"externalId":"8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159","displayName":"` + name + `","meta":{"resourceType":"Group"}}`
}

func entraGroup(t *suite.T) *suite.Resource {
	return t.Create("/Groups", entraGroupBody(t, "g-"+t.Random()))
}
