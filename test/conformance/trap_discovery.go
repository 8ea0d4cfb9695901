package main

import (
	"net/http"
	"slices"
	"strings"
)

// trapsDiscovery are traps 32 and 33.
func trapsDiscovery() []testCase {
	cases := []testCase{
		{"trap-32a", "ServiceProviderConfig has what the RFC requires", "RFC 7643 §5", nil, func(t *T) {
			a := t.get("/ServiceProviderConfig").ok(http.StatusOK).has("schemas", []any{urnConfig})
			for _, name := range []string{"patch", "bulk", "filter", "changePassword", "sort", "etag"} {
				_, isBool := a.at(name + "/supported").(bool)
				a.expect(isBool, "%s.supported, a boolean", name)
			}
			for _, name := range []string{"bulk/maxOperations", "bulk/maxPayloadSize", "filter/maxResults"} {
				_, isNumber := a.at(name).(float64)
				a.expect(isNumber, "%s, a number", name)
			}
			schemes, _ := a.at("authenticationSchemes").([]any)
			a.expect(len(schemes) > 0, "authenticationSchemes")
			for _, s := range schemes {
				kind, _ := at(s, "type").(string)
				a.expect(slices.Contains([]string{"oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest"}, kind), "one of the types of RFC 7643 §5, not %q", kind)
			}
		}},
		{"trap-32b", "/ResourceTypes is a list, and its entries can be had by name", "RFC 7643 §6, RFC 7644 §4", nil, func(t *T) {
			a := t.get("/ResourceTypes")
			names := []string{}
			for _, r := range a.list() {
				name, _ := r["name"].(string)
				names = append(names, name)
				a.expect(r["endpoint"] != nil && r["schema"] != nil, "endpoint and schema of %q", name)
				t.get("/ResourceTypes/"+name).ok(http.StatusOK).has("schemas", []any{urnType}).has("name", name)
			}
			a.expect(slices.Contains(names, "User") && slices.Contains(names, "Group"), "the types User and Group")
			t.get("/ResourceTypes/Nothing").refused(http.StatusNotFound)
		}},
		{"trap-32c", "/Schemas is a list, and its entries can be had by URN", "RFC 7643 §7, RFC 7644 §4", nil, func(t *T) {
			a := t.get("/Schemas")
			urns := []string{}
			for _, r := range a.list() {
				urn, _ := r["id"].(string)
				urns = append(urns, urn)
				t.get("/Schemas/"+urn).ok(http.StatusOK).has("id", urn)
			}
			a.expect(slices.Contains(urns, urnUser) && slices.Contains(urns, urnGroup), "the schemas of User and Group")
			t.get("/Schemas/"+urnUser).ok(http.StatusOK).expect(slices.Contains(sorted(t.get("/Schemas/" + urnUser).doc["schemas"]), urnSchema), "schemas with %s", urnSchema)
			t.get("/Schemas/urn:example:none").refused(http.StatusNotFound)
		}},
		{"trap-32i", "the discovery documents have schemas, which have their attributes", "RFC 7643 §8.7.2; Keycloak's extensions", nil, func(t *T) {
			listed := t.get("/Schemas")
			urns := []string{}
			for _, r := range listed.list() {
				urn, _ := r["id"].(string)
				urns = append(urns, urn)
			}
			for urn, path := range map[string]string{urnConfig: "/ServiceProviderConfig", urnType: "/ResourceTypes/User", urnSchema: "/Schemas/" + urnUser} {
				listed.expect(slices.Contains(urns, urn), "the schema %s", urn)
				schema := t.get("/Schemas/"+urn).ok(http.StatusOK).has("schemas", []any{urnSchema}).has("meta/location", t.target.url+"/Schemas/"+urn)
				for name, value := range t.get(path).ok(http.StatusOK).doc {
					schema.describes(attributeOf(schema, name), name, value)
				}
			}
		}},
		{"trap-32d", "a filter on discovery is 403", "RFC 7644 §4", nil, func(t *T) {
			for _, path := range []string{"/ServiceProviderConfig", "/ResourceTypes", "/Schemas"} {
				t.get(query(path, "filter", `name eq "User"`)).refused(http.StatusForbidden)
			}
		}},
		{"trap-32e", "other parameters on discovery are ignored", "RFC 7644 §4", nil, func(t *T) {
			for _, path := range []string{"/ServiceProviderConfig", "/ResourceTypes", "/Schemas"} {
				a := t.get(query(path, "attributes", "name", "sortBy", "name", "startIndex", "100", "count", "1")).ok(http.StatusOK)
				whole := t.get(path).ok(http.StatusOK)
				a.expect(len(a.body) == len(whole.body), "the same as without parameters")
			}
		}},
		{"trap-32f", "discovery without a token tells the same, or 401", "RFC 7644 §4", nil, func(t *T) {
			a := t.on(target{t.target.url, ""}).get("/ServiceProviderConfig")
			if a.status == http.StatusOK {
				a.ok(http.StatusOK).sameBut(t.get("/ServiceProviderConfig").doc)
				return
			}
			a.refusedWith([]int{http.StatusUnauthorized, http.StatusForbidden})
		}},
		{"trap-32g", "the schemas have what users here have", "RFC 7643 §7", nil, func(t *T) {
			u := t.user(projected)
			a := t.get("/Schemas/" + urnUser).ok(http.StatusOK)
			for name := range u.get().doc {
				known := strings.HasPrefix(name, "urn:") || slices.Contains([]string{"schemas", "id", "externalId", "meta"}, name)
				a.expect(known || attributeOf(a, name) != nil, "the attribute %q, which users have", name)
			}
		}},
		{"trap-32h", "discovery is read only", "RFC 7644 §4", nil, func(t *T) {
			for _, path := range []string{"/ServiceProviderConfig", "/ResourceTypes", "/Schemas"} {
				t.post(path, `{"schemas":["`+urnConfig+`"]}`).refusedWith([]int{http.StatusMethodNotAllowed, http.StatusNotFound, http.StatusNotImplemented, http.StatusForbidden})
			}
		}},
		{"trap-33a", "locations and references have the URL that the client uses", "RFC 7643 §3.1, RFC 7644 §6", nil, func(t *T) {
			u := t.user()
			g := t.group(u)
			base := t.target.url + "/"
			for path, a := range map[string]*answer{
				"meta/location": u.get(), "members/0/$ref": g.get(), "groups/0/$ref": u.get(),
				"Resources/0/meta/location": t.filter("/Groups", `displayName eq `+quoted(g.name)),
			} {
				if location, given := a.at(path).(string); given {
					a.expect(strings.HasPrefix(location, base), "%s below %s", path, base)
				}
			}
			t.get("/ResourceTypes/User").ok(http.StatusOK).has("meta/location", base+"ResourceTypes/User")
		}},
		{"trap-33b", "a location can be followed", "RFC 7643 §3.1", nil, func(t *T) {
			location := t.user().get().text("meta/location")
			t.on(target{location, t.target.token}).get("").ok(http.StatusOK).has("meta/location", location)
		}},
		{"trap-33c", "a slash at the end of a URL, or two, do no harm", "as identity providers' templates have them", nil, func(t *T) {
			u := t.user()
			for _, path := range []string{"/Users/?count=1", u.path + "/", "/" + u.path} {
				a := t.get(path)
				a.expect(a.status == http.StatusOK || a.status == http.StatusNotFound || a.status >= 300 && a.status < 400, "the resource, a redirect, or 404")
			}
		}},
	}
	for _, f := range features {
		cases = append(cases, testCase{"trap-32-" + strings.ReplaceAll(strings.ToLower(f.name), " ", "-"), "what ServiceProviderConfig says of " + f.name + " is true", "RFC 7643 §5",
			needs(f), func(t *T) { truths[f](t) }})
	}
	return cases
}

// describes checks that a schema's attribute is what a document has under its name, and so
// are its sub-attributes.
func (a *answer) describes(attribute document, name string, value any) {
	if name == "schemas" || name == "id" || name == "meta" {
		return // The common attributes are in no schema (RFC 7643 §3.1), but for some ids.
	}
	a.expect(attribute != nil, "the attribute %q", name)
	list, isList := value.([]any)
	a.expect(isList == (attribute["multiValued"] == true), "multiValued of %q to be %v", name, isList)
	if !isList {
		list = []any{value}
	}
	subs, _ := attribute["subAttributes"].([]any)
	for _, element := range list {
		members, complex := element.(document)
		a.expect(complex == (attribute["type"] == "complex"), "the type of %q to be that of what is there", name)
		for sub, inner := range members {
			i := slices.IndexFunc(subs, func(s any) bool { return at(s, "name") == sub })
			a.expect(i >= 0, "the sub-attribute %q of %q", sub, name)
			known, _ := subs[i].(document)
			a.describes(known, sub, inner)
		}
	}
}

// trapsEvents is trap 38: what a server says of events is what it does. One that says
// nothing has none of them.
func trapsEvents() []testCase {
	return []testCase{
		{"trap-38a", "what ServiceProviderConfig says of events has its form", "RFC 9967", nil, func(t *T) {
			a := t.get("/ServiceProviderConfig").ok(http.StatusOK)
			if a.at("securityEvents") == nil {
				return
			}
			kind := a.text("securityEvents/asyncRequest")
			a.expect(slices.Contains([]string{"none", "long", "request"}, kind), "asyncRequest none, long or request, not %q", kind)
			uris, _ := a.at("securityEvents/eventUris").([]any)
			for _, uri := range uris {
				text, _ := uri.(string)
				a.expect(strings.HasPrefix(text, "urn:ietf:params:scim:event:"), "eventUris with URIs of events, not %v", uri)
			}
		}},
		{"trap-38b", "a client that would rather not wait is answered as ServiceProviderConfig says", "RFC 9967; RFC 7240 §4.1", nil, func(t *T) {
			kind, _ := at(t.suite.config, "securityEvents/asyncRequest").(string)
			a := t.post("/Users", t.userBody(), "Prefer", "respond-async")
			if a.status == http.StatusAccepted && (kind == "long" || kind == "request") {
				a.expect(len(a.body) == 0 && a.header.Get("Set-Txn") != "", "no body, and a Set-Txn by which to know the event")
				return
			}
			a.ok(http.StatusCreated).expect(a.header.Get("Preference-Applied") == "", "no Preference-Applied, since nothing was applied")
		}},
	}
}

// truths check that a feature that the server says it has is there.
var truths = map[*feature]func(*T){
	patchFeature: func(t *T) { t.user().patched(`{"op":"replace","path":"title","value":"x"}`).has("title", "x") },
	filterFeature: func(t *T) {
		u := t.user()
		t.filter("/Users", `userName eq `+quoted(u.name)).lists(u)
		limit, _ := at(t.suite.config, "filter/maxResults").(float64)
		a := t.filter("/Users", `userName pr`, "startIndex", "1", "count", "1000000")
		a.expect(len(a.list()) <= int(limit), "no more than filter.maxResults, %d", int(limit))
	},
	sortFeature: func(t *T) {
		t.get(query("/Users", "sortBy", "userName", "count", "2")).list()
	},
	etagFeature: func(t *T) {
		a := t.user().get()
		a.expect(a.header.Get("ETag") != "", "an ETag")
	},
	bulkFeature: func(t *T) {
		a := t.bulk("", bulkPost("/Users", "a", t.userDoc()))
		a.made(a.operations(1)[0], "/Users").get()
	},
	cursorFeature: func(t *T) {
		t.get(query("/Users", "cursor", "", "count", "1")).list()
	},
	indexFeature: func(t *T) {
		t.get(query("/Users", "startIndex", "1", "count", "1")).list()
	},
}
