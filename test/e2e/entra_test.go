package e2e

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// entraForm is one of the two forms in which Entra ID writes PATCH requests.
type entraForm struct {
	name    string
	query   string                   // what the administrator adds to the tenant URL
	op      func(string) string      // how an operation is spelt
	boolean func(bool) string        // how a boolean is written
	update  func(mail string) string // how attributes are updated
	remove  func(id string) string   // how a member is removed
}

func (f entraForm) operation(op, path, value string) string {
	return fmt.Sprintf(`{"op":%q,"path":%q,"value":%s}`, f.op(op), path, value)
}

const (
	entraUser = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
		"externalId":%q,"userName":%q,"active":true,
		"emails":[{"primary":true,"type":"work","value":%q}],
		"meta":{"resourceType":"User"},
		"name":{"formatted":"givenName familyName","familyName":"familyName","givenName":"givenName"},"roles":[]}`
	entraGroup = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
		"externalId":%q,"displayName":%q,"meta":{"resourceType":"Group"}}`

	entraManager = urnEnterprise + ":manager"
)

var (
	capitalised = entraForm{
		name:    "as it is by default",
		op:      func(op string) string { return strings.ToUpper(op[:1]) + op[1:] },
		boolean: func(b bool) string { return map[bool]string{true: `"True"`, false: `"False"`}[b] },
		update: func(mail string) string {
			return patch(
				fmt.Sprintf(`{"op":"Replace","path":"emails[type eq \"work\"].value","value":%q}`, mail),
				`{"op":"Replace","path":"name.familyName","value":"Unua"}`,
				`{"op":"Replace","path":"name.givenName","value":"Kkom"}`,
				`{"op":"Replace","path":"displayName","value":"Bjfe"}`,
				`{"op":"Replace","path":"`+urnEnterprise+`:employeeNumber","value":"Aklq"}`)
		},
		remove: func(id string) string {
			return fmt.Sprintf(`{"op":"Remove","path":"members","value":[{"$ref":null,"value":%q}]}`, id)
		},
	}
	flagged = entraForm{
		name:    "with aadOptscim062020",
		query:   "aadOptscim062020",
		op:      strings.ToLower,
		boolean: func(b bool) string { return fmt.Sprint(b) },
		update: func(mail string) string {
			return patch(
				fmt.Sprintf(`{"op":"replace","path":"emails[type eq \"work\"].value","value":%q}`, mail),
				`{"op":"replace","value":{"displayName":"Bjfe","name.givenName":"Kkom","name.familyName":"Unua",
				"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber":"Aklq"}}`)
		},
		remove: func(id string) string { return fmt.Sprintf(`{"op":"remove","path":"members[value eq \"%s\"]"}`, id) },
	}
)

var _ = Describe("Microsoft Entra ID", Ordered, ContinueOnFailure, func() {
	var served *tenant

	BeforeAll(func(ctx SpecContext) {
		served = serve(ctx, "entra", scimv1alpha1.IdentityProviderEntra)
	})

	for _, form := range []entraForm{capitalised, flagged} {
		Context(form.name, func() {
			var (
				t                        *tenant
				userName, mail, objectID string
				id, other, group         string
				groupName, groupObjectID string
			)

			BeforeAll(func() {
				t = served.each(func(c *scimClient) *scimClient { return c.withQuery(form.query) })
				userName, mail, objectID = unique("Test_User"), unique("jyoung")+"@example.com", uuid.NewString()
				groupName, groupObjectID = unique("Sales"), uuid.NewString()
			})

			change := func(endpoint, id string, operations ...string) *response {
				GinkgoHelper()
				return t.send(http.MethodPatch, endpoint+"/"+id, patch(operations...)).has(http.StatusNoContent)
			}

			It("passes the connection test", func() {
				t.everyReplica(func(c *scimClient) {
					c.get(filter(users, "userName eq %q", uuid.NewString())).isList(0)
					c.get(filter(groups, "displayName eq %q", uuid.NewString()) + "&excludedAttributes=members").isList(0)
					c.get("/Schemas").has(http.StatusOK)
				})
			})

			It("creates a user whom no filter found", func() {
				t.get(filter(users, "userName eq %q", userName)).isList(0)
				r := t.send(http.MethodPost, users, fmt.Sprintf(entraUser, objectID, userName, mail)).has(http.StatusCreated)
				id = r.id()
				Expect(r.header.Get("Location")).To(Equal("http://"+publicHost+"/scim/v2/Users/"+id), r.String())
				Expect(r.at("meta/location")).To(Equal(r.header.Get("Location")), r.String())
				Expect(r.at("meta/created")).To(Equal(r.at("meta/lastModified")), r.String())
				t.wrote(r, id, want{
					"userName": userName, "externalId": objectID, "active": true,
					"name/familyName": "familyName", "name/givenName": "givenName", "name/formatted": "givenName familyName",
					"emails/0/value": mail, "emails/0/type": "work", "emails/0/primary": true, "emails/1": nil,
					"roles": nil,
				})
			})

			It("finds the user by each matching attribute, whatever the case of the name", func() {
				for _, expression := range []string{
					fmt.Sprintf("userName eq %q", userName),
					fmt.Sprintf("userName eq %q", strings.ToUpper(userName)),
					fmt.Sprintf("userName Eq %q", strings.ToLower(userName)),
					fmt.Sprintf("externalId eq %q", objectID),
					fmt.Sprintf("externalId eq %s", objectID),
					fmt.Sprintf("emails[type eq \"work\"].value eq %q", mail),
				} {
					By(expression)
					t.everyReplica(func(c *scimClient) {
						list := c.get(filter(users, "%s", expression)).isList(1)
						want{"id": id, "userName": userName, "active": true}.in(list[0], expression)
					})
				}
			})

			It("refuses a second user of that name, in any case", func() {
				for _, name := range []string{userName, strings.ToUpper(userName)} {
					t.send(http.MethodPost, users, fmt.Sprintf(entraUser, uuid.NewString(), name, mail)).
						isError(http.StatusConflict, "uniqueness")
				}
				Expect(kubectlList(t.namespace, "scimusers", "--field-selector=spec.userName="+userName)).To(HaveLen(1))
			})

			It("takes null and empty values for absent ones", func() {
				name := unique("Other_User")
				body := strings.Replace(fmt.Sprintf(entraUser, uuid.NewString(), name, "other@example.com"),
					`"active":true`, `"active":true,"addresses":null,"phoneNumbers":[],"title":null`, 1)
				r := t.send(http.MethodPost, users, body).has(http.StatusCreated)
				other = r.id()
				t.wrote(r, other, want{"userName": name, "addresses": nil, "phoneNumbers": nil, "title": nil})
			})

			It("updates attributes", func() {
				mail = "updated." + mail
				r := t.send(http.MethodPatch, users+"/"+id, form.update(mail)).has(http.StatusNoContent)
				t.wrote(r, id, want{
					"displayName": "Bjfe", "name/familyName": "Unua", "name/givenName": "Kkom",
					"name/formatted": "givenName familyName", "enterprise/employeeNumber": "Aklq",
					"emails/0/value": mail, "emails/0/type": "work", "emails/0/primary": true, "emails/1": nil,
				})
			})

			It("answers with the attributes that a PATCH asks for", func() {
				r := t.send(http.MethodPatch, users+"/"+id+"?attributes=userName,nickName",
					patch(form.operation("add", "nickName", `"Babs"`))).has(http.StatusOK)
				want{"nickName": "Babs", "userName": userName, "id": id, "emails": nil}.in(r.document, r.String())
				t.wrote(change(users, id, form.operation("replace", "nickName", `"Barbara"`)), id, want{"nickName": "Barbara"})
			})

			It("changes nothing when nothing changes", func() {
				t.unchanged(users, id, func() *response {
					return change(users, id, form.operation("replace", "nickName", `"Barbara"`))
				})
				t.unchanged(users, id, func() *response { return change(users, id, form.operation("add", "nickName", `"Barbara"`)) })
			})

			It("applies several operations one after the other", func() {
				r := change(users, id,
					form.operation("replace", "title", `"First"`),
					form.operation("add", "preferredLanguage", `"en-US"`),
					form.operation("replace", "title", `"Second"`))
				t.wrote(r, id, want{"title": "Second", "preferredLanguage": "en-US"})
			})

			It("sets, changes and clears the manager", func() {
				r := change(users, id, form.operation("add", entraManager, `"271"`))
				t.wrote(r, id, want{"enterprise/manager/value": "271", "enterprise/employeeNumber": "Aklq"})
				r = change(users, id, form.operation("replace", entraManager, fmt.Sprintf("%q", other)))
				t.wrote(r, id, want{"enterprise/manager/value": other})
				r = change(users, id, form.operation("replace", entraManager, `""`))
				t.wrote(r, id, want{"enterprise/manager": nil, "enterprise/employeeNumber": "Aklq"})
				r = change(users, id, form.operation("add", "manager", fmt.Sprintf(`[{"value":%q}]`, other)))
				t.wrote(r, id, want{"enterprise/manager/value": other})
				t.found(id, filter(users, `id eq %q and manager eq %q`, id, other))
			})

			It("creates the element that a value path asks for, and leaves the others alone", func() {
				r := change(users, id, form.operation("add", `phoneNumbers[type eq "work"].value`, `"+1 555 0100"`))
				t.wrote(r, id, want{"phoneNumbers/0/value": "+1 555 0100", "phoneNumbers/0/type": "work"})
				r = change(users, id,
					form.operation("add", `phoneNumbers[type eq "mobile"].value`, `"+1 555 0101"`),
					form.operation("replace", `addresses[type eq "work"].formatted`, `"100 Main Street"`),
					form.operation("add", `roles[primary eq "True"].display`, `"Reader"`))
				t.wrote(r, id, want{
					"phoneNumbers/0/value": "+1 555 0100", "phoneNumbers/0/type": "work",
					"phoneNumbers/1/value": "+1 555 0101", "phoneNumbers/1/type": "mobile", "phoneNumbers/2": nil,
					"addresses/0/formatted": "100 Main Street", "addresses/0/type": "work", "addresses/1": nil,
					"roles/0/display": "Reader", "roles/0/primary": true, "roles/1": nil,
				})
			})

			It("creates a group, and no second one of its name", func() {
				body := fmt.Sprintf(entraGroup, groupObjectID, groupName)
				r := t.send(http.MethodPost, groups, body).has(http.StatusCreated)
				group = r.id()
				t.wroteGroup(r, group, want{"displayName": groupName, "externalId": groupObjectID})
				t.send(http.MethodPost, groups, body).isError(http.StatusConflict, "uniqueness")
				t.send(http.MethodPost, groups, fmt.Sprintf(entraGroup, uuid.NewString(), strings.ToUpper(groupName))).
					isError(http.StatusConflict, "uniqueness")
			})

			It("adds members and removes one of them", func() {
				t.wroteGroup(change(groups, group, form.operation("add", "members", fmt.Sprintf(`[{"$ref":null,"value":%q}]`, id))),
					group, want{}, id)
				t.wroteGroup(change(groups, group, form.operation("add", "members", fmt.Sprintf(`[{"$ref":null,"value":%q}]`, other))),
					group, want{}, id, other)
				t.found(group, filter(groups, `id eq %q and members eq %q`, group, other))
				Expect(values(t.get(users + "/" + other).at("groups"))).To(ConsistOf(group))

				t.unchanged(groups, group, func() *response {
					return change(groups, group, form.operation("add", "members", fmt.Sprintf(`[{"value":%q}]`, id)))
				})
				t.wroteGroup(change(groups, group, form.remove(other)), group, want{"displayName": groupName}, id)
				t.get(filter(groups, `id eq %q and members eq %q`, group, other)).isList(0)
				Expect(t.get(users + "/" + other).at("groups")).To(BeNil())
				Expect(values(t.get(users + "/" + id).at("groups"))).To(ConsistOf(group))
				t.unchanged(groups, group, func() *response { return change(groups, group, form.remove(other)) })
			})

			It("finds the group without its members", func() {
				for _, name := range []string{groupName, strings.ToUpper(groupName)} {
					found := t.found(group, filter(groups, "displayName eq %q", name)+"&excludedAttributes=members")
					Expect(found).NotTo(HaveKey("members"))
					Expect(found).To(HaveKeyWithValue("displayName", groupName))
					Expect(t.found(group, filter(groups, "displayName eq %q", name))).To(HaveKey("members"))
				}
				t.found(group, filter(groups, "externalId eq %q", groupObjectID))
				Expect(t.get(groups + "/" + group + "?excludedAttributes=members").has(http.StatusOK).document).NotTo(HaveKey("members"))
			})

			It("renames the group", func() {
				groupName, groupObjectID = unique("1879db59"), uuid.NewString()
				r := change(groups, group, form.operation("replace", "displayName", fmt.Sprintf("%q", groupName)))
				t.wroteGroup(r, group, want{"displayName": groupName}, id)
				r = change(groups, group, form.operation("replace", "externalId", fmt.Sprintf("%q", groupObjectID)))
				t.wroteGroup(r, group, want{"externalId": groupObjectID}, id)
			})

			It("deactivates and reactivates the user, who stays in the group", func() {
				r := change(users, id, form.operation("replace", "active", form.boolean(false)))
				t.wrote(r, id, want{"active": false, "userName": userName})
				t.everyReplica(func(c *scimClient) {
					list := c.get(filter(users, "userName eq %q", userName)).isList(1)
					want{"id": id, "active": false}.in(list[0], "the inactive user")
					Expect(values(c.get(groups + "/" + group).at("members"))).To(ConsistOf(id))
				})
				r = change(users, id, form.operation("replace", "active", form.boolean(true)))
				read := t.wrote(r, id, want{"active": true})
				Expect(values(read["groups"])).To(ConsistOf(group))
			})

			It("ignores query parameters of others", func() {
				t.get(filter(users, "userName eq %q", userName) + "&api-version=2026-01-01&utm_source=x").isList(1)
				t.get(users + "/" + id + "?AzureAdScimPatch2017").has(http.StatusOK)
			})

			It("deletes the user for SCIM, and keeps the resource", func() {
				t.deleted(users, id)
				t.get(filter(users, "userName eq %q", userName)).isList(0)
				t.keptAsDeleted(id)
				Expect(t.get(groups + "/" + group).has(http.StatusOK).at("members")).To(BeNil())
				By("removing the deleted user from the group, as happens late")
				t.unchanged(groups, group, func() *response { return change(groups, group, form.remove(id)) })
			})

			It("brings the user back under the same id", func() {
				r := t.send(http.MethodPost, users, fmt.Sprintf(entraUser, objectID, userName, "back@example.com")).has(http.StatusCreated)
				Expect(r.id()).To(Equal(id), r.String())
				t.wrote(r, id, want{
					"active": true, "emails/0/value": "back@example.com", "nickName": nil, "phoneNumbers": nil, "enterprise/manager": nil,
				})
				Expect(t.user(id)).NotTo(HaveKeyWithValue("metadata", HaveKeyWithValue("labels", HaveKey("scim.kubescim.dev/deleted"))))
			})

			It("deletes the group", func() {
				t.deleted(groups, group)
				Expect(t.group(group)).To(BeNil())
			})

			It("answers 404 for what never was", func() {
				for _, endpoint := range []string{users, groups} {
					t.send(http.MethodDelete, endpoint+"/"+uuid.NewString(), "").isError(http.StatusNotFound, "")
					t.get(endpoint+"/"+uuid.NewString()).isError(http.StatusNotFound, "")
				}
			})
		})
	}
})
