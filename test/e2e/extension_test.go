package e2e

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

const urnBadge = "urn:example:params:scim:schemas:extension:badge:2.0:User"

// withBadge gives a tenant a schema extension with one attribute.
func withBadge(spec *scimv1alpha1.ScimTenantSpec) {
	spec.SchemaExtensions = []scimv1alpha1.SchemaExtension{{
		ID: urnBadge,
		Attributes: []scimv1alpha1.SchemaAttribute{{
			AttributeCharacteristics: scimv1alpha1.AttributeCharacteristics{Name: "number", Type: scimv1alpha1.AttributeTypeInteger},
		}},
	}}
}

var _ = Describe("A schema extension of a tenant", func() {
	It("is published, checked and kept in the ScimUser, from the moment it is applied", func(ctx SpecContext) {
		t := serve(ctx, "extension", scimv1alpha1.IdentityProviderGeneric, oneReplica)
		body := `{"schemas":["` + urnUser + `","` + urnBadge + `"],"userName":"badge@example.com","` + urnBadge + `":{"number":42}}`
		t.service.do(http.MethodPost, users, body).isError(http.StatusBadRequest, "invalidSyntax")

		apply(newTenant(t.namespace, t.name, scimv1alpha1.IdentityProviderGeneric, oneReplica, withBadge))
		Eventually(func() int { return t.service.get("/Schemas/" + urnBadge).status }).Should(Equal(http.StatusOK))
		created := t.service.do(http.MethodPost, users, body).has(http.StatusCreated)
		id := created.id()
		Expect(dig(kubectlGet(t.namespace, "scimuser", id), "spec/extensions/0/attributes/number")).To(BeEquivalentTo(42))
		t.service.get(filter(users, "%s:number gt 41", urnBadge)).isList(1)
		t.service.do(http.MethodPatch, users+"/"+id, patch(`{"op":"replace","path":"`+urnBadge+`:number","value":"x"}`)).
			isError(http.StatusBadRequest, "invalidValue")
	})
})
