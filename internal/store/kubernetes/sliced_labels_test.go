package kubernetes

import (
	"context"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

var _ = Describe("A large group", func() {
	var (
		at  *scene
		ids []string
	)
	small := sizes{inline: 1, slice: 3}
	BeforeEach(func(ctx SpecContext) {
		at, ids = newScene(ctx), nil
		sized(at.reader, small)
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			ids = append(ids, at.create(ctx, name+"@example.com"))
		}
	})
	slicesOf := func(ctx context.Context, group string) (slices []scimv1alpha1.ScimGroupMembers) {
		GinkgoHelper()
		list := &scimv1alpha1.ScimGroupMembersList{}
		Expect(live.List(ctx, list, client.InNamespace(at.namespace), codec.OfGroup("acme", group))).To(Succeed())
		return list.Items
	}
	// loses has the labels of a group, or of all of its slices, taken off by hand.
	loses := map[string]func(context.Context, string){
		"the mark that it has slices": func(ctx context.Context, group string) {
			at.loseLabel(ctx, &scimv1alpha1.ScimGroup{}, group, scimv1alpha1.LabelSliced)
		},
		"the labels of its slices": func(ctx context.Context, group string) {
			for _, slice := range slicesOf(ctx, group) {
				at.loseLabel(ctx, &scimv1alpha1.ScimGroupMembers{}, slice.Name, scimv1alpha1.LabelGroup)
				at.loseLabel(ctx, &scimv1alpha1.ScimGroupMembers{}, slice.Name, scimv1alpha1.LabelTenant)
			}
		},
	}
	for what, lose := range loses {
		for _, where := range []string{"memory", "live"} {
			It("that has lost "+what+" has all members still, and loses whom it is to lose: "+where, func(ctx SpecContext) {
				s := at.reader
				if where == "live" {
					s = sized(newStore(live, at.namespace), small)
				}
				made, err := at.reader.Create(ctx, newGroup("Tour Guides", ids...), store.Policy{})
				Expect(err).NotTo(HaveOccurred())
				id := made.ID()
				members := func() []string {
					GinkgoHelper()
					found, err := s.Get(ctx, registry.Group(), id, store.View{})
					Expect(err).NotTo(HaveOccurred())
					page, err := s.List(ctx, registry.Group(), store.Query{StartIndex: 1, Count: 10})
					Expect(err).NotTo(HaveOccurred())
					Expect(page.Resources).To(HaveLen(1))
					Expect(page.Resources[0].Members().IDs()).To(ConsistOf(found.Members().IDs()))
					Expect(page.Resources[0].Meta().Version).To(Equal(found.Meta().Version))
					return found.Members().IDs()
				}
				lose(ctx, id)
				Expect(members()).To(ConsistOf(ids))
				last := ids[0]
				_, err = s.Update(ctx, registry.Group(), id, unchanged, store.UpdateOptions{Members: []scim.MemberChange{{ID: last}}})
				Expect(err).NotTo(HaveOccurred())
				Expect(members()).To(And(HaveLen(len(ids)-1), Not(ContainElement(last))))
				group := &scimv1alpha1.ScimGroup{}
				Expect(live.Get(ctx, client.ObjectKey{Namespace: at.namespace, Name: id}, group)).To(Succeed())
				Expect(codec.IsSliced(group)).To(BeTrue(), "a write puts the mark back")

				lose(ctx, id)
				none := func(current *scim.Resource) (*scim.Resource, error) { return store.WithoutMembers(current), nil }
				_, err = s.Update(ctx, registry.Group(), id, none, store.UpdateOptions{ReplacesMembers: true})
				Expect(err).NotTo(HaveOccurred())
				Expect(members()).To(BeEmpty())
				_, err = s.Update(ctx, registry.Group(), id, unchanged, store.UpdateOptions{Members: []scim.MemberChange{{ID: last, Add: true}}})
				Expect(err).NotTo(HaveOccurred())

				Expect(s.Delete(ctx, registry.Group(), id, store.DeleteOptions{})).To(Succeed())
				Expect(slicesOf(ctx, id)).To(BeEmpty())
			})
		}
	}

	It("is one of many whose slices are LISTed together", func(ctx SpecContext) {
		const groups = 2 * fewGroups
		for n := range groups {
			made, err := at.reader.Create(ctx, newGroup("Team "+string(rune('A'+n)), ids...), store.Policy{})
			Expect(err).NotTo(HaveOccurred())
			if n == 0 {
				at.loseLabel(ctx, &scimv1alpha1.ScimGroup{}, made.ID(), scimv1alpha1.LabelSliced)
			}
		}
		var lists atomic.Int32
		s := sized(newStore(interceptor.NewClient(live, interceptor.Funcs{
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				if _, slices := list.(*scimv1alpha1.ScimGroupMembersList); slices {
					lists.Add(1)
				}
				return c.List(ctx, list, opts...)
			},
		}), at.namespace), small)
		page, err := s.List(ctx, registry.Group(), store.Query{StartIndex: 1, Count: groups})
		Expect(err).NotTo(HaveOccurred())
		Expect(page.Resources).To(HaveLen(groups))
		for _, group := range page.Resources {
			Expect(group.Members().IDs()).To(ConsistOf(ids))
		}
		Expect(lists.Load()).To(BeEquivalentTo(1))
	})
})
