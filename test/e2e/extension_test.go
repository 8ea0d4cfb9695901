package e2e

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
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
		t := Serve(ctx, "extension", scimv1alpha1.IdentityProviderGeneric, OneReplica)
		body := `{"schemas":["` + URNUser + `","` + urnBadge + `"],"userName":"badge@example.com","` + urnBadge + `":{"number":42}}`
		t.Service.Do(http.MethodPost, Users, body).IsError(http.StatusBadRequest, "invalidSyntax")

		Apply(NewTenant(t.Namespace, t.Name, scimv1alpha1.IdentityProviderGeneric, OneReplica, withBadge))
		Eventually(func() int { return t.Service.Get("/Schemas/" + urnBadge).Status }).Should(Equal(http.StatusOK))
		created := t.Service.Do(http.MethodPost, Users, body).Has(http.StatusCreated)
		id := created.ID()
		Expect(Dig(KubectlGet(t.Namespace, "scimuser", id), "spec/extensions/0/attributes/number")).To(BeEquivalentTo(42))
		t.Service.Get(Filter(Users, "%s:number gt 41", urnBadge)).IsList(1)
		t.Service.Do(http.MethodPatch, Users+"/"+id, Patch(`{"op":"replace","path":"`+urnBadge+`:number","value":"x"}`)).
			IsError(http.StatusBadRequest, "invalidValue")
	})
})
