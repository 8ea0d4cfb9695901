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
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("A bad request", Ordered, ContinueOnFailure, func() {
	var (
		t, other *Tenant
		c        *Client
		id       string
	)

	BeforeAll(func(ctx SpecContext) {
		namespace := NewNamespace(ctx, "protocol")
		tenants := ServeIn(ctx, namespace,
			NewTenant(namespace, "strict", scimv1alpha1.IdentityProviderGeneric),
			NewTenant(namespace, "stranger", scimv1alpha1.IdentityProviderGeneric, OneReplica))
		t, other = tenants[0], tenants[1]
		c = t.Service
		id = t.Send(http.MethodPost, Users, PlainUser("ada@example.com")).Has(http.StatusCreated).ID()
	})

	It("without a good token gets the same answer whatever it asks for", func() {
		unknown, _, err := apikey.Mint()
		Expect(err).NotTo(HaveOccurred())
		var bodies []string
		for _, token := range []string{"", "bad", unknown, t.Token[:len(t.Token)-1], t.Token + "a", other.Token} {
			for _, path := range []string{Users, Users + "/" + id, "/Nothing", "/ServiceProviderConfig"} {
				r := c.WithToken(token).Get(path).IsError(http.StatusUnauthorized, "")
				Expect(r.Header.Get("WWW-Authenticate")).To(HavePrefix("Bearer"), r.String())
				bodies = append(bodies, r.Anonymous())
			}
			c.WithToken(token).Do(http.MethodDelete, Users+"/"+id, "").IsError(http.StatusUnauthorized, "")
		}
		for _, authorization := range []string{t.Token, "Basic " + t.Token, "Bearer", "Bearer " + t.Token + " x"} {
			bodies = append(bodies, c.With("Authorization", authorization).Get(Users).IsError(http.StatusUnauthorized, "").Anonymous())
		}
		c.WithToken("").Get(Users+"?access_token="+t.Token).IsError(http.StatusUnauthorized, "")
		Expect(bodies).To(HaveEach(bodies[0]))
		t.Get(Users + "/" + id).Has(http.StatusOK)
	})

	It("for the resource of another tenant finds nothing", func() {
		body := PlainUser("ada@example.com")
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			theirs := other.Service.Do(method, Users+"/"+id, "").IsError(http.StatusNotFound, "")
			nobody := uuid.NewString()
			nobodys := other.Service.Do(method, Users+"/"+nobody, "").IsError(http.StatusNotFound, "")
			Expect(strings.ReplaceAll(theirs.Anonymous(), id, nobody)).To(Equal(nobodys.Anonymous()))
		}
		other.Service.Do(http.MethodPut, Users+"/"+id, body).IsError(http.StatusNotFound, "")
		other.Service.Do(http.MethodPatch, Users+"/"+id, Patch(`{"op":"replace","path":"active","value":false}`)).
			IsError(http.StatusNotFound, "")
		other.Get(Users).IsList(0)
		other.Send(http.MethodPost, Groups, PlainGroup("Theirs", id)).IsError(http.StatusBadRequest, "invalidValue")
		r := other.Send(http.MethodPost, Users, body).Has(http.StatusCreated)
		Expect(r.ID()).NotTo(Equal(id))
		Want{"spec/active": true, "spec/tenantRef/name": "strict"}.In(t.User(id), "the user of the other tenant")
	})

	DescribeTable("with a filter that makes no sense is never answered with a list", func(expression string) {
		c.Get(Filter(Users, "%s", expression)).IsError(http.StatusBadRequest, "invalidFilter")
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
		before := t.User(id)
		c.Do(method, strings.ReplaceAll(path, "{id}", id), body).IsError(http.StatusBadRequest, scimType)
		Expect(t.User(id)).To(Equal(before))
	},
		Entry("half a document", http.MethodPost, Users, `{"schemas":[`, "invalidSyntax"),
		Entry("no JSON", http.MethodPost, Users, `userName=ada`, "invalidSyntax"),
		Entry("an array", http.MethodPost, Users, `[]`, "invalidSyntax"),
		Entry("no userName", http.MethodPost, Users, `{"schemas":["`+URNUser+`"],"active":true}`, "invalidValue"),
		Entry("an object for a string", http.MethodPost, Users, `{"schemas":["`+URNUser+`"],"userName":{"value":"ada"}}`, "invalidValue"),
		Entry("no displayName", http.MethodPost, Groups, `{"schemas":["`+URNGroup+`"]}`, "invalidValue"),
		Entry("half a PUT", http.MethodPut, Users+"/{id}", `{"userName":"ada"`, "invalidSyntax"),
		Entry("half a PATCH", http.MethodPatch, Users+"/{id}", `{"Operations":[`, "invalidSyntax"),
		Entry("a malformed path", http.MethodPatch, Users+"/{id}", Patch(`{"op":"replace","path":"name..familyName","value":"x"}`), "invalidPath"),
		Entry("a path whose bracket is never closed", http.MethodPatch, Users+"/{id}",
			Patch(`{"op":"replace","path":"emails[type eq \"work\".value","value":"x"}`), "invalidPath"),
		Entry("a malformed filter in a path", http.MethodPatch, Users+"/{id}",
			Patch(`{"op":"replace","path":"emails[type like \"work\"].value","value":"x"}`), "invalidFilter"),
		Entry("the path of no attribute", http.MethodPatch, Users+"/{id}", Patch(`{"op":"replace","path":"shoeSize","value":"42"}`), "invalidPath"),
		Entry("remove without a path", http.MethodPatch, Users+"/{id}", Patch(`{"op":"remove"}`), "noTarget"),
		Entry("replace of what no value path matches", http.MethodPatch, Users+"/{id}",
			Patch(`{"op":"replace","path":"emails[type eq \"home\"].value","value":"x@example.com"}`), "noTarget"),
		Entry("a read-only attribute", http.MethodPatch, Users+"/{id}", Patch(`{"op":"replace","path":"id","value":"1"}`), "mutability"),
		Entry("a wrong type", http.MethodPatch, Users+"/{id}", Patch(`{"op":"replace","path":"active","value":"maybe"}`), "invalidValue"),
		Entry("one good operation and one bad", http.MethodPatch, Users+"/{id}",
			Patch(`{"op":"replace","path":"displayName","value":"Ada"}`, `{"op":"replace","path":"shoeSize","value":"42"}`), "invalidPath"),
	)

	It("for a URL that is none gets a SCIM error", func() {
		for _, path := range []string{"/Nothing", Users + "/" + id + "/emails", "/Schemas/urn:none", "/ResourceTypes/None"} {
			c.Get(path).IsError(http.StatusNotFound, "")
		}
		outside := *c
		outside.Base = strings.TrimSuffix(c.Base, t.Path)
		outside.Get("/").IsError(http.StatusNotFound, "")
		outside.Get("/scim/v1/Users").IsError(http.StatusNotFound, "")
	})

	It("with a method that the URL does not have is told which it has", func() {
		for _, request := range []struct{ method, path, allowed string }{
			{http.MethodPut, Users, http.MethodPost},
			{http.MethodDelete, Groups, http.MethodGet},
			{http.MethodPost, Users + "/" + id, http.MethodPatch},
			{http.MethodPost, "/ServiceProviderConfig", http.MethodGet},
			{http.MethodDelete, "/Schemas", http.MethodGet},
		} {
			r := c.Do(request.method, request.path, "").IsError(http.StatusMethodNotAllowed, "")
			Expect(r.Header.Get("Allow")).To(And(ContainSubstring(request.allowed), Not(ContainSubstring(request.method))), r.String())
		}
	})

	It("of another content type, or too large, is refused", func() {
		for _, header := range []string{"text/xml", "application/x-www-form-urlencoded", "nonsense"} {
			c.With("Content-Type", header).Do(http.MethodPost, Users, PlainUser("xml@example.com")).IsError(http.StatusUnsupportedMediaType, "")
		}
		padding := fmt.Sprintf(`{"schemas":[%q],"userName":"large@example.com","displayName":%q}`, URNUser, strings.Repeat("x", 24<<20))
		c.Do(http.MethodPost, Users, padding).IsError(http.StatusRequestEntityTooLarge, "")
		t.Get(Users).IsList(1)
		for _, header := range []string{"application/json", "application/json; charset=utf-8", MediaType + ";charset=UTF-8"} {
			r := c.With("Content-Type", header).Do(http.MethodPost, Users, PlainUser(Unique("json")+"@example.com")).Has(http.StatusCreated)
			t.Send(http.MethodDelete, Users+"/"+r.ID(), "").Has(http.StatusNoContent)
		}
	})

	It("that goes by an old version is refused, and tells a current one from it", func() {
		path := Users + "/" + id
		old := t.Get(path).Has(http.StatusOK).Header.Get("ETag")
		fresh := t.Replicas[0].With("If-Match", old).Do(http.MethodPatch, path, Patch(`{"op":"replace","path":"displayName","value":"Ada"}`)).
			Has(http.StatusOK).Header.Get("ETag")
		Expect(fresh).NotTo(Equal(old))
		t.EveryReplica(func(c *Client) {
			stale := c.With("If-Match", old)
			stale.Do(http.MethodPatch, path, Patch(`{"op":"replace","path":"displayName","value":"Grace"}`)).IsError(http.StatusPreconditionFailed, "")
			stale.Do(http.MethodPut, path, PlainUser("ada@example.com")).IsError(http.StatusPreconditionFailed, "")
			stale.Do(http.MethodDelete, path, "").IsError(http.StatusPreconditionFailed, "")
			Expect(c.With("If-None-Match", fresh).Get(path).Has(http.StatusNotModified).Header.Get("ETag")).To(Equal(fresh))
			Want{"displayName": "Ada"}.In(c.With("If-None-Match", old).Get(path).Has(http.StatusOK).Document, "the user")
		})
	})

	It("is told apart from one that is only unusual", func() {
		c.Get("//Users/").IsList(1)
		c.Get(Users + "/?foo=bar").IsList(1)
		c.With("User-Agent", "").Get(Users).IsList(1)
		c.With("Authorization", "bearer "+t.Token).Get(Users).IsList(1)
		Expect(c.Get(Users + "?count=0").IsList(1)).To(BeEmpty())
		Expect(c.Get(Users + "?startIndex=-1&count=-1").IsList(1)).To(BeEmpty())
		c.Get(Users+"?count=many").IsError(http.StatusBadRequest, "invalidValue")
		c.Get(Filter("/Schemas", `id eq "x"`)).IsError(http.StatusForbidden, "")
	})
})
