package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

const (
	oktaUser = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":%q,"name":{"givenName":"Test","familyName":"User"},
		"emails":[{"primary":true,"value":%q,"type":"work"}],"displayName":"Test User","locale":"en-US",
		"externalId":%q,"groups":[],"password":%q,"active":true}`
	oktaDocument = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":%q,"userName":%q,
		"name":{"givenName":"Another","familyName":"User"},
		"emails":[{"primary":true,"value":%q,"type":"work","display":%q}],
		"active":%t,"groups":[],"meta":{"resourceType":"User"}}`
	// oktaRoles are a role and an entitlement of the tenant in a namespace, as they stand in Git, and a role of another tenant.
	oktaRoles = `apiVersion: v1
kind: List
items:
  - apiVersion: scim.kubescim.dev/v1alpha1
    kind: ScimRole
    metadata: {name: billing-admin, namespace: %[1]s}
    spec: {tenantRef: {name: %[2]s}, value: billing-admin, display: Billing administrator, description: Sees invoices}
  - apiVersion: scim.kubescim.dev/v1alpha1
    kind: ScimRole
    metadata: {name: seat-pro, namespace: %[1]s}
    spec: {tenantRef: {name: %[2]s}, resourceType: Entitlement, value: seat-pro, type: License}
  - apiVersion: scim.kubescim.dev/v1alpha1
    kind: ScimRole
    metadata: {name: of-another, namespace: %[1]s}
    spec: {tenantRef: {name: another}, value: of-another}
`
)

var _ = Describe("Okta", Ordered, ContinueOnFailure, func() {
	var (
		t                              *Tenant
		id, other, group               string
		userName, externalID, password string
		groupName                      string
	)

	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "okta", scimv1alpha1.IdentityProviderOkta).Each(func(c *Client) *Client {
			return c.With("User-Agent", "Okta SCIM Client 1.0.0")
		})
		userName, externalID, password = Unique("test.user")+"@okta.example.com", Unique("00u"), "1mz050nq"+uuid.NewString()
		groupName = Unique("Test SCIMv2")
	})

	change := func(endpoint, id string, operations ...string) *Response {
		GinkgoHelper()
		return t.Send(http.MethodPatch, endpoint+"/"+id, Patch(operations...)).HasOneOf(http.StatusOK, http.StatusNoContent)
	}
	put := func(active bool) *Response {
		GinkgoHelper()
		t.Get(Users + "/" + id).Has(http.StatusOK)
		return t.Send(http.MethodPut, Users+"/"+id, fmt.Sprintf(oktaDocument, id, userName, userName, userName, active)).Has(http.StatusOK)
	}

	It("passes the connection test", func() {
		t.EveryReplica(func(c *Client) {
			for _, path := range []string{Users + "?startIndex=1&count=2", Groups + "?startIndex=1&count=100"} {
				r := c.Get(path)
				r.IsList(0)
				Want{"startIndex": 1, "itemsPerPage": 0}.In(r.Document, r.String())
			}
		})
	})

	It("creates a user", func() {
		t.Get(strings.ReplaceAll(Filter(Users, "userName eq %q", userName), "+", "%20") + "&startIndex=1&count=100").IsList(0)
		r := t.Send(http.MethodPost, Users, fmt.Sprintf(oktaUser, userName, userName, externalID, password)).Has(http.StatusCreated)
		id = r.ID()
		t.Wrote(r, id, Want{
			"userName": userName, "externalId": externalID, "active": true, "displayName": "Test User", "locale": "en-US",
			"name/givenName": "Test", "name/familyName": "User", "emails/0/value": userName, "emails/0/primary": true,
			"groups": nil, "password": nil,
		})
		t.Send(http.MethodPost, Users, fmt.Sprintf(oktaUser, userName, userName, externalID, password)).
			IsError(http.StatusConflict, "uniqueness")
	})

	It("replaces the user with a whole document, which clears what it leaves out", func() {
		t.Wrote(put(true), id, Want{
			"userName": userName, "active": true, "name/givenName": "Another", "emails/0/display": userName,
			"displayName": nil, "locale": nil, "externalId": nil, "password": nil,
		})
		t.Unchanged(Users, id, func() *Response { return put(true) })
	})

	It("deactivates and reactivates with PUT and with PATCH", func() {
		t.Wrote(put(false), id, Want{"active": false, "userName": userName})
		t.Found(id, Filter(Users, "userName eq %q", userName)+"&startIndex=1&count=100")
		t.Wrote(put(true), id, Want{"active": true})
		t.Wrote(change(Users, id, `{"op":"replace","value":{"active":false}}`), id, Want{"active": false, "name/givenName": "Another"})
		t.Wrote(change(Users, id, `{"op":"replace","value":{"active":true}}`), id, Want{"active": true, "name/givenName": "Another"})
		t.Wrote(change(Users, id, `{"op":"replace","value":{"active":false}}`), id, Want{"active": false})
		t.Wrote(put(true), id, Want{"active": true})
	})

	It("takes a new password and tells nobody", func() {
		secret := "2nd" + password
		r := change(Users, id, fmt.Sprintf(`{"op":"replace","value":{"password":%q}}`, secret))
		Expect(string(r.Body)).NotTo(ContainSubstring(secret))
		t.EveryReplica(func(c *Client) {
			for _, path := range []string{Users + "/" + id, Users + "/" + id + "?attributes=password", Users} {
				r := c.Get(path).Has(http.StatusOK)
				Expect(string(r.Body)).NotTo(ContainSubstring("password"), path)
				Expect(string(r.Body)).NotTo(ContainSubstring(password), path)
			}
		})
		Expect(Kubectl("get", "scimuser", "-n", t.Namespace, id, "-o", "yaml", "--show-managed-fields")).To(And(
			Not(ContainSubstring(password)), Not(ContainSubstring("password"))))
		Expect(serverLogs(t)).To(And(Not(ContainSubstring(password)), ContainSubstring(id)))
	})

	It("pushes a group", func() {
		r := t.Send(http.MethodPost, Users, fmt.Sprintf(oktaUser, Unique("second")+"@okta.example.com", "second@okta.example.com", Unique("00u"), password)).
			Has(http.StatusCreated)
		other = r.ID()
		r = t.Send(http.MethodPost, Groups, fmt.Sprintf(`{"schemas":[%q],"displayName":%q,"members":[]}`, URNGroup, groupName)).
			Has(http.StatusCreated)
		group = r.ID()
		t.WroteGroup(r, group, Want{"displayName": groupName})

		By("renaming it, with its id in the value")
		groupName = Unique("Renamed SCIMv2")
		r = change(Groups, group, fmt.Sprintf(`{"op":"replace","value":{"id":%q,"displayName":%q}}`, group, groupName))
		t.WroteGroup(r, group, Want{"displayName": groupName})
		By("adding members")
		r = change(Groups, group, fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":%q,"display":%q}]}`, id, userName))
		t.WroteGroup(r, group, Want{}, id)
		r = change(Groups, group,
			fmt.Sprintf(`{"op":"remove","path":"members[value eq \"%s\"]"}`, id),
			fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":%q,"display":"second"}]}`, other))
		t.WroteGroup(r, group, Want{}, other)
		By("pushing all members now")
		r = change(Groups, group, fmt.Sprintf(`{"op":"replace","path":"members","value":[{"value":%q},{"value":%q}]}`, id, other))
		t.WroteGroup(r, group, Want{}, id, other)
		Expect(Values(t.Get(Users + "/" + id).At("groups"))).To(ConsistOf(group))
		By("leaving out a member that is not known, and not the rest of the push")
		r = change(Groups, group, fmt.Sprintf(`{"op":"replace","path":"members","value":[{"value":%q},{"value":%q}]}`, id, uuid.NewString()))
		t.WroteGroup(r, group, Want{}, id)
		By("emptying it")
		r = change(Groups, group, `{"op":"replace","path":"members","value":[]}`)
		t.WroteGroup(r, group, Want{"displayName": groupName})
	})

	It("replaces the group with a whole document", func() {
		r := t.Send(http.MethodPut, Groups+"/"+group, fmt.Sprintf(
			`{"schemas":[%q],"id":%q,"displayName":%q,"members":[{"value":%q},{"value":%q}]}`, URNGroup, group, groupName, other, id)).
			Has(http.StatusOK)
		t.WroteGroup(r, group, Want{"displayName": groupName}, id, other)
	})

	It("unlinks the group", func() {
		t.Deleted(Groups, group)
		t.IsMarker(group)
		Expect(t.Get(Users + "/" + id).Has(http.StatusOK).At("groups")).To(BeNil())
	})

	It("imports users in pages", func() {
		var seen []string
		total := 2
		for start := 1; start <= total; {
			r := t.Get(fmt.Sprintf("%s?startIndex=%d&count=1", Users, start))
			list := r.IsList(total)
			Want{"startIndex": start, "itemsPerPage": 1}.In(r.Document, r.String())
			for _, resource := range list {
				seen = append(seen, resource["id"].(string))
			}
			start += len(list)
		}
		Expect(seen).To(ConsistOf(id, other))
		r := t.Get(Users + "?startIndex=3&count=100")
		Expect(r.IsList(total)).To(BeEmpty())
	})

	It("passes the steps of Okta's SPEC test", func() {
		plain := t.Each(func(c *Client) *Client {
			return c.With("Content-Type", "application/json").With("Accept", "*/*")
		})
		By("1: a user in a list")
		r := plain.Get(Users + "?count=1&startIndex=1").Has(http.StatusOK)
		Want{
			"schemas": ContainElement(URNList), "itemsPerPage": BeNumerically(">", 0), "startIndex": BeNumerically(">", 0),
			"totalResults": BeNumerically(">", 0), "Resources/0/id": Not(BeEmpty()), "Resources/0/name/familyName": Not(BeEmpty()),
			"Resources/0/name/givenName": Not(BeEmpty()), "Resources/0/userName": Not(BeEmpty()),
			"Resources/0/active": BeTrue(), "Resources/0/emails/0/value": Not(BeEmpty()),
		}.In(r.Document, r.String())
		By("2: the user by id")
		first := r.At("Resources/0/id")
		r = plain.Get(fmt.Sprintf("%s/%s", Users, first)).Has(http.StatusOK)
		Want{
			"id": first, "name/familyName": Not(BeEmpty()), "name/givenName": Not(BeEmpty()), "userName": Not(BeEmpty()),
			"active": BeTrue(), "emails/0/value": Not(BeEmpty()),
		}.In(r.Document, r.String())
		By("3 and 5: nobody")
		plain.Get(Filter(Users, "userName eq %q", Unique("abcdefgh")+"@atko.example.com")).IsList(0)
		plain.Get(Filter(Users, "emails eq %q", Unique("abcdefgh")+"@atko.example.com")).IsList(0)
		By("4 and 12: an unknown id")
		plain.Get(Users+"/010101001010101011001010101011").IsError(http.StatusNotFound, "")
		By("6: a new user")
		name := Unique("Runscope300") + "@atko.example.com"
		body := fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":%q,
			"name":{"givenName":"Runscope","familyName":"Test"},"emails":[{"primary":true,"value":%q,"type":"work"}],
			"displayName":"Runscope Test","active":true}`, name, name)
		r = plain.Send(http.MethodPost, Users, body).Has(http.StatusCreated)
		created := r.Document
		Want{
			"active": true, "id": Not(BeEmpty()), "name/familyName": "Test", "name/givenName": "Runscope",
			"schemas": ContainElement(URNUser), "userName": name, "emails/0/value": name,
		}.In(created, r.String())
		By("7: the same user by id")
		Expect(plain.Get(Users + "/" + r.ID()).Has(http.StatusOK).Document).To(Equal(created))
		By("8: the same again")
		plain.Send(http.MethodPost, Users, body).IsError(http.StatusConflict, "uniqueness")
		By("9: in upper case")
		Expect(plain.Get(Filter(Users, "userName eq %q", strings.ToUpper(name))).IsList(1)[0]).To(HaveKeyWithValue("id", r.ID()))
		By("10: groups, quickly")
		listed := plain.Get(Groups)
		listed.IsList(0)
		Expect(listed.At("Resources")).To(BeEmpty())
		Expect(listed.Took).To(BeNumerically("<", 600*time.Millisecond))
		By("11: a bad token")
		plain.Each(func(c *Client) *Client { return c.WithToken("bad") }).Get(Users).IsError(http.StatusUnauthorized, "")
	})

	It("gives who is in a group a role in Kubernetes, as long as they are active", func(ctx SpecContext) { expectRolesOfGroups(ctx, t) })

	It("reads the roles of the application, and may give no others", func() {
		ApplyText(fmt.Sprintf(oktaRoles, t.Namespace, t.Name))
		WaitFor(t.Namespace, "condition=Ready", "scimrole/billing-admin", "scimrole/seat-pro")
		Eventually(func() string {
			return Kubectl("get", "scimrole", "-n", t.Namespace, "of-another", "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].reason}")
		}).
			Should(Equal("TenantNotFound"))
		t.EveryReplica(func(c *Client) {
			Eventually(func() int { return c.Get("/Entitlements").Status }).Should(Equal(http.StatusOK))
			Eventually(func() any { return c.Get("/Roles").At("totalResults") }).Should(BeEquivalentTo(1), "and not the one of another tenant")
			r := c.Get("/Roles")
			Want{
				"Resources/0/schemas": ConsistOf("urn:okta:scim:schemas:core:1.0:Role"), "Resources/0/id": "billing-admin",
				"Resources/0/displayName": "Billing administrator", "Resources/0/description": "Sees invoices", "Resources/0/value": nil,
			}.In(r.Document, r.String())
			Expect(c.Get("/ResourceTypes/Entitlement").Has(http.StatusOK).At("schema")).To(Equal("urn:okta:scim:schemas:core:1.0:Entitlement"))
			c.Do(http.MethodDelete, "/Roles/billing-admin", "").IsError(http.StatusMethodNotAllowed, "")
		})

		By("giving users roles and entitlements, some of which there are not")
		const document = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":%q,"roles":[{"value":%q}],"entitlements":[{"value":"seat-pro","type":"License"}]}`
		given := func(c *Client, role string) *Response {
			return c.Do(http.MethodPost, Users, fmt.Sprintf(document, Unique("given")+"@okta.example.com", role))
		}
		Kubectl("patch", "scimtenant", "-n", t.Namespace, t.Name, "--type=merge", "-p", `{"spec":{"users":{"unknownRoles":"Reject"}}}`)
		t.EveryReplica(func(c *Client) {
			Eventually(func() int { return given(c, "of-another").Status }).Should(Equal(http.StatusBadRequest))
			Expect(given(c, "of-another").IsError(http.StatusBadRequest, "invalidValue").At("detail")).To(ContainSubstring("billing-admin"))
			given(c, "billing-admin").Has(http.StatusCreated)
		})
	})
})
