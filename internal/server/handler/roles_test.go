package handler_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/roles"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store/memory"
)

var (
	someRoles = []roles.Role{
		{Value: "billing-admin", Display: "Billing administrator", Description: "Sees and pays invoices", Created: time.Unix(10, 0).UTC()},
		{Value: "Viewer", Created: time.Unix(20, 0).UTC()},
	}
	someEntitlements = []roles.Role{{Value: "seat pro", Display: "Pro seat", Type: "License", Created: time.Unix(30, 0).UTC()}}
)

// withRoles serves a tenant with some roles, to an identity provider.
func withRoles(t *testing.T, provider string, change func(*exchange.Settings)) *servertest.Harness {
	t.Helper()
	h := servertest.New(t, memory.New())
	h.Configure(provider, func(s *exchange.Settings) {
		s.PublicURL = "https://acme.example.com/scim/v2"
		s.Roles = roles.New(s.Profile.OktaRoles, someRoles, someEntitlements)
		change(s)
	})
	return h
}

func asIs(*exchange.Settings) {}

// refuses makes the tenant refuse roles that there are not.
func refuses(s *exchange.Settings) { s.RejectUnknownRoles = true }

// resources are those of a list, as JSON.
func resources(h *servertest.Harness, path string) (all []string) {
	r := h.Do(http.MethodGet, path, "")
	h.Expect(r.StatusCode).To(Equal(http.StatusOK), r.Text)
	for _, resource := range r.Doc["Resources"].([]any) {
		text, err := json.Marshal(resource)
		h.Expect(err).NotTo(HaveOccurred())
		all = append(all, string(text))
	}
	return all
}

// ids are those of the resources of a list.
func ids(h *servertest.Harness, path string) (all []string) {
	r := h.Do(http.MethodGet, path, "")
	h.Expect(r.StatusCode).To(Equal(http.StatusOK), r.Text)
	found, _ := r.Doc["Resources"].([]any)
	for _, resource := range found {
		all = append(all, resource.(map[string]any)["id"].(string))
	}
	return all
}

func TestRolesAsTheDraftHasThem(t *testing.T) {
	h := withRoles(t, "Generic", asIs)
	found := resources(h, "/Roles?excludedAttributes=meta.version")
	h.Expect(found).To(HaveLen(2))
	h.Expect(found[0]).To(MatchJSON(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Role"],"id":"billing-admin","value":"billing-admin",
		"display":"Billing administrator","supported":true,"description":"Sees and pays invoices",
		"meta":{"resourceType":"Role","created":"1970-01-01T00:00:10Z","location":"https://acme.example.com/scim/v2/Roles/billing-admin"}}`))
	h.Expect(resources(h, "/Entitlements")[0]).To(ContainSubstring(`"location":"https://acme.example.com/scim/v2/Entitlements/seat%20pro"`))

	one := h.Do(http.MethodGet, "/Entitlements/seat%20pro", "")
	h.Expect(one.Doc).To(And(HaveKeyWithValue("value", "seat pro"), HaveKeyWithValue("type", "License")))
	h.Expect(h.Do(http.MethodGet, "/Entitlements/seat%20pro", "", "If-None-Match", one.Header.Get("ETag")).StatusCode).To(Equal(http.StatusNotModified))
	h.ExpectError(h.Do(http.MethodGet, "/Roles/seat%20pro", ""), http.StatusNotFound, "")
	h.ExpectError(h.Do(http.MethodGet, "/Roles/viewer", ""), http.StatusNotFound, "") // Ids are case exact.

	config := h.Do(http.MethodGet, "/ServiceProviderConfig", "")
	h.Expect(config.Doc["RolesAndEntitlements"]).To(Equal(map[string]any{
		"roles":        map[string]any{"supported": true, "multipleRolesSupported": true, "primarySupported": true, "typeSupported": true},
		"entitlements": map[string]any{"supported": true, "multipleEntitlementsSupported": true, "primarySupported": true, "typeSupported": true},
	}))
	h.Expect(h.Do(http.MethodGet, "/ResourceTypes/Role", "").Doc).To(And(
		HaveKeyWithValue("endpoint", "/Roles"), HaveKeyWithValue("schema", "urn:ietf:params:scim:schemas:core:2.0:Role")))
	h.Expect(h.Do(http.MethodGet, "/Schemas/urn:ietf:params:scim:schemas:core:2.0:Entitlement", "").StatusCode).To(Equal(http.StatusOK))
	h.Expect(ids(h, "/ResourceTypes")).To(Equal([]string{"User", "Group", "Role", "Entitlement"}))
}

func TestRolesAsOktaReadsThem(t *testing.T) {
	h := withRoles(t, "Okta", asIs)
	found := resources(h, "/Roles?excludedAttributes=meta")
	h.Expect(found[0]).To(MatchJSON(`{"schemas":["urn:okta:scim:schemas:core:1.0:Role"],"id":"billing-admin","displayName":"Billing administrator",
		"description":"Sees and pays invoices"}`))
	h.Expect(found[1]).To(MatchJSON(`{"schemas":["urn:okta:scim:schemas:core:1.0:Role"],"id":"Viewer","displayName":"Viewer"}`))
	h.Expect(resources(h, "/Entitlements?excludedAttributes=meta")[0]).To(MatchJSON(
		`{"schemas":["urn:okta:scim:schemas:core:1.0:Entitlement"],"id":"seat pro","displayName":"Pro seat","type":"License"}`))
	h.Expect(h.Do(http.MethodGet, "/ResourceTypes/Role", "").Doc).To(HaveKeyWithValue("schema", "urn:okta:scim:schemas:core:1.0:Role"))
	h.Expect(h.Do(http.MethodGet, "/Schemas/urn:okta:scim:schemas:core:1.0:Entitlement", "").StatusCode).To(Equal(http.StatusOK))
}

func TestRolesAreSearched(t *testing.T) {
	h := withRoles(t, "Generic", asIs)
	h.Expect(ids(h, `/Roles?filter=value%20eq%20%22VIEWER%22`)).To(Equal([]string{"Viewer"}))
	h.Expect(ids(h, `/Roles?filter=display%20pr`)).To(Equal([]string{"billing-admin"}))
	h.Expect(ids(h, `/Roles?sortBy=value&sortOrder=descending`)).To(Equal([]string{"Viewer", "billing-admin"}))
	page := h.Do(http.MethodGet, "/Roles?startIndex=2&count=1", "")
	h.Expect(page.Doc).To(And(HaveKeyWithValue("totalResults", 2.0), HaveKeyWithValue("startIndex", 2.0), HaveKeyWithValue("itemsPerPage", 1.0)))
	h.Expect(walk(h, "/Roles?count=1", nil)).To(Equal([]string{"billing-admin", "Viewer"}))
	h.Expect(h.Do(http.MethodPost, "/Roles/.search", searchAll).Doc).To(HaveKeyWithValue("totalResults", 2.0))
	h.ExpectError(h.Do(http.MethodGet, `/Roles?filter=nothing%20pr`, ""), http.StatusBadRequest, "invalidFilter")
	h.Expect(ids(h, "/")).To(BeEmpty(), "a search at the base URL is over users and groups")
}

func TestRolesAreNotChanged(t *testing.T) {
	h := withRoles(t, "Okta", asIs)
	for _, request := range [][2]string{
		{http.MethodPost, "/Roles"}, {http.MethodPut, "/Roles/Viewer"}, {http.MethodPatch, "/Roles/Viewer"}, {http.MethodDelete, "/Entitlements/seat%20pro"},
	} {
		r := h.Do(request[0], request[1], "{}")
		h.ExpectError(r, http.StatusMethodNotAllowed, "")
		h.Expect(r.Header.Get("Allow")).To(Equal("GET, HEAD"))
		h.Expect(r.Doc["detail"]).To(ContainSubstring("ask who runs this service"))
	}
	h.Expect(servertest.Statuses(h.BulkDo(`{"method":"DELETE","path":"/Roles/Viewer"}`))).To(Equal([]string{"405"}))
	h.ExpectError(h.Do(http.MethodGet, "/Roles/Viewer/members", ""), http.StatusNotFound, "")
	h.Expect(ids(h, "/Roles")).To(Equal([]string{"billing-admin", "Viewer"}))
}

// A tenant of which nobody has said that it has roles looks as if there were no such thing.
func TestATenantWithoutRoles(t *testing.T) {
	h := servertest.New(t, memory.New())
	for name, without := range map[string]*roles.Catalogue{"nothing known": nil, "none": roles.New(false, nil, nil)} {
		h.Configure("Generic", func(s *exchange.Settings) { s.Roles = without })
		h.ExpectError(h.Do(http.MethodGet, "/Roles", ""), http.StatusNotFound, "")
		h.ExpectError(h.Do(http.MethodPost, "/Entitlements", "{}"), http.StatusNotFound, "")
		h.Expect(ids(h, "/ResourceTypes")).To(Equal([]string{"User", "Group"}), name)
		h.Expect(h.Do(http.MethodGet, "/ServiceProviderConfig", "").Doc).NotTo(HaveKey("RolesAndEntitlements"), name)
		h.Expect(h.Do(http.MethodGet, "/Schemas", "").Text).NotTo(ContainSubstring(":Role\""), name)
	}
	h.Configure("Generic", func(s *exchange.Settings) { s.Roles = roles.New(false, someRoles, nil) })
	h.ExpectError(h.Do(http.MethodGet, "/Entitlements", ""), http.StatusNotFound, "")
	h.Expect(ids(h, "/ResourceTypes")).To(Equal([]string{"User", "Group", "Role"}), "without entitlements")
}

func TestWhoSeesRoles(t *testing.T) {
	h := withRoles(t, "Generic", asIs)
	h.Grant(apikey.Grant{ReadOnly: true, Resources: []string{"Users"}})
	h.Expect(ids(h, "/Roles")).To(HaveLen(2), "who may see users")
	h.Grant(apikey.Grant{Resources: []string{"Groups"}})
	for _, path := range []string{"/Roles", "/Roles/Viewer", "/Roles/nobody", "/Entitlements"} {
		expectDenied(h, h.Do(http.MethodGet, path, ""), "not for users")
	}
}

// given is the body of a user who has roles and entitlements, as they stand in JSON.
func given(roles, entitlements string, more string) string {
	return fmt.Sprintf(`{%s,"userName":"bjensen@example.com","roles":[%s],"entitlements":[%s]%s}`, servertest.UserSchema, roles, entitlements, more)
}

func TestUnknownRolesAreAccepted(t *testing.T) {
	h := withRoles(t, "Okta", asIs)
	h.Expect(h.Do(http.MethodPost, "/Users", given(`{"value":"owner"}`, "", "")).StatusCode).To(Equal(http.StatusCreated))
}

func TestUnknownRolesAreRejected(t *testing.T) {
	h := withRoles(t, "Okta", refuses)
	for name, body := range map[string]string{
		"a role":         given(`{"value":"viewer"},{"value":"owner"}`, "", ""),
		"an entitlement": given("", `{"value":"viewer"}`, ""),
		"no value":       given(`{"display":"Viewer"}`, "", ""),
		"inactive":       given(`{"value":"owner"}`, "", `,"active":false`),
	} {
		r := h.Do(http.MethodPost, "/Users", body)
		h.ExpectError(r, http.StatusBadRequest, "invalidValue")
		h.Expect(r.Doc["detail"]).To(Or(ContainSubstring(`it knows "Viewer", "billing-admin"`), ContainSubstring(`it knows "seat pro"`)), name)
	}
	created := h.Do(http.MethodPost, "/Users", given(`{"value":"viewer","primary":true}`, `{"value":"seat pro"}`, ""))
	h.Expect(created.StatusCode).To(Equal(http.StatusCreated), created.Text)
	user := "/Users/" + created.Doc["id"].(string)
	patch := func(operation string) servertest.Response {
		return h.Do(http.MethodPatch, user, `{`+servertest.PatchSchema+`,"Operations":[`+operation+`]}`)
	}
	h.ExpectError(patch(`{"op":"add","path":"roles","value":[{"value":"owner"}]}`), http.StatusBadRequest, "invalidValue")
	h.ExpectError(h.Do(http.MethodPut, user, given(`{"value":"owner"}`, "", "")), http.StatusBadRequest, "invalidValue")
	h.Expect(servertest.Statuses(h.BulkDo(`{"method":"PATCH","path":"` + user + `","data":{` + servertest.PatchSchema +
		`,"Operations":[{"op":"add","path":"roles","value":[{"value":"owner"}]}]}}`))).To(Equal([]string{"400"}))
	h.Expect(patch(`{"op":"add","path":"roles","value":[{"value":"billing-admin"}]}`).StatusCode).To(Equal(http.StatusOK))

	// A role that is taken out of the application stays with who has it, and keeps nobody in.
	h.Configure("Okta", func(s *exchange.Settings) {
		s.Roles, s.RejectUnknownRoles = roles.New(true, someRoles[:1], someEntitlements), true
	})
	h.Expect(patch(`{"op":"replace","path":"title","value":"Guide"}`).StatusCode).To(Equal(http.StatusOK))
	h.Expect(patch(`{"op":"replace","path":"active","value":false},{"op":"add","path":"roles","value":[{"value":"owner"}]}`).StatusCode).To(Equal(http.StatusOK))
	h.ExpectError(patch(`{"op":"replace","path":"active","value":true}`), http.StatusBadRequest, "invalidValue")
	h.Expect(patch(`{"op":"replace","path":"active","value":true},{"op":"replace","path":"roles","value":[{"value":"billing-admin"}]}`).StatusCode).
		To(Equal(http.StatusOK))

	h.Configure("Okta", refuses)
	h.ExpectError(patch(`{"op":"replace","path":"title","value":"Lead"}`), http.StatusServiceUnavailable, "") // It is not known which there are.
}

func TestRefusalsAreBounded(t *testing.T) {
	var many []roles.Role
	for i := range 1000 {
		many = append(many, roles.Role{Value: fmt.Sprintf("role-%04d-%s", i, strings.Repeat("x", 240))})
	}
	h := withRoles(t, "Generic", func(s *exchange.Settings) { s.Roles, s.RejectUnknownRoles = roles.New(false, many, nil), true })
	r := h.Do(http.MethodPost, "/Users", given(`{"value":"`+strings.Repeat("ö", 10_000)+`"}`, "", ""))
	h.ExpectError(r, http.StatusBadRequest, "invalidValue")
	h.Expect(len(r.Text)).To(BeNumerically("<", 4096))
	h.Expect(r.Doc["detail"]).To(ContainSubstring("and 990 more"))
	h.Expect(h.LastLine()["detail"]).NotTo(ContainSubstring("ö"), "what a client sends is no part of the log")
}
