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
)

const (
	oktaUser = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":%q,"name":{"givenName":"Test","familyName":"User"},
		"emails":[{"primary":true,"value":%q,"type":"work"}],"displayName":"Test User","locale":"en-US",
		"externalId":%q,"groups":[],"password":%q,"active":true}`
	oktaDocument = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":%q,"userName":%q,
		"name":{"givenName":"Another","familyName":"User"},
		"emails":[{"primary":true,"value":%q,"type":"work","display":%q}],
		"active":%t,"groups":[],"meta":{"resourceType":"User"}}`
)

var _ = Describe("Okta", Ordered, ContinueOnFailure, func() {
	var (
		t                              *tenant
		id, other, group               string
		userName, externalID, password string
		groupName                      string
	)

	BeforeAll(func(ctx SpecContext) {
		t = serve(ctx, "okta", scimv1alpha1.IdentityProviderOkta).each(func(c *scimClient) *scimClient {
			return c.with("User-Agent", "Okta SCIM Client 1.0.0")
		})
		userName, externalID, password = unique("test.user")+"@okta.example.com", unique("00u"), "1mz050nq"+uuid.NewString()
		groupName = unique("Test SCIMv2")
	})

	change := func(endpoint, id string, operations ...string) *response {
		GinkgoHelper()
		return t.send(http.MethodPatch, endpoint+"/"+id, patch(operations...)).hasOneOf(http.StatusOK, http.StatusNoContent)
	}
	put := func(active bool) *response {
		GinkgoHelper()
		t.get(users + "/" + id).has(http.StatusOK)
		return t.send(http.MethodPut, users+"/"+id, fmt.Sprintf(oktaDocument, id, userName, userName, userName, active)).has(http.StatusOK)
	}

	It("passes the connection test", func() {
		t.everyReplica(func(c *scimClient) {
			for _, path := range []string{users + "?startIndex=1&count=2", groups + "?startIndex=1&count=100"} {
				r := c.get(path)
				r.isList(0)
				want{"startIndex": 1, "itemsPerPage": 0}.in(r.document, r.String())
			}
		})
	})

	It("creates a user", func() {
		t.get(strings.ReplaceAll(filter(users, "userName eq %q", userName), "+", "%20") + "&startIndex=1&count=100").isList(0)
		r := t.send(http.MethodPost, users, fmt.Sprintf(oktaUser, userName, userName, externalID, password)).has(http.StatusCreated)
		id = r.id()
		t.wrote(r, id, want{
			"userName": userName, "externalId": externalID, "active": true, "displayName": "Test User", "locale": "en-US",
			"name/givenName": "Test", "name/familyName": "User", "emails/0/value": userName, "emails/0/primary": true,
			"groups": nil, "password": nil,
		})
		t.send(http.MethodPost, users, fmt.Sprintf(oktaUser, userName, userName, externalID, password)).
			isError(http.StatusConflict, "uniqueness")
	})

	It("replaces the user with a whole document, which clears what it leaves out", func() {
		t.wrote(put(true), id, want{
			"userName": userName, "active": true, "name/givenName": "Another", "emails/0/display": userName,
			"displayName": nil, "locale": nil, "externalId": nil, "password": nil,
		})
		t.unchanged(users, id, func() *response { return put(true) })
	})

	It("deactivates and reactivates with PUT and with PATCH", func() {
		t.wrote(put(false), id, want{"active": false, "userName": userName})
		t.found(id, filter(users, "userName eq %q", userName)+"&startIndex=1&count=100")
		t.wrote(put(true), id, want{"active": true})
		t.wrote(change(users, id, `{"op":"replace","value":{"active":false}}`), id, want{"active": false, "name/givenName": "Another"})
		t.wrote(change(users, id, `{"op":"replace","value":{"active":true}}`), id, want{"active": true, "name/givenName": "Another"})
		t.wrote(change(users, id, `{"op":"replace","value":{"active":false}}`), id, want{"active": false})
		t.wrote(put(true), id, want{"active": true})
	})

	It("takes a new password and tells nobody", func() {
		secret := "2nd" + password
		r := change(users, id, fmt.Sprintf(`{"op":"replace","value":{"password":%q}}`, secret))
		Expect(string(r.body)).NotTo(ContainSubstring(secret))
		t.everyReplica(func(c *scimClient) {
			for _, path := range []string{users + "/" + id, users + "/" + id + "?attributes=password", users} {
				r := c.get(path).has(http.StatusOK)
				Expect(string(r.body)).NotTo(ContainSubstring("password"), path)
				Expect(string(r.body)).NotTo(ContainSubstring(password), path)
			}
		})
		Expect(kubectl("get", "scimuser", "-n", t.namespace, id, "-o", "yaml", "--show-managed-fields")).To(And(
			Not(ContainSubstring(password)), Not(ContainSubstring("password"))))
		Expect(serverLogs(t)).To(And(Not(ContainSubstring(password)), ContainSubstring(id)))
	})

	It("pushes a group", func() {
		r := t.send(http.MethodPost, users, fmt.Sprintf(oktaUser, unique("second")+"@okta.example.com", "second@okta.example.com", unique("00u"), password)).
			has(http.StatusCreated)
		other = r.id()
		r = t.send(http.MethodPost, groups, fmt.Sprintf(`{"schemas":[%q],"displayName":%q,"members":[]}`, urnGroup, groupName)).
			has(http.StatusCreated)
		group = r.id()
		t.wroteGroup(r, group, want{"displayName": groupName})

		By("renaming it, with its id in the value")
		groupName = unique("Renamed SCIMv2")
		r = change(groups, group, fmt.Sprintf(`{"op":"replace","value":{"id":%q,"displayName":%q}}`, group, groupName))
		t.wroteGroup(r, group, want{"displayName": groupName})
		By("adding members")
		r = change(groups, group, fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":%q,"display":%q}]}`, id, userName))
		t.wroteGroup(r, group, want{}, id)
		r = change(groups, group,
			fmt.Sprintf(`{"op":"remove","path":"members[value eq \"%s\"]"}`, id),
			fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":%q,"display":"second"}]}`, other))
		t.wroteGroup(r, group, want{}, other)
		By("pushing all members now")
		r = change(groups, group, fmt.Sprintf(`{"op":"replace","path":"members","value":[{"value":%q},{"value":%q}]}`, id, other))
		t.wroteGroup(r, group, want{}, id, other)
		Expect(values(t.get(users + "/" + id).at("groups"))).To(ConsistOf(group))
		By("leaving out a member that is not known, and not the rest of the push")
		r = change(groups, group, fmt.Sprintf(`{"op":"replace","path":"members","value":[{"value":%q},{"value":%q}]}`, id, uuid.NewString()))
		t.wroteGroup(r, group, want{}, id)
		By("emptying it")
		r = change(groups, group, `{"op":"replace","path":"members","value":[]}`)
		t.wroteGroup(r, group, want{"displayName": groupName})
	})

	It("replaces the group with a whole document", func() {
		r := t.send(http.MethodPut, groups+"/"+group, fmt.Sprintf(
			`{"schemas":[%q],"id":%q,"displayName":%q,"members":[{"value":%q},{"value":%q}]}`, urnGroup, group, groupName, other, id)).
			has(http.StatusOK)
		t.wroteGroup(r, group, want{"displayName": groupName}, id, other)
	})

	It("unlinks the group", func() {
		t.deleted(groups, group)
		Expect(t.group(group)).To(BeNil())
		Expect(t.get(users + "/" + id).has(http.StatusOK).at("groups")).To(BeNil())
	})

	It("imports users in pages", func() {
		var seen []string
		total := 2
		for start := 1; start <= total; {
			r := t.get(fmt.Sprintf("%s?startIndex=%d&count=1", users, start))
			list := r.isList(total)
			want{"startIndex": start, "itemsPerPage": 1}.in(r.document, r.String())
			for _, resource := range list {
				seen = append(seen, resource["id"].(string))
			}
			start += len(list)
		}
		Expect(seen).To(ConsistOf(id, other))
		r := t.get(users + "?startIndex=3&count=100")
		Expect(r.isList(total)).To(BeEmpty())
	})

	It("passes the steps of Okta's SPEC test", func() {
		plain := t.each(func(c *scimClient) *scimClient {
			return c.with("Content-Type", "application/json").with("Accept", "*/*")
		})
		By("1: a user in a list")
		r := plain.get(users + "?count=1&startIndex=1").has(http.StatusOK)
		want{
			"schemas": ContainElement(urnList), "itemsPerPage": BeNumerically(">", 0), "startIndex": BeNumerically(">", 0),
			"totalResults": BeNumerically(">", 0), "Resources/0/id": Not(BeEmpty()), "Resources/0/name/familyName": Not(BeEmpty()),
			"Resources/0/name/givenName": Not(BeEmpty()), "Resources/0/userName": Not(BeEmpty()),
			"Resources/0/active": BeTrue(), "Resources/0/emails/0/value": Not(BeEmpty()),
		}.in(r.document, r.String())
		By("2: the user by id")
		first := r.at("Resources/0/id")
		r = plain.get(fmt.Sprintf("%s/%s", users, first)).has(http.StatusOK)
		want{
			"id": first, "name/familyName": Not(BeEmpty()), "name/givenName": Not(BeEmpty()), "userName": Not(BeEmpty()),
			"active": BeTrue(), "emails/0/value": Not(BeEmpty()),
		}.in(r.document, r.String())
		By("3 and 5: nobody")
		plain.get(filter(users, "userName eq %q", unique("abcdefgh")+"@atko.example.com")).isList(0)
		plain.get(filter(users, "emails eq %q", unique("abcdefgh")+"@atko.example.com")).isList(0)
		By("4 and 12: an unknown id")
		plain.get(users+"/010101001010101011001010101011").isError(http.StatusNotFound, "")
		By("6: a new user")
		name := unique("Runscope300") + "@atko.example.com"
		body := fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":%q,
			"name":{"givenName":"Runscope","familyName":"Test"},"emails":[{"primary":true,"value":%q,"type":"work"}],
			"displayName":"Runscope Test","active":true}`, name, name)
		r = plain.send(http.MethodPost, users, body).has(http.StatusCreated)
		created := r.document
		want{
			"active": true, "id": Not(BeEmpty()), "name/familyName": "Test", "name/givenName": "Runscope",
			"schemas": ContainElement(urnUser), "userName": name, "emails/0/value": name,
		}.in(created, r.String())
		By("7: the same user by id")
		Expect(plain.get(users + "/" + r.id()).has(http.StatusOK).document).To(Equal(created))
		By("8: the same again")
		plain.send(http.MethodPost, users, body).isError(http.StatusConflict, "uniqueness")
		By("9: in upper case")
		Expect(plain.get(filter(users, "userName eq %q", strings.ToUpper(name))).isList(1)[0]).To(HaveKeyWithValue("id", r.id()))
		By("10: groups, quickly")
		listed := plain.get(groups)
		listed.isList(0)
		Expect(listed.at("Resources")).To(BeEmpty())
		Expect(listed.took).To(BeNumerically("<", 600*time.Millisecond))
		By("11: a bad token")
		plain.each(func(c *scimClient) *scimClient { return c.withToken("bad") }).get(users).isError(http.StatusUnauthorized, "")
	})
})
