package e2e

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
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

	entraManager = URNEnterprise + ":manager"
)

var (
	capitalised = entraForm{
		name:    "as it is by default",
		op:      func(op string) string { return strings.ToUpper(op[:1]) + op[1:] },
		boolean: func(b bool) string { return map[bool]string{true: `"True"`, false: `"False"`}[b] },
		update: func(mail string) string {
			return Patch(
				fmt.Sprintf(`{"op":"Replace","path":"emails[type eq \"work\"].value","value":%q}`, mail),
				`{"op":"Replace","path":"name.familyName","value":"Unua"}`,
				`{"op":"Replace","path":"name.givenName","value":"Kkom"}`,
				`{"op":"Replace","path":"displayName","value":"Bjfe"}`,
				`{"op":"Replace","path":"`+URNEnterprise+`:employeeNumber","value":"Aklq"}`)
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
			return Patch(
				fmt.Sprintf(`{"op":"replace","path":"emails[type eq \"work\"].value","value":%q}`, mail),
				`{"op":"replace","value":{"displayName":"Bjfe","name.givenName":"Kkom","name.familyName":"Unua",
				"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber":"Aklq"}}`)
		},
		remove: func(id string) string { return fmt.Sprintf(`{"op":"remove","path":"members[value eq \"%s\"]"}`, id) },
	}
)

var _ = Describe("Microsoft Entra ID", Ordered, ContinueOnFailure, func() {
	var served *Tenant

	BeforeAll(func(ctx SpecContext) {
		served = Serve(ctx, "entra", scimv1alpha1.IdentityProviderEntra)
	})

	for _, form := range []entraForm{capitalised, flagged} {
		Context(form.name, func() {
			var (
				t                        *Tenant
				userName, mail, objectID string
				id, other, group         string
				groupName, groupObjectID string
			)

			BeforeAll(func() {
				t = served.Each(func(c *Client) *Client { return c.WithQuery(form.query) })
				userName, mail, objectID = Unique("Test_User"), Unique("jyoung")+"@example.com", uuid.NewString()
				groupName, groupObjectID = Unique("Sales"), uuid.NewString()
			})

			change := func(endpoint, id string, operations ...string) *Response {
				GinkgoHelper()
				return t.Send(http.MethodPatch, endpoint+"/"+id, Patch(operations...)).Has(http.StatusNoContent)
			}

			It("passes the connection test", func() {
				t.EveryReplica(func(c *Client) {
					c.Get(Filter(Users, "userName eq %q", uuid.NewString())).IsList(0)
					c.Get(Filter(Groups, "displayName eq %q", uuid.NewString()) + "&excludedAttributes=members").IsList(0)
					c.Get("/Schemas").Has(http.StatusOK)
				})
			})

			It("creates a user whom no filter found", func() {
				t.Get(Filter(Users, "userName eq %q", userName)).IsList(0)
				r := t.Send(http.MethodPost, Users, fmt.Sprintf(entraUser, objectID, userName, mail)).Has(http.StatusCreated)
				id = r.ID()
				Expect(r.Header.Get("Location")).To(Equal("http://"+PublicHost+"/scim/v2/Users/"+id), r.String())
				Expect(r.At("meta/location")).To(Equal(r.Header.Get("Location")), r.String())
				Expect(r.At("meta/created")).To(Equal(r.At("meta/lastModified")), r.String())
				t.Wrote(r, id, Want{
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
					t.EveryReplica(func(c *Client) {
						list := c.Get(Filter(Users, "%s", expression)).IsList(1)
						Want{"id": id, "userName": userName, "active": true}.In(list[0], expression)
					})
				}
			})

			It("refuses a second user of that name, in any case", func() {
				for _, name := range []string{userName, strings.ToUpper(userName)} {
					t.Send(http.MethodPost, Users, fmt.Sprintf(entraUser, uuid.NewString(), name, mail)).
						IsError(http.StatusConflict, "uniqueness")
				}
				Expect(KubectlList(t.Namespace, "scimusers", "--field-selector=spec.userName="+userName)).To(HaveLen(1))
			})

			It("takes null and empty values for absent ones", func() {
				name := Unique("Other_User")
				body := strings.Replace(fmt.Sprintf(entraUser, uuid.NewString(), name, "other@example.com"),
					`"active":true`, `"active":true,"addresses":null,"phoneNumbers":[],"title":null`, 1)
				r := t.Send(http.MethodPost, Users, body).Has(http.StatusCreated)
				other = r.ID()
				t.Wrote(r, other, Want{"userName": name, "addresses": nil, "phoneNumbers": nil, "title": nil})
			})

			It("updates attributes", func() {
				mail = "updated." + mail
				r := t.Send(http.MethodPatch, Users+"/"+id, form.update(mail)).Has(http.StatusNoContent)
				t.Wrote(r, id, Want{
					"displayName": "Bjfe", "name/familyName": "Unua", "name/givenName": "Kkom",
					"name/formatted": "givenName familyName", "enterprise/employeeNumber": "Aklq",
					"emails/0/value": mail, "emails/0/type": "work", "emails/0/primary": true, "emails/1": nil,
				})
			})

			It("answers with the attributes that a PATCH asks for", func() {
				r := t.Send(http.MethodPatch, Users+"/"+id+"?attributes=userName,nickName",
					Patch(form.operation("add", "nickName", `"Babs"`))).Has(http.StatusOK)
				Want{"nickName": "Babs", "userName": userName, "id": id, "emails": nil}.In(r.Document, r.String())
				t.Wrote(change(Users, id, form.operation("replace", "nickName", `"Barbara"`)), id, Want{"nickName": "Barbara"})
			})

			It("changes nothing when nothing changes", func() {
				t.Unchanged(Users, id, func() *Response {
					return change(Users, id, form.operation("replace", "nickName", `"Barbara"`))
				})
				t.Unchanged(Users, id, func() *Response { return change(Users, id, form.operation("add", "nickName", `"Barbara"`)) })
			})

			It("applies several operations one after the other", func() {
				r := change(Users, id,
					form.operation("replace", "title", `"First"`),
					form.operation("add", "preferredLanguage", `"en-US"`),
					form.operation("replace", "title", `"Second"`))
				t.Wrote(r, id, Want{"title": "Second", "preferredLanguage": "en-US"})
			})

			It("sets, changes and clears the manager", func() {
				r := change(Users, id, form.operation("add", entraManager, `"271"`))
				t.Wrote(r, id, Want{"enterprise/manager/value": "271", "enterprise/employeeNumber": "Aklq"})
				r = change(Users, id, form.operation("replace", entraManager, fmt.Sprintf("%q", other)))
				t.Wrote(r, id, Want{"enterprise/manager/value": other})
				r = change(Users, id, form.operation("replace", entraManager, `""`))
				t.Wrote(r, id, Want{"enterprise/manager": nil, "enterprise/employeeNumber": "Aklq"})
				r = change(Users, id, form.operation("add", "manager", fmt.Sprintf(`[{"value":%q}]`, other)))
				t.Wrote(r, id, Want{"enterprise/manager/value": other})
				t.Found(id, Filter(Users, `id eq %q and manager eq %q`, id, other))
			})

			It("creates the element that a value path asks for, and leaves the others alone", func() {
				r := change(Users, id, form.operation("add", `phoneNumbers[type eq "work"].value`, `"+1 555 0100"`))
				t.Wrote(r, id, Want{"phoneNumbers/0/value": "+1 555 0100", "phoneNumbers/0/type": "work"})
				r = change(Users, id,
					form.operation("add", `phoneNumbers[type eq "mobile"].value`, `"+1 555 0101"`),
					form.operation("replace", `addresses[type eq "work"].formatted`, `"100 Main Street"`),
					form.operation("add", `roles[primary eq "True"].display`, `"Reader"`))
				t.Wrote(r, id, Want{
					"phoneNumbers/0/value": "+1 555 0100", "phoneNumbers/0/type": "work",
					"phoneNumbers/1/value": "+1 555 0101", "phoneNumbers/1/type": "mobile", "phoneNumbers/2": nil,
					"addresses/0/formatted": "100 Main Street", "addresses/0/type": "work", "addresses/1": nil,
					"roles/0/display": "Reader", "roles/0/primary": true, "roles/1": nil,
				})
			})

			It("creates a group, and no second one of its name", func() {
				body := fmt.Sprintf(entraGroup, groupObjectID, groupName)
				r := t.Send(http.MethodPost, Groups, body).Has(http.StatusCreated)
				group = r.ID()
				t.WroteGroup(r, group, Want{"displayName": groupName, "externalId": groupObjectID})
				t.Send(http.MethodPost, Groups, body).IsError(http.StatusConflict, "uniqueness")
				t.Send(http.MethodPost, Groups, fmt.Sprintf(entraGroup, uuid.NewString(), strings.ToUpper(groupName))).
					IsError(http.StatusConflict, "uniqueness")
			})

			It("adds members and removes one of them", func() {
				t.WroteGroup(change(Groups, group, form.operation("add", "members", fmt.Sprintf(`[{"$ref":null,"value":%q}]`, id))),
					group, Want{}, id)
				t.WroteGroup(change(Groups, group, form.operation("add", "members", fmt.Sprintf(`[{"$ref":null,"value":%q}]`, other))),
					group, Want{}, id, other)
				t.Found(group, Filter(Groups, `id eq %q and members eq %q`, group, other))
				Expect(Values(t.Get(Users + "/" + other).At("groups"))).To(ConsistOf(group))

				t.Unchanged(Groups, group, func() *Response {
					return change(Groups, group, form.operation("add", "members", fmt.Sprintf(`[{"value":%q}]`, id)))
				})
				t.WroteGroup(change(Groups, group, form.remove(other)), group, Want{"displayName": groupName}, id)
				t.Get(Filter(Groups, `id eq %q and members eq %q`, group, other)).IsList(0)
				Expect(t.Get(Users + "/" + other).At("groups")).To(BeNil())
				Expect(Values(t.Get(Users + "/" + id).At("groups"))).To(ConsistOf(group))
				t.Unchanged(Groups, group, func() *Response { return change(Groups, group, form.remove(other)) })
			})

			It("finds the group without its members", func() {
				for _, name := range []string{groupName, strings.ToUpper(groupName)} {
					found := t.Found(group, Filter(Groups, "displayName eq %q", name)+"&excludedAttributes=members")
					Expect(found).NotTo(HaveKey("members"))
					Expect(found).To(HaveKeyWithValue("displayName", groupName))
					Expect(t.Found(group, Filter(Groups, "displayName eq %q", name))).To(HaveKey("members"))
				}
				t.Found(group, Filter(Groups, "externalId eq %q", groupObjectID))
				Expect(t.Get(Groups + "/" + group + "?excludedAttributes=members").Has(http.StatusOK).Document).NotTo(HaveKey("members"))
			})

			It("renames the group", func() {
				groupName, groupObjectID = Unique("1879db59"), uuid.NewString()
				r := change(Groups, group, form.operation("replace", "displayName", fmt.Sprintf("%q", groupName)))
				t.WroteGroup(r, group, Want{"displayName": groupName}, id)
				r = change(Groups, group, form.operation("replace", "externalId", fmt.Sprintf("%q", groupObjectID)))
				t.WroteGroup(r, group, Want{"externalId": groupObjectID}, id)
			})

			It("deactivates and reactivates the user, who stays in the group", func() {
				r := change(Users, id, form.operation("replace", "active", form.boolean(false)))
				t.Wrote(r, id, Want{"active": false, "userName": userName})
				t.EveryReplica(func(c *Client) {
					list := c.Get(Filter(Users, "userName eq %q", userName)).IsList(1)
					Want{"id": id, "active": false}.In(list[0], "the inactive user")
					Expect(Values(c.Get(Groups + "/" + group).At("members"))).To(ConsistOf(id))
				})
				r = change(Users, id, form.operation("replace", "active", form.boolean(true)))
				read := t.Wrote(r, id, Want{"active": true})
				Expect(Values(read["groups"])).To(ConsistOf(group))
			})

			It("ignores query parameters of others", func() {
				t.Get(Filter(Users, "userName eq %q", userName) + "&api-version=2026-01-01&utm_source=x").IsList(1)
				t.Get(Users + "/" + id + "?AzureAdScimPatch2017").Has(http.StatusOK)
			})

			It("deletes the user for SCIM, and keeps the resource", func() {
				t.Deleted(Users, id)
				t.Get(Filter(Users, "userName eq %q", userName)).IsList(0)
				t.KeptAsDeleted(id)
				Expect(t.Get(Groups + "/" + group).Has(http.StatusOK).At("members")).To(BeNil())
				By("removing the deleted user from the group, as happens late")
				t.Unchanged(Groups, group, func() *Response { return change(Groups, group, form.remove(id)) })
			})

			It("brings the user back under the same id", func() {
				r := t.Send(http.MethodPost, Users, fmt.Sprintf(entraUser, objectID, userName, "back@example.com")).Has(http.StatusCreated)
				Expect(r.ID()).To(Equal(id), r.String())
				t.Wrote(r, id, Want{
					"active": true, "emails/0/value": "back@example.com", "nickName": nil, "phoneNumbers": nil, "enterprise/manager": nil,
				})
				Expect(t.User(id)).NotTo(HaveKeyWithValue("metadata", HaveKeyWithValue("labels", HaveKey("scim.kubescim.dev/deleted"))))
			})

			It("deletes the group", func() {
				t.Deleted(Groups, group)
				t.IsMarker(group)
			})

			It("answers 404 for what never was", func() {
				for _, endpoint := range []string{Users, Groups} {
					t.Send(http.MethodDelete, endpoint+"/"+uuid.NewString(), "").IsError(http.StatusNotFound, "")
					t.Get(endpoint+"/"+uuid.NewString()).IsError(http.StatusNotFound, "")
				}
			})
		})
	}
})
