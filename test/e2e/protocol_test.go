package e2e

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/google/uuid"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
)

var _ = Describe("A bad request", Ordered, ContinueOnFailure, func() {
	var (
		t, stranger *tenant
		c           *scimClient
		id          string
	)

	BeforeAll(func(ctx SpecContext) {
		namespace := newNamespace(ctx, "protocol")
		tenants := serveIn(ctx, namespace,
			newTenant(namespace, "strict", scimv1alpha1.IdentityProviderGeneric),
			newTenant(namespace, "stranger", scimv1alpha1.IdentityProviderGeneric, oneReplica))
		t, stranger = tenants[0], tenants[1]
		c = t.service
		id = t.send(http.MethodPost, users, plainUser("ada@example.com")).has(http.StatusCreated).id()
	})

	It("without a good token gets the same answer whatever it asks for", func() {
		unknown, _, err := apikey.Mint()
		Expect(err).NotTo(HaveOccurred())
		var bodies []string
		for _, token := range []string{"", "bad", unknown, t.token[:len(t.token)-1], t.token + "a", stranger.token} {
			for _, path := range []string{users, users + "/" + id, "/Nothing", "/ServiceProviderConfig"} {
				r := c.withToken(token).get(path).isError(http.StatusUnauthorized, "")
				Expect(r.header.Get("WWW-Authenticate")).To(HavePrefix("Bearer"), r.String())
				bodies = append(bodies, string(r.body))
			}
			c.withToken(token).do(http.MethodDelete, users+"/"+id, "").isError(http.StatusUnauthorized, "")
		}
		for _, authorization := range []string{t.token, "Basic " + t.token, "Bearer", "Bearer " + t.token + " x"} {
			bodies = append(bodies, string(c.with("Authorization", authorization).get(users).isError(http.StatusUnauthorized, "").body))
		}
		c.withToken("").get(users+"?access_token="+t.token).isError(http.StatusUnauthorized, "")
		Expect(bodies).To(HaveEach(bodies[0]))
		t.get(users + "/" + id).has(http.StatusOK)
	})

	It("for the resource of another tenant finds nothing", func() {
		body := plainUser("ada@example.com")
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			theirs := stranger.service.do(method, users+"/"+id, "").isError(http.StatusNotFound, "")
			nobody := uuid.NewString()
			nobodys := stranger.service.do(method, users+"/"+nobody, "").isError(http.StatusNotFound, "")
			Expect(strings.ReplaceAll(string(theirs.body), id, nobody)).To(Equal(string(nobodys.body)))
		}
		stranger.service.do(http.MethodPut, users+"/"+id, body).isError(http.StatusNotFound, "")
		stranger.service.do(http.MethodPatch, users+"/"+id, patch(`{"op":"replace","path":"active","value":false}`)).
			isError(http.StatusNotFound, "")
		stranger.get(users).isList(0)
		stranger.send(http.MethodPost, groups, plainGroup("Theirs", id)).isError(http.StatusBadRequest, "invalidValue")
		r := stranger.send(http.MethodPost, users, body).has(http.StatusCreated)
		Expect(r.id()).NotTo(Equal(id))
		want{"spec/active": true, "spec/tenantRef/name": "strict"}.in(t.user(id), "the user of the other tenant")
	})

	DescribeTable("with a filter that makes no sense is never answered with a list", func(expression string) {
		c.get(filter(users, "%s", expression)).isError(http.StatusBadRequest, "invalidFilter")
	},
		Entry("no operator", `userName`),
		Entry("unknown operator", `userName like "ada"`),
		Entry("unknown attribute", `shoeSize eq "42"`),
		Entry("no value", `userName eq`),
		Entry("open quote", `userName eq "ada`),
		Entry("open bracket", `(userName eq "ada"`),
		Entry("open value path", `emails[type eq "work"`),
		Entry("something after it", `userName eq "ada" "grace"`),
		Entry("an order of booleans", `active gt true`),
		Entry("a value without quotes", `userName eq ada@example.com`),
	)

	DescribeTable("with a body that makes no sense changes nothing", func(method, path, body, scimType string) {
		before := t.user(id)
		c.do(method, strings.ReplaceAll(path, "{id}", id), body).isError(http.StatusBadRequest, scimType)
		Expect(t.user(id)).To(Equal(before))
	},
		Entry("half a document", http.MethodPost, users, `{"schemas":[`, "invalidSyntax"),
		Entry("no JSON", http.MethodPost, users, `userName=ada`, "invalidSyntax"),
		Entry("an array", http.MethodPost, users, `[]`, "invalidSyntax"),
		Entry("no userName", http.MethodPost, users, `{"schemas":["`+urnUser+`"],"active":true}`, "invalidValue"),
		Entry("an object for a string", http.MethodPost, users, `{"schemas":["`+urnUser+`"],"userName":{"value":"ada"}}`, "invalidValue"),
		Entry("no displayName", http.MethodPost, groups, `{"schemas":["`+urnGroup+`"]}`, "invalidValue"),
		Entry("half a PUT", http.MethodPut, users+"/{id}", `{"userName":"ada"`, "invalidSyntax"),
		Entry("half a PATCH", http.MethodPatch, users+"/{id}", `{"Operations":[`, "invalidSyntax"),
		Entry("a malformed path", http.MethodPatch, users+"/{id}", patch(`{"op":"replace","path":"name..familyName","value":"x"}`), "invalidPath"),
		Entry("a path whose bracket is never closed", http.MethodPatch, users+"/{id}",
			patch(`{"op":"replace","path":"emails[type eq \"work\".value","value":"x"}`), "invalidPath"),
		Entry("a malformed filter in a path", http.MethodPatch, users+"/{id}",
			patch(`{"op":"replace","path":"emails[type like \"work\"].value","value":"x"}`), "invalidFilter"),
		Entry("the path of no attribute", http.MethodPatch, users+"/{id}", patch(`{"op":"replace","path":"shoeSize","value":"42"}`), "invalidPath"),
		Entry("remove without a path", http.MethodPatch, users+"/{id}", patch(`{"op":"remove"}`), "noTarget"),
		Entry("replace of what no value path matches", http.MethodPatch, users+"/{id}",
			patch(`{"op":"replace","path":"emails[type eq \"home\"].value","value":"x@example.com"}`), "noTarget"),
		Entry("a read-only attribute", http.MethodPatch, users+"/{id}", patch(`{"op":"replace","path":"id","value":"1"}`), "mutability"),
		Entry("a wrong type", http.MethodPatch, users+"/{id}", patch(`{"op":"replace","path":"active","value":"maybe"}`), "invalidValue"),
		Entry("one good operation and one bad", http.MethodPatch, users+"/{id}",
			patch(`{"op":"replace","path":"displayName","value":"Ada"}`, `{"op":"replace","path":"shoeSize","value":"42"}`), "invalidPath"),
	)

	It("for a URL that is none gets a SCIM error", func() {
		for _, path := range []string{"/Nothing", users + "/" + id + "/emails", "/Schemas/urn:none", "/ResourceTypes/None"} {
			c.get(path).isError(http.StatusNotFound, "")
		}
		outside := *c
		outside.base = strings.TrimSuffix(c.base, t.path)
		outside.get("/").isError(http.StatusNotFound, "")
		outside.get("/scim/v1/Users").isError(http.StatusNotFound, "")
	})

	It("with a method that the URL does not have is told which it has", func() {
		for _, request := range []struct{ method, path, allowed string }{
			{http.MethodPut, users, http.MethodPost},
			{http.MethodDelete, groups, http.MethodGet},
			{http.MethodPost, users + "/" + id, http.MethodPatch},
			{http.MethodPost, "/ServiceProviderConfig", http.MethodGet},
			{http.MethodDelete, "/Schemas", http.MethodGet},
		} {
			r := c.do(request.method, request.path, "").isError(http.StatusMethodNotAllowed, "")
			Expect(r.header.Get("Allow")).To(And(ContainSubstring(request.allowed), Not(ContainSubstring(request.method))), r.String())
		}
	})

	It("of another content type, or too large, is refused", func() {
		for _, header := range []string{"text/xml", "application/x-www-form-urlencoded", "nonsense"} {
			c.with("Content-Type", header).do(http.MethodPost, users, plainUser("xml@example.com")).isError(http.StatusUnsupportedMediaType, "")
		}
		padding := fmt.Sprintf(`{"schemas":[%q],"userName":"large@example.com","displayName":%q}`, urnUser, strings.Repeat("x", 24<<20))
		c.do(http.MethodPost, users, padding).isError(http.StatusRequestEntityTooLarge, "")
		t.get(users).isList(1)
		for _, header := range []string{"application/json", "application/json; charset=utf-8", mediaType + ";charset=UTF-8"} {
			r := c.with("Content-Type", header).do(http.MethodPost, users, plainUser(unique("json")+"@example.com")).has(http.StatusCreated)
			t.send(http.MethodDelete, users+"/"+r.id(), "").has(http.StatusNoContent)
		}
	})

	It("that goes by an old version is refused, and tells a current one from it", func() {
		path := users + "/" + id
		old := t.get(path).has(http.StatusOK).header.Get("ETag")
		fresh := t.replicas[0].with("If-Match", old).do(http.MethodPatch, path, patch(`{"op":"replace","path":"displayName","value":"Ada"}`)).
			has(http.StatusOK).header.Get("ETag")
		Expect(fresh).NotTo(Equal(old))
		t.everyReplica(func(c *scimClient) {
			stale := c.with("If-Match", old)
			stale.do(http.MethodPatch, path, patch(`{"op":"replace","path":"displayName","value":"Grace"}`)).isError(http.StatusPreconditionFailed, "")
			stale.do(http.MethodPut, path, plainUser("ada@example.com")).isError(http.StatusPreconditionFailed, "")
			stale.do(http.MethodDelete, path, "").isError(http.StatusPreconditionFailed, "")
			Expect(c.with("If-None-Match", fresh).get(path).has(http.StatusNotModified).header.Get("ETag")).To(Equal(fresh))
			want{"displayName": "Ada"}.in(c.with("If-None-Match", old).get(path).has(http.StatusOK).document, "the user")
		})
	})

	It("is told apart from one that is only unusual", func() {
		c.get("//Users/").isList(1)
		c.get(users + "/?foo=bar").isList(1)
		c.with("User-Agent", "").get(users).isList(1)
		c.with("Authorization", "bearer "+t.token).get(users).isList(1)
		Expect(c.get(users + "?count=0").isList(1)).To(BeEmpty())
		Expect(c.get(users + "?startIndex=-1&count=-1").isList(1)).To(BeEmpty())
		c.get(users+"?count=many").isError(http.StatusBadRequest, "invalidValue")
		c.get(filter("/Schemas", `id eq "x"`)).isError(http.StatusForbidden, "")
	})
})
