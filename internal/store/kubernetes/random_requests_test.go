package kubernetes

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

// call is a request with symbols for ids.
type call struct{ method, path, body string }

// symbol is that of the resource that the path ends in.
func (r call) symbol() string {
	return strings.Trim(r.path[strings.LastIndexByte(r.path, '/')+1:], "{}")
}

// generator makes requests at random from the pieces below. It knows what there is, so
// that most requests are about something.
type generator struct {
	*rand.Rand
	users, groups, gone []string // symbols
}

// created gives a new user or group a symbol.
func (g *generator) created(path string) (symbol string) {
	symbol = fmt.Sprintf("symbol-%d", len(g.users)+len(g.groups)+len(g.gone))
	if strings.HasPrefix(path, "/Users") {
		g.users = append(g.users, symbol)
	} else {
		g.groups = append(g.groups, symbol)
	}
	return symbol
}

func (g *generator) cameBack(user string) {
	g.gone = without(g.gone, user)
	g.users = append(g.users, user)
}

func (g *generator) deleted(symbol string) {
	g.users, g.groups = without(g.users, symbol), without(g.groups, symbol)
	g.gone = append(g.gone, symbol)
}

func without(list []string, one string) []string {
	return slices.DeleteFunc(list, func(each string) bool { return each == one })
}

// request is the next one.
func (g *generator) request() call {
	user, group := "/Users/"+g.expand("{user}"), "/Groups/"+g.expand("{group}")
	one := g.one(user, group)
	projection := ""
	if g.IntN(3) == 0 {
		projection = "?" + g.one("attributes", "excludedAttributes") + "=" + g.one(projections...)
	}
	switch g.IntN(14) {
	case 0, 1:
		return call{http.MethodPost, "/Users" + projection, g.user()}
	case 2:
		return call{http.MethodPost, "/Groups" + projection, g.group()}
	case 3:
		return call{http.MethodPut, user + projection, g.user()}
	case 4:
		return call{http.MethodPut, group + projection, g.group()}
	case 5, 6:
		return call{http.MethodPatch, user, g.patch(userOperations)}
	case 7, 8, 9:
		return call{http.MethodPatch, group, g.patch(groupOperations)}
	case 10:
		if g.IntN(2) == 0 {
			return call{http.MethodDelete, one, ""}
		}
		return call{http.MethodGet, one + projection, ""}
	case 11:
		return call{http.MethodGet, one + projection, ""}
	case 12:
		return call{http.MethodGet, "/Groups?filter=" + g.filter(groupFilters) + strings.Replace(projection, "?", "&", 1), ""}
	default:
		sort := "&sortBy=" + g.one(sortings...) + "&sortOrder=" + g.one("ascending", "descending")
		page := "&startIndex=" + g.one("0", "1", "2", "50") + "&count=" + g.one("0", "1", "3", "100")
		return call{http.MethodGet, "/Users?filter=" + g.filter(userFilters) + g.one("", sort) + g.one("", page) + strings.Replace(projection, "?", "&", 1), ""}
	}
}

func (g *generator) user() string {
	members := []string{`"schemas":["` + schema.URNUser + `","` + schema.URNEnterpriseUser + `"]`, `"userName":"{name}"`}
	for _, name := range slices.Sorted(maps.Keys(userAttributes)) {
		if g.IntN(3) == 0 {
			members = append(members, `"`+name+`":`+g.one(userAttributes[name]...))
		}
	}
	return g.expand("{" + strings.Join(members, ",") + "}")
}

func (g *generator) group() string {
	return g.expand(`{"schemas":["` + schema.URNGroup + `"],"displayName":"{title}","members":{members}` + g.one("", `,"externalId":"x1"`) + `}`)
}

func (g *generator) patch(operations []string) string {
	chosen := make([]string, 1+g.IntN(3))
	for i := range chosen {
		chosen[i] = g.one(operations...)
	}
	return g.expand(`{"schemas":["` + scim.URNPatchOp + `"],"Operations":[` + strings.Join(chosen, ",") + `]}`)
}

// filter is one for a URL, with its symbols as they are.
func (g *generator) filter(filters []string) string {
	return strings.NewReplacer("%7B", "{", "%7D", "}").Replace(url.QueryEscape(g.expand(g.one(filters...))))
}

func (g *generator) one(pieces ...string) string { return pieces[g.IntN(len(pieces))] }

// expand puts names and symbols into a piece.
func (g *generator) expand(piece string) string {
	for {
		before, rest, found := strings.Cut(piece, "{members}")
		if !found {
			break
		}
		members := make([]string, g.IntN(9))
		for i := range members {
			members[i] = g.one(`{"value":"{member}"}`, `{"value":"{member}"}`, `{"value":"{member}","type":"User"}`, `{"value":"{member}","display":"x"}`)
		}
		piece = before + "[" + strings.Join(members, ",") + "]" + rest
	}
	for _, slot := range []struct {
		name string
		fill func() string
	}{
		{"{member}", func() string { return g.one("{user}", "{user}", "{user}", "{group}", unknownID) }},
		{"{name}", func() string {
			return fmt.Sprintf(g.one("user-%d@example.com", "USER-%d@example.com", "us;ér+%d", "US;ÉR+%d"), g.IntN(6))
		}},
		{"{title}", func() string { return fmt.Sprintf(g.one("Group %d", "group %d"), g.IntN(6)) }},
		{"{user}", func() string { return g.existing(g.users) }},
		{"{group}", func() string { return g.existing(g.groups) }},
	} {
		for strings.Contains(piece, slot.name) {
			piece = strings.Replace(piece, slot.name, slot.fill(), 1)
		}
	}
	return piece
}

// existing is the symbol of a resource, or at times of one that is gone.
func (g *generator) existing(symbols []string) string {
	if len(g.gone) > 0 && g.IntN(12) == 0 {
		symbols = g.gone
	}
	if len(symbols) == 0 {
		return unknownID
	}
	return "{" + g.one(symbols...) + "}"
}

const unknownID = "0d6e9f0c-1111-4222-8333-abcdefabcdef"

var userAttributes = map[string][]string{
	"externalId":  {`"e1"`, `"E1"`, `""`, `null`},
	"name":        {`{"givenName":"Ann","familyName":"Z"}`, `{"givenName":"Çelik"}`, `{}`},
	"displayName": {`"zé"`, `"Y"`},
	"active":      {`true`, `false`},
	"title":       {`"T"`, `""`, `null`},
	"emails": {`[]`, `[{"value":"a@example.com","type":"work","primary":true},{"value":"B@example.com","type":"home"}]`,
		`[{"value":"A@example.com"},{"value":"a@example.com"}]`, `[{"value":"a@example.com","type":"work"},{"value":"a@example.com","type":"work","display":"A"}]`},
	"roles":                  {`[{"value":"r1","primary":true},{"value":"r2"}]`, `[{"value":"r1"},{"value":"R1"}]`},
	"addresses":              {`[{"type":"work","locality":"L"},{"type":"home"}]`},
	"x509Certificates":       {`[{"value":"TUlJRQ=="}]`, `[{"value":"no base64"}]`},
	"password":               {`"p"`},
	"groups":                 {`[{"value":"g"}]`},
	schema.URNEnterpriseUser: {`{"department":"D"}`, `{"manager":{"value":"{member}"}}`, `{}`},
}

var userOperations = []string{
	`{"op":"replace","path":"active","value":false}`, `{"op":"Replace","path":"active","value":"True"}`, `{"op":"add","path":"title","value":"T"}`,
	`{"op":"remove","path":"title"}`, `{"op":"replace","path":"userName","value":"{name}"}`, `{"op":"replace","value":{"userName":"{name}","title":"U"}}`,
	`{"op":"replace","path":"externalId","value":""}`, `{"op":"add","path":"externalId","value":"e2"}`, `{"op":"remove","path":"userName"}`,
	`{"op":"replace","path":"name.givenName","value":"Bob"}`, `{"op":"remove","path":"name"}`, `{"op":"replace","value":{"name.familyName":"Q"}}`,
	`{"op":"add","path":"emails","value":[{"value":"c@example.com","type":"work","primary":true}]}`, `{"op":"remove","path":"emails[type eq \"work\"]"}`,
	`{"op":"replace","path":"emails[type eq \"work\"].value","value":"d@example.com"}`, `{"op":"replace","path":"emails.type","value":"other"}`,
	`{"op":"remove","path":"emails","value":[{"value":"a@example.com"}]}`, `{"op":"replace","path":"emails[primary eq true].primary","value":false}`,
	`{"op":"add","path":"` + schema.URNEnterpriseUser + `:manager","value":"{member}"}`, `{"op":"add","path":"` + schema.URNEnterpriseUser + `:manager","value":{"value":"{member}"}}`,
	`{"op":"remove","path":"` + schema.URNEnterpriseUser + `"}`, `{"op":"replace","path":"manager","value":""}`, `{"op":"add","path":"groups","value":[{"value":"{group}"}]}`,
	`{"op":"replace","path":"id","value":"x"}`, `{"op":"add","path":"nope","value":"x"}`, `{"op":"replace","path":"password","value":"p"}`, `{"op":"replace","value":{"schemas":["` + schema.URNUser + `"]}}`,
}

var groupOperations = []string{
	`{"op":"add","path":"members","value":{members}}`, `{"op":"add","path":"members","value":{members}}`, `{"op":"add","value":{"members":{members}}}`,
	`{"op":"Remove","path":"members","value":{members}}`, `{"op":"remove","path":"members[value eq \"{member}\"]"}`, `{"op":"remove","path":"members[value eq \"{member}\" or value eq \"{member}\"]"}`,
	`{"op":"remove","path":"members[type eq \"Group\"]"}`, `{"op":"replace","path":"members","value":{members}}`, `{"op":"replace","path":"members","value":{members}}`,
	`{"op":"remove","path":"members"}`, `{"op":"replace","path":"displayName","value":"{title}"}`, `{"op":"replace","value":{"id":"x","displayName":"{title}","members":{members}}}`,
	`{"op":"replace","path":"externalId","value":"x2"}`, `{"op":"remove","path":"externalId"}`, `{"op":"remove","path":"displayName"}`,
}

var userFilters = []string{
	`userName eq "{name}"`, `userName eq "{name}" and active eq true`, `userName eq "{name}" or title eq "T"`, `userName ne "{name}"`, `userName sw "us;"`, `externalId eq "e1"`,
	`emails.value eq "A@example.com"`, `emails[type eq "work" and value co "b"]`, `emails eq "b@example.com"`, `emails.primary eq true`, `emails.type ne "work"`, `title pr`, `not (title pr)`,
	`active eq false`, `name.givenName sw "a"`, `groups.value eq "{group}"`, `groups pr`, `groups[type eq "indirect"]`, `groups.display eq "group 1"`, `id eq "{user}"`, `meta.resourceType eq "User"`,
	schema.URNEnterpriseUser + `:department eq "d"`, `manager eq "{member}"`, `roles.value eq "R1"`, `displayName gt "x"`, `schemas eq "` + schema.URNEnterpriseUser + `"`, `nope eq "x"`,
}

var groupFilters = []string{
	`displayName eq "{title}"`, `displayName eq "{title}" and members eq "{member}"`, `members.value eq "{member}"`, `members eq "{member}"`, `members[type eq "Group"]`, `members pr`, `not (members pr)`,
	`id eq "{group}" and members eq "{user}"`, `externalId eq "x1"`, `members.type eq "User"`, `displayName pr`,
}

var projections = []string{"members", "groups", "userName,emails.value", "name.givenName", "displayName", "meta", "id", schema.URNEnterpriseUser, "members.value", "groups.value,title", "schemas"}

var sortings = []string{"userName", "displayName", "emails", "active", "name.givenName", "title", "meta.created", "externalId"}
