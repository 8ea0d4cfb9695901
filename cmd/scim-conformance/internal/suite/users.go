package suite

import (
	"crypto/rand"
	"maps"
	"net/http"
	"strings"
)

// Random is a word that nobody else has.
func (t *T) Random() string { return t.Suite.Mark + strings.ToLower(rand.Text()[:10]) }

// UserName is one that nobody else has.
func (t *T) UserName() string { return "u-" + t.Random() + "@example.com" }

// UserDoc is an ordinary user, with the members of a JSON object in addition or
// instead.
func (t *T) UserDoc(members ...string) Document {
	name := t.UserName()
	doc := Document{
		"schemas":     []any{URNUser},
		"userName":    name,
		"name":        Document{"givenName": "Barbara", "familyName": "Jensen"},
		"displayName": "Babs Jensen",
		"emails":      []any{Document{"value": name, "type": "work", "primary": true}},
		"active":      true,
	}
	more := Parse("{" + strings.Join(members, ",") + "}")
	if more[URNEnterprise] != nil {
		doc["schemas"] = []any{URNUser, URNEnterprise}
	}
	maps.Copy(doc, more)
	return doc
}

// UserBody is UserDoc as text.
func (t *T) UserBody(members ...string) string { return JSON(t.UserDoc(members...)) }

// GroupDoc is a group, with the members of a JSON object in addition or instead.
func (t *T) GroupDoc(members ...string) Document {
	doc := Document{"schemas": []any{URNGroup}, "displayName": "g-" + t.Random()}
	maps.Copy(doc, Parse("{"+strings.Join(members, ",")+"}"))
	return doc
}

// User makes a user.
func (t *T) User(members ...string) *Resource {
	return t.Create("/Users", t.UserBody(members...))
}

// Users makes several.
func (t *T) Users(n int, members ...string) []*Resource {
	made := make([]*Resource, n)
	for i := range made {
		made[i] = t.User(members...)
	}
	return made
}

// Group makes a group of the resources.
func (t *T) Group(members ...*Resource) *Resource {
	return t.Create("/Groups", JSON(t.GroupDoc(`"members":`+MembersOf(members...))))
}

// Create makes a resource of which the body is given, and reads what it is then.
func (t *T) Create(endpoint, body string) *Resource {
	return t.Post(endpoint, body).OK(http.StatusCreated).Resource(endpoint)
}

// Tagged makes users whom a filter by nickName finds together.
func (t *T) Tagged(members ...string) (filter string, users []*Resource) {
	t.Need(FilterFeature)
	tag := t.Random()
	for _, m := range members {
		more := `"nickName":"` + tag + `"`
		if m != "" {
			more += "," + m
		}
		users = append(users, t.User(more))
	}
	return `nickName eq "` + tag + `"`, users
}

// FullUser is that of RFC 7643 section 8.2 without what only a server sets.
func FullUser(name string) Document {
	doc := Parse(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"701984",
		"name":{"formatted":"Ms. Barbara J Jensen, III","familyName":"Jensen","givenName":"Barbara","middleName":"Jane","honorificPrefix":"Ms.","honorificSuffix":"III"},
		"displayName":"Babs Jensen","nickName":"Babs","profileUrl":"https://login.example.com/bjensen",
		"emails":[{"value":"bjensen@example.com","type":"work","primary":true},{"value":"babs@jensen.example.org","type":"home"}],
		"addresses":[{"type":"work","streetAddress":"100 Universal City Plaza","locality":"Hollywood","region":"CA","postalCode":"91608","country":"USA","formatted":"100 Universal City Plaza\nHollywood, CA 91608 USA"},
			{"type":"home","streetAddress":"456 Hollywood Blvd","locality":"Hollywood","region":"CA","postalCode":"91608","country":"USA","formatted":"456 Hollywood Blvd\nHollywood, CA 91608 USA"}],
		"phoneNumbers":[{"value":"555-555-5555","type":"work"},{"value":"555-555-4444","type":"mobile"}],
		"ims":[{"value":"someaimhandle","type":"aim"}],
		"photos":[{"value":"https://photos.example.com/profilephoto/72930000000Ccne/F","type":"photo"},{"value":"https://photos.example.com/profilephoto/72930000000Ccne/T","type":"thumbnail"}],
		"userType":"Employee","title":"Tour Guide","preferredLanguage":"en-US","locale":"en-US","timezone":"America/Los_Angeles","active":true,"password":"t1meMa$heen",
		"x509Certificates":[{"value":"MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQAwTjELMAkGA1UEBhMCVVM="}]}`)
	doc["userName"] = name
	return doc
}

// TourGuide is what makes of an ordinary user one with more attributes, for UserDoc.
const TourGuide = `"title":"Guide","nickName":"Babs","` + URNEnterprise + `":{"department":"Tours","employeeNumber":"7"}`
