package crossing

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Methods are those of HTTP, and one that a client has made up.
var Methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	http.MethodOptions, http.MethodTrace, "SEARCH",
}

const (
	userSchema   = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]`
	groupSchema  = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]`
	patchSchema  = `"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]`
	searchSchema = `"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]`
	bulkSchema   = `"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]`
	enterprise   = `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User`
)

// User is the body of the user with the name, and with more members.
func User(name, more string) string {
	return fmt.Sprintf(`{%s,"userName":"%[2]s@example.com","externalId":"external-%[2]s","displayName":"Display %[2]s",`+
		`"name":{"familyName":"Family %[2]s"},"emails":[{"value":"%[2]s@example.com","type":"work"}],"title":"Title %[2]s"%[3]s}`, userSchema, name, more)
}

// Group is the body of the group with the name, and with members as they stand in JSON.
func Group(name string, members ...string) string {
	return fmt.Sprintf(`{%s,"displayName":"Group %[2]s","externalId":"external-%[2]s","members":[%[3]s]}`, groupSchema, name, strings.Join(members, ","))
}

// Bulk is the body of a bulk request.
func Bulk(operations ...string) string {
	return `{` + bulkSchema + `,"Operations":[` + strings.Join(operations, ",") + `]}`
}

func patchOf(operation string) string {
	return `{` + patchSchema + `,"Operations":[` + operation + `]}`
}

// Endpoints are requests with every method to every endpoint of a tenant, and to URLs that
// are none.
func Endpoints(own Facts) (all []Request) {
	for _, path := range []string{
		"", "/", "/Users", "/Users/" + own.User, "/Users/.search", "/Groups", "/Groups/" + own.Group, "/Groups/.search", "/.search",
		"/Bulk", "/Me", "/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/Schemas",
		"/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", "/Nothing", "/Users/" + own.User + "/groups", "/oauth2", "/oauth2/token",
	} {
		all = append(all, everyMethod(own.Path+path)...)
	}
	for _, path := range []string{
		"/", "/nothing", "/.well-known/oauth-authorization-server" + own.Path, "/.well-known/oauth-protected-resource" + own.Path,
		"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration",
	} {
		all = append(all, everyMethod(path)...)
	}
	return all
}

func everyMethod(path string) (all []Request) {
	for _, method := range Methods {
		all = append(all, Request{Method: method, Path: path, Body: bodyOf(method, path)})
	}
	return all
}

// bodyOf is a body that a request needs so that it would be carried out.
func bodyOf(method, path string) string {
	switch {
	case method == http.MethodPatch:
		return patchOf(`{"op":"replace","path":"displayName","value":"changed"}`)
	case method != http.MethodPost && method != http.MethodPut:
		return ""
	case strings.Contains(path, "/.search"):
		return `{` + searchSchema + `}`
	case strings.Contains(path, "/Bulk"):
		return Bulk(`{"method":"POST","path":"/Users","bulkId":"1","data":` + User("bulk", "") + `}`)
	case strings.Contains(path, "/Groups"):
		return Group("crossing")
	}
	return User("crossing", "")
}

// Requests are those of a client that owns one tenant and sends it what it knows of another.
func Requests(own, sent Facts) (all []Request) {
	for _, of := range []func(own, sent Facts) []Request{withIDs, withTags, withFilters, withCursors, withMembers, withReferences, withBulk} {
		all = append(all, of(own, sent)...)
	}
	return all
}

// withIDs are requests to URLs with ids in them.
func withIDs(_, sent Facts) (all []Request) {
	for _, id := range []string{sent.User, sent.Group} {
		for _, format := range []string{
			"/Users/%s", "/Groups/%s", "/Users/%s/", "/Users/%s/groups", "/Groups/%s/members", "/%s", "/Me/%s", "/Bulk/%s", "/.search/%s",
			"/Users/.search/%s", "/Schemas/%s", "/ResourceTypes/%s", "/ServiceProviderConfig/%s", "/oauth2/%s", "/oauth2/token/%s",
			"/Users/%s?attributes=userName", "/Groups/%s?excludedAttributes=members",
		} {
			all = append(all, everyMethod(sent.Path+fmt.Sprintf(format, id))...)
		}
	}
	if sent.Role == "" {
		return all
	}
	for _, format := range []string{"/Roles/%s", "/Entitlements/%s", "/Users/%s", "/Roles?filter=id%%20eq%%20%%22%s%%22", "/Roles?filter=value%%20eq%%20%%22%s%%22"} {
		all = append(all, everyMethod(sent.Path+fmt.Sprintf(format, sent.Role))...)
	}
	return all
}

// withTags are requests with entity tags: to what is another tenant's, and to what is not.
func withTags(own, sent Facts) (all []Request) {
	for _, user := range []string{sent.User, own.User} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			for _, header := range []string{"If-Match", "If-None-Match"} {
				for _, value := range []string{sent.Version, "*", `W/"0", ` + sent.Version} {
					if user == own.User && (value == "*" || header == "If-None-Match" && method != http.MethodGet) {
						continue // It does what was asked for.
					}
					path := own.Path + "/Users/" + user
					all = append(all, Request{Method: method, Path: path, Body: bodyOf(method, path), Header: header, Value: value})
				}
			}
		}
	}
	return all
}

// withFilters are searches for what is another tenant's.
func withFilters(own, sent Facts) (all []Request) {
	user, group := sent.URL+"/Users/"+sent.User, sent.URL+"/Groups/"+sent.Group
	for _, filter := range []string{
		`id eq "` + sent.User + `"`, `id eq "` + sent.Group + `"`, `not (id eq "` + sent.User + `")`, `id sw "` + sent.User[:30] + `"`,
		`userName eq "` + sent.Name + `@example.com"`, `userName sw "` + sent.Name + `"`, `externalId eq "external-` + sent.Name + `"`,
		`displayName eq "Display ` + sent.Name + `"`, `displayName eq "Group ` + sent.Name + `"`, `name.familyName co "` + sent.Name + `"`,
		`emails.value eq "` + sent.Name + `@example.com"`, `emails[type eq "work" and value co "` + sent.Name + `"]`,
		`groups.value eq "` + sent.Group + `"`, `groups.display eq "Group ` + sent.Name + `"`, `groups.$ref eq "` + group + `"`,
		`members.value eq "` + sent.User + `"`, `members[value eq "` + sent.User + `"]`, `members.$ref eq "` + user + `"`, `members.display co "` + sent.Name + `"`,
		enterprise + `:manager.value eq "` + sent.User + `"`, enterprise + `:manager.$ref eq "` + user + `"`,
		`meta.location eq "` + user + `"`, `meta.version eq "` + strings.ReplaceAll(sent.Version, `"`, `\"`) + `"`,
	} {
		for _, endpoint := range []string{"/", "/Users", "/Groups"} {
			search := fmt.Sprintf(`{%s,"filter":%q}`, searchSchema, filter)
			all = append(all,
				Request{Method: http.MethodGet, Path: own.Path + endpoint + "?filter=" + url.QueryEscape(filter)},
				Request{Method: http.MethodPost, Path: own.Path + strings.TrimSuffix(endpoint, "/") + "/.search", Body: search})
		}
	}
	return all
}

// withCursors are walks that go on from where another tenant's was.
func withCursors(own, sent Facts) (all []Request) {
	for _, endpoint := range []string{"/", "/Users", "/Groups"} {
		search := fmt.Sprintf(`{%s,"count":2,"cursor":%q}`, searchSchema, sent.Cursor)
		for _, query := range []string{"?count=2&cursor=", "?cursor=", "?count=0&cursor=", "?startIndex=1&count=2&cursor="} {
			all = append(all, Request{Method: http.MethodGet, Path: own.Path + endpoint + query + sent.Cursor})
		}
		all = append(all, Request{Method: http.MethodPost, Path: own.Path + strings.TrimSuffix(endpoint, "/") + "/.search", Body: search})
	}
	return all
}
