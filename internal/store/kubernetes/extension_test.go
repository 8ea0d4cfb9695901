package kubernetes

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
)

const badge = "urn:example:params:scim:schemas:extension:badge:2.0:User"

// usersWith returns the resource type User with the extension badge, whose floor
// is of the type.
func usersWith(floor schema.Type) *schema.ResourceType {
	GinkgoHelper()
	extended, err := schema.NewRegistry(&schema.Schema{ID: badge, Attributes: []*schema.Attribute{
		{Name: "color"}, {Name: "floor", Type: floor}, {Name: "height", Type: schema.TypeDecimal},
	}})
	Expect(err).NotTo(HaveOccurred())
	return extended.User()
}

var _ = Describe("A tenant's schema extension", func() {
	It("is kept in the ScimUser, typed, and through times in which the tenant has it not", func(ctx SpecContext) {
		s, users := newStore(live, newNamespace(ctx)), usersWith(schema.TypeInteger)
		data := scim.Complex{"color": "red", "floor": int64(3), "height": 1.75}
		created, err := s.Create(ctx, scim.NewResource(users, scim.Complex{"userName": "babs", badge: data}), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		Expect(created.Attributes()).To(HaveKeyWithValue(badge, data))

		object := &scimv1alpha1.ScimUser{}
		key := client.ObjectKey{Namespace: s.tenant.Namespace, Name: created.ID()}
		Expect(live.Get(ctx, key, object)).To(Succeed())
		Expect(object.Spec.Extensions).To(HaveLen(1))
		Expect(object.Spec.Extensions[0].Schema).To(Equal(badge))
		Expect(object.Spec.Extensions[0].Attributes.Raw).To(MatchJSON(`{"color":"red","floor":3,"height":1.75}`))

		for _, without := range []*schema.ResourceType{registry.User(), usersWith(schema.TypeBoolean)} {
			updated, err := s.Update(ctx, without, created.ID(), rename("barbara-"+string(without.Extensions[len(without.Extensions)-1].Schema.ID[0])), store.UpdateOptions{})
			Expect(err).NotTo(HaveOccurred())
			Expect(updated.Attributes()).NotTo(HaveKey(badge))
		}
		found, err := s.Get(ctx, users, created.ID(), store.View{})
		Expect(err).NotTo(HaveOccurred())
		Expect(found.Attributes()).To(HaveKeyWithValue(badge, data))

		cleared, err := s.Update(ctx, users, created.ID(), func(current *scim.Resource) (*scim.Resource, error) {
			next := current.Clone()
			delete(next.Attributes(), badge)
			return next, nil
		}, store.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(cleared.Attributes()).NotTo(HaveKey(badge))
	})

	It("leaves nothing in the ScimUser when the user is deleted while the tenant has it not", func(ctx SpecContext) {
		s := newStore(live, newNamespace(ctx))
		created, err := s.Create(ctx, scim.NewResource(usersWith(schema.TypeInteger), scim.Complex{
			"userName": "babs", badge: scim.Complex{"color": "red"},
		}), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		halfDelete(ctx, s, registry.User(), created.ID(), false)
		marker := &scimv1alpha1.ScimUser{}
		Expect(live.Get(ctx, client.ObjectKey{Namespace: s.tenant.Namespace, Name: created.ID()}, marker)).To(Succeed())
		Expect(marker.Spec.Extensions).To(BeEmpty())
	})
})
