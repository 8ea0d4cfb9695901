package requirements

import (
	"net/http"
	"slices"
	"strings"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// discoveryCases are the configuration, types and schemas that a server tells of itself,
// and its URLs.
func discoveryCases() []suite.Case {
	cases := []suite.Case{
		{Name: "ServiceProviderConfig has what the RFC requires", Source: "RFC 7643 §5", Run: func(t *suite.T) {
			a := t.Get("/ServiceProviderConfig").OK(http.StatusOK).Has("schemas", []any{suite.URNConfig})
			for _, name := range []string{"patch", "bulk", "filter", "changePassword", "sort", "etag"} {
				_, isBool := a.At(name + "/supported").(bool)
				a.Expect(isBool, "%s.supported, a boolean", name)
			}
			for _, name := range []string{"bulk/maxOperations", "bulk/maxPayloadSize", "filter/maxResults"} {
				_, isNumber := a.At(name).(float64)
				a.Expect(isNumber, "%s, a number", name)
			}
			schemes, _ := a.At("authenticationSchemes").([]any)
			a.Expect(len(schemes) > 0, "authenticationSchemes")
			for _, s := range schemes {
				kind, _ := suite.At(s, "type").(string)
				a.Expect(slices.Contains([]string{"oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest"}, kind), "one of the types of RFC 7643 §5, not %q", kind)
			}
		}},
		{Name: "/ResourceTypes is a list, and its entries can be had by name", Source: "RFC 7643 §6, RFC 7644 §4", Run: func(t *suite.T) {
			a := t.Get("/ResourceTypes")
			names := []string{}
			for _, r := range a.List() {
				name, _ := r["name"].(string)
				names = append(names, name)
				a.Expect(r["endpoint"] != nil && r["schema"] != nil, "endpoint and schema of %q", name)
				t.Get("/ResourceTypes/"+name).OK(http.StatusOK).Has("schemas", []any{suite.URNType}).Has("name", name)
			}
			a.Expect(slices.Contains(names, "User") && slices.Contains(names, "Group"), "the types User and Group")
			t.Get("/ResourceTypes/Nothing").Refused(http.StatusNotFound)
		}},
		{Name: "/Schemas is a list, and its entries can be had by URN", Source: "RFC 7643 §7, RFC 7644 §4", Run: func(t *suite.T) {
			a := t.Get("/Schemas")
			urns := []string{}
			for _, r := range a.List() {
				urn, _ := r["id"].(string)
				urns = append(urns, urn)
				t.Get("/Schemas/"+urn).OK(http.StatusOK).Has("id", urn)
			}
			a.Expect(slices.Contains(urns, suite.URNUser) && slices.Contains(urns, suite.URNGroup), "the schemas of User and Group")
			t.Get("/Schemas/"+suite.URNUser).OK(http.StatusOK).Expect(slices.Contains(sorted(t.Get("/Schemas/" + suite.URNUser).Doc["schemas"]), suite.URNSchema), "schemas with %s", suite.URNSchema)
			t.Get("/Schemas/urn:example:none").Refused(http.StatusNotFound)
		}},
		{Name: "the discovery documents have schemas, which have their attributes", Source: "RFC 7643 §8.7.2; Keycloak's extensions", Run: func(t *suite.T) {
			listed := t.Get("/Schemas")
			urns := []string{}
			for _, r := range listed.List() {
				urn, _ := r["id"].(string)
				urns = append(urns, urn)
			}
			for urn, path := range map[string]string{suite.URNConfig: "/ServiceProviderConfig", suite.URNType: "/ResourceTypes/User", suite.URNSchema: "/Schemas/" + suite.URNUser} {
				listed.Expect(slices.Contains(urns, urn), "the schema %s", urn)
				schema := t.Get("/Schemas/"+urn).OK(http.StatusOK).Has("schemas", []any{suite.URNSchema}).Has("meta/location", t.Target.URL+"/Schemas/"+urn)
				for name, value := range t.Get(path).OK(http.StatusOK).Doc {
					describes(schema, attributeOf(schema, name), name, value)
				}
			}
		}},
		{Name: "a filter on discovery is 403", Source: "RFC 7644 §4", Run: func(t *suite.T) {
			for _, path := range []string{"/ServiceProviderConfig", "/ResourceTypes", "/Schemas"} {
				t.Get(suite.Query(path, "filter", `name eq "User"`)).Refused(http.StatusForbidden)
			}
		}},
		{Name: "other parameters on discovery are ignored", Source: "RFC 7644 §4", Run: func(t *suite.T) {
			for _, path := range []string{"/ServiceProviderConfig", "/ResourceTypes", "/Schemas"} {
				a := t.Get(suite.Query(path, "attributes", "name", "sortBy", "name", "startIndex", "100", "count", "1")).OK(http.StatusOK)
				whole := t.Get(path).OK(http.StatusOK)
				a.Expect(len(a.Body) == len(whole.Body), "the same as without parameters")
			}
		}},
		{Name: "discovery without a token tells the same, or 401", Source: "RFC 7644 §4", Run: func(t *suite.T) {
			a := t.On(suite.Target{URL: t.Target.URL, Token: ""}).Get("/ServiceProviderConfig")
			if a.Status == http.StatusOK {
				a.OK(http.StatusOK).SameBut(t.Get("/ServiceProviderConfig").Doc)
				return
			}
			a.RefusedWith([]int{http.StatusUnauthorized, http.StatusForbidden})
		}},
		{Name: "the schemas have what users here have", Source: "RFC 7643 §7", Run: func(t *suite.T) {
			u := t.User(suite.TourGuide)
			a := t.Get("/Schemas/" + suite.URNUser).OK(http.StatusOK)
			for name := range u.Get().Doc {
				known := strings.HasPrefix(name, "urn:") || slices.Contains([]string{"schemas", "id", "externalId", "meta"}, name)
				a.Expect(known || attributeOf(a, name) != nil, "the attribute %q, which users have", name)
			}
		}},
		{Name: "discovery is read only", Source: "RFC 7644 §4", Run: func(t *suite.T) {
			for _, path := range []string{"/ServiceProviderConfig", "/ResourceTypes", "/Schemas"} {
				t.Post(path, `{"schemas":["`+suite.URNConfig+`"]}`).RefusedWith([]int{http.StatusMethodNotAllowed, http.StatusNotFound, http.StatusNotImplemented, http.StatusForbidden})
			}
		}},
		{Name: "locations and references have the URL that the client uses", Source: "RFC 7643 §3.1, RFC 7644 §6", Run: func(t *suite.T) {
			u := t.User()
			g := t.Group(u)
			base := t.Target.URL + "/"
			for path, a := range map[string]*suite.Answer{
				"meta/location": u.Get(), "members/0/$ref": g.Get(), "groups/0/$ref": u.Get(),
				"Resources/0/meta/location": t.Filter("/Groups", `displayName eq `+suite.Quoted(g.Name)),
			} {
				if location, given := a.At(path).(string); given {
					a.Expect(strings.HasPrefix(location, base), "%s below %s", path, base)
				}
			}
			t.Get("/ResourceTypes/User").OK(http.StatusOK).Has("meta/location", base+"ResourceTypes/User")
		}},
		{Name: "a location can be followed", Source: "RFC 7643 §3.1", Run: func(t *suite.T) {
			location := t.User().Get().Text("meta/location")
			t.On(suite.Target{URL: location, Token: t.Target.Token}).Get("").OK(http.StatusOK).Has("meta/location", location)
		}},
		{Name: "a slash at the end of a URL, or two, do no harm", Source: "as identity providers' templates have them", Run: func(t *suite.T) {
			u := t.User()
			for _, path := range []string{"/Users/?count=1", u.Path + "/", "/" + u.Path} {
				a := t.Get(path)
				a.Expect(a.Status == http.StatusOK || a.Status == http.StatusNotFound || a.Status >= 300 && a.Status < 400, "the resource, a redirect, or 404")
			}
		}},
	}
	for _, f := range suite.Features {
		cases = append(cases, suite.Case{Name: "what ServiceProviderConfig says of " + f.Name + " is true", Source: "RFC 7643 §5",
			Needs: suite.Needs(f), Run: func(t *suite.T) { truths[f](t) }})
	}
	return cases
}

// describes checks that a schema's attribute is what a document has under its name, and so
// are its sub-attributes.
func describes(a *suite.Answer, attribute suite.Document, name string, value any) {
	if name == "schemas" || name == "id" || name == "meta" {
		return // The common attributes are in no schema (RFC 7643 §3.1), but for some ids.
	}
	a.Expect(attribute != nil, "the attribute %q", name)
	list, isList := value.([]any)
	a.Expect(isList == (attribute["multiValued"] == true), "multiValued of %q to be %v", name, isList)
	if !isList {
		list = []any{value}
	}
	subs, _ := attribute["subAttributes"].([]any)
	for _, element := range list {
		members, isComplex := element.(suite.Document)
		a.Expect(isComplex == (attribute["type"] == "complex"), "the type of %q to be that of what is there", name)
		for sub, inner := range members {
			i := slices.IndexFunc(subs, func(s any) bool { return suite.At(s, "name") == sub })
			a.Expect(i >= 0, "the sub-attribute %q of %q", sub, name)
			known, _ := subs[i].(suite.Document)
			describes(a, known, sub, inner)
		}
	}
}

// eventCases check that what a server says of events is what it does. One that says
// nothing has none of them.
func eventCases() []suite.Case {
	return []suite.Case{
		{Name: "what ServiceProviderConfig says of events has its form", Source: "RFC 9967", Run: func(t *suite.T) {
			a := t.Get("/ServiceProviderConfig").OK(http.StatusOK)
			if a.At("securityEvents") == nil {
				return
			}
			kind := a.Text("securityEvents/asyncRequest")
			a.Expect(slices.Contains([]string{"none", "long", "request"}, kind), "asyncRequest none, long or request, not %q", kind)
			uris, _ := a.At("securityEvents/eventUris").([]any)
			for _, uri := range uris {
				text, _ := uri.(string)
				a.Expect(strings.HasPrefix(text, "urn:ietf:params:scim:event:"), "eventUris with URIs of events, not %v", uri)
			}
		}},
		{Name: "a client that would rather not wait is answered as ServiceProviderConfig says", Source: "RFC 9967; RFC 7240 §4.1", Run: func(t *suite.T) {
			kind, _ := suite.At(t.Suite.Config, "securityEvents/asyncRequest").(string)
			a := t.Post("/Users", t.UserBody(), "Prefer", "respond-async")
			if a.Status == http.StatusAccepted && (kind == "long" || kind == "request") {
				a.Expect(len(a.Body) == 0 && a.Header.Get("Set-Txn") != "", "no body, and a Set-Txn by which to know the event")
				return
			}
			a.OK(http.StatusCreated).Expect(a.Header.Get("Preference-Applied") == "", "no Preference-Applied, since nothing was applied")
		}},
	}
}

// truths check that a feature that the server says it has is there.
var truths = map[*suite.Feature]func(*suite.T){
	suite.PatchFeature: func(t *suite.T) { t.User().Patched(`{"op":"replace","path":"title","value":"x"}`).Has("title", "x") },
	suite.FilterFeature: func(t *suite.T) {
		u := t.User()
		t.Filter("/Users", `userName eq `+suite.Quoted(u.Name)).Lists(u)
		limit, _ := suite.At(t.Suite.Config, "filter/maxResults").(float64)
		a := t.Filter("/Users", `userName pr`, "startIndex", "1", "count", "1000000")
		a.Expect(len(a.List()) <= int(limit), "no more than filter.maxResults, %d", int(limit))
	},
	suite.SortFeature: func(t *suite.T) {
		t.Get(suite.Query("/Users", "sortBy", "userName", "count", "2")).List()
	},
	suite.ETagFeature: func(t *suite.T) {
		a := t.User().Get()
		a.Expect(a.Header.Get("ETag") != "", "an ETag")
	},
	suite.BulkFeature: func(t *suite.T) {
		a := t.Bulk("", suite.BulkPost("/Users", "a", t.UserDoc()))
		suite.BulkMade(a, suite.BulkResults(a, 1)[0], "/Users").Get()
	},
	suite.CursorFeature: func(t *suite.T) {
		t.Get(suite.Query("/Users", "cursor", "", "count", "1")).List()
	},
	suite.IndexFeature: func(t *suite.T) {
		t.Get(suite.Query("/Users", "startIndex", "1", "count", "1")).List()
	},
}
