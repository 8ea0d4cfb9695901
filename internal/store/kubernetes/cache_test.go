package kubernetes

import (
	"context"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/google/uuid"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
)

var _ = Describe("A cache", func() {
	var at *scene
	BeforeEach(func(ctx SpecContext) { at = newScene(ctx) })

	It("is not read from while its watch is behind, and is again when it has caught up", func(ctx SpecContext) {
		id := at.create(ctx, "babs@example.com")
		Eventually(at.synced(ctx)).Should(Succeed())
		at.storm.hold()
		_, err := at.writer.Update(ctx, registry.User(), id, rename("barbara@example.com"), store.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		second := at.create(ctx, "jim@example.com")

		found, err := at.get(ctx, id)
		Expect(err).NotTo(HaveOccurred())
		Expect(found.UserName()).To(Equal("barbara@example.com"))
		Expect(find(ctx, at.reader, "babs@example.com")).To(BeEmpty())
		Expect(find(ctx, at.reader, "jim@example.com")).To(ConsistOf(second))
		Expect(at.writer.Delete(ctx, registry.User(), second, store.DeleteOptions{})).To(Succeed())
		_, err = at.get(ctx, second)
		Expect(failure.IsNotFound(err)).To(BeTrue())

		at.storm.clear()
		Eventually(at.synced(ctx)).Should(Succeed())
		_, err = at.get(ctx, second)
		Expect(failure.IsNotFound(err)).To(BeTrue())
	})

	It("knows that somebody is gone when a write has found that", func(ctx SpecContext) {
		id := at.create(ctx, "babs@example.com")
		Eventually(at.synced(ctx)).Should(Succeed())
		at.storm.hold()
		_, err := at.reader.Update(ctx, registry.User(), id, func(current *scim.Resource) (*scim.Resource, error) {
			Expect(at.writer.Delete(ctx, registry.User(), id, store.DeleteOptions{})).To(Succeed())
			return rename("barbara@example.com")(current)
		}, store.UpdateOptions{})
		Expect(failure.IsNotFound(err)).To(BeTrue())
		Expect(find(ctx, at.reader, "babs@example.com")).To(BeEmpty())
		at.storm.clear()
	})

	It("begins anew when its history is gone, and misses nothing of what came between", func(ctx SpecContext) {
		gone, stays := at.create(ctx, "babs@example.com"), at.create(ctx, "jim@example.com")
		Eventually(at.synced(ctx)).Should(Succeed())
		before := at.storm.begun.Load()
		at.storm.hold()
		Expect(at.writer.Delete(ctx, registry.User(), gone, store.DeleteOptions{})).To(Succeed())
		at.storm.expire()
		at.storm.clear()
		Eventually(at.storm.begun.Load).Should(BeNumerically(">=", before+3), "every kind is listed again")
		Eventually(at.synced(ctx)).Should(Succeed())
		_, err := at.get(ctx, gone)
		Expect(failure.IsNotFound(err)).To(BeTrue())
		Expect(at.get(ctx, stays)).NotTo(BeNil())
		Expect(at.reader.cache.Counts().Users).To(Equal(1))
	})

	It("is filled anew when the schema changes, and answers for both meanwhile", func(ctx SpecContext) {
		id := at.create(ctx, "babs@example.com")
		badge := &schema.Schema{ID: "urn:example:badge", Attributes: []*schema.Attribute{{Name: "number"}}}
		other, err := schema.NewRegistry(badge)
		Expect(err).NotTo(HaveOccurred())
		user := &scimv1alpha1.ScimUser{}
		Expect(live.Get(ctx, client.ObjectKey{Namespace: at.namespace, Name: id}, user)).To(Succeed())
		user.Spec.Extensions = []scimv1alpha1.ExtensionData{{Schema: "urn:example:badge"}}
		user.Spec.Extensions[0].Attributes.Raw = []byte(`{"number":"7"}`)
		Expect(live.Update(ctx, user)).To(Succeed())

		at.reader.cache.Follow(other)
		for _, t := range []*schema.ResourceType{registry.User(), other.User()} {
			found, err := at.reader.Get(ctx, t, id, store.View{})
			Expect(err).NotTo(HaveOccurred())
			Expect(found.Type()).To(BeIdenticalTo(t))
		}
		Eventually(func() error { return at.reader.cache.Current(ctx, other.User(), at.reader.members) }).Should(Succeed())
		found, err := at.reader.Get(ctx, other.User(), id, store.View{})
		Expect(err).NotTo(HaveOccurred())
		Expect(found.Attributes()).To(HaveKeyWithValue("urn:example:badge", scim.Complex{"number": "7"}))
	})

	It("leaves a user out whose JSON it cannot read, and goes on with its watch", func(ctx SpecContext) {
		id := at.create(ctx, "babs@example.com")
		Eventually(at.synced(ctx)).Should(Succeed())
		before := at.storm.begun.Load()
		odd := &unstructured.Unstructured{}
		odd.SetGroupVersionKind(scimv1alpha1.GroupVersion.WithKind("ScimUser"))
		odd.SetNamespace(at.namespace)
		odd.SetName(uuid.NewString())
		odd.SetLabels(map[string]string{scimv1alpha1.LabelTenant: "acme"})
		// The schema takes a time without a fraction. The type wants one.
		odd.Object["spec"] = map[string]any{
			"userName": "odd@example.com", "tenantRef": map[string]any{"name": "acme"},
			"meta": map[string]any{"createdTime": "2026-01-02T03:04:05Z", "lastModifiedTime": "2026-01-02T03:04:05Z", "requestID": "a-test"},
		}
		Expect(live.Create(ctx, odd)).To(Succeed())
		second := at.create(ctx, "jim@example.com")
		Eventually(at.synced(ctx)).Should(Succeed())
		for _, one := range []string{id, second} {
			Expect(at.get(ctx, one)).NotTo(BeNil())
		}
		Expect(at.reader.cache.Counts().Users).To(Equal(2))
		Expect(at.storm.begun.Load()).To(Equal(before))
	})

	It("answers nobody from memory that begins anew while it is read", func(ctx SpecContext) {
		group, err := at.writer.Create(ctx, scim.NewResource(registry.Group(), scim.Complex{
			"displayName": "Engineers", "members": []any{scim.Complex{"value": at.create(ctx, "babs@example.com")}},
		}), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		Eventually(at.synced(ctx)).Should(Succeed())
		other, err := schema.NewRegistry()
		Expect(err).NotTo(HaveOccurred())
		begunAnew := false
		view := store.View{Memory: func(context.Context, int64) error {
			if !begunAnew {
				begunAnew = true
				at.reader.cache.Follow(other)
				at.reader.cache.Index().Reset() // At the worst moment that there is.
			}
			return nil
		}}
		found, err := at.reader.Get(ctx, registry.Group(), group.ID(), view)
		Expect(err).NotTo(HaveOccurred())
		Expect(found.DisplayName()).To(Equal("Engineers"))
		Expect(begunAnew).To(BeTrue())
	})

	It("finds everybody however often the schema changes or history is gone", func(ctx SpecContext) {
		person := at.create(ctx, "babs@example.com")
		group, err := at.writer.Create(ctx, scim.NewResource(registry.Group(), scim.Complex{
			"displayName": "Engineers", "members": []any{scim.Complex{"value": person}},
		}), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		Eventually(at.synced(ctx)).Should(Succeed())
		registries := []*schema.Registry{registry, nil}
		registries[1], err = schema.NewRegistry()
		Expect(err).NotTo(HaveOccurred())
		ended := make(chan struct{})
		go func() {
			defer GinkgoRecover()
			defer close(ended)
			for i := range 30 {
				at.reader.cache.Follow(registries[i%2])
				Eventually(at.reader.cache.Synced).Should(BeTrue())
				at.storm.expire()
			}
		}()
		var reading sync.WaitGroup
		for range 4 {
			reading.Go(func() {
				defer GinkgoRecover()
				for {
					select {
					case <-ended:
						return
					default:
					}
					t := at.reader.cache.Registry()
					found, err := at.reader.Get(ctx, t.User(), person, store.View{})
					Expect(err).NotTo(HaveOccurred())
					Expect(found.Type()).To(BeIdenticalTo(t.User()))
					Expect(found.Attributes()).To(HaveKeyWithValue("groups", HaveLen(1)))
					page, err := at.reader.List(ctx, t.Group(), store.Query{StartIndex: 1, Count: 10})
					Expect(err).NotTo(HaveOccurred())
					Expect(page.Resources).To(HaveLen(1))
					Expect(page.Resources[0].Members().IDs()).To(ConsistOf(person))
					kinds, err := at.reader.resolve(ctx, []string{person, group.ID()})
					Expect(err).NotTo(HaveOccurred())
					Expect(kinds).To(HaveLen(2))
				}
			})
		}
		reading.Wait()
	})
})
