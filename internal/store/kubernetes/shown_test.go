package kubernetes

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

var _ = Describe("A replica", func() {
	var at *scene
	BeforeEach(func(ctx SpecContext) { at = newScene(ctx) })

	It("shows nobody who is deleted, however far the replica that deleted is behind", func(ctx SpecContext) {
		at.all = &replicas{backend: backend{namespace: at.namespace}} // of which every watch can be held
		storm, fog := newWeather(), newWeather()
		deleter, other := at.start(storm), at.start(fog)
		storm.hold() // The one that is to delete does not even see that they are made.
		person := newUser("babs@example.com")
		group := scim.NewResource(registry.Group(), scim.Complex{"displayName": "Engineers"})
		for _, made := range []**scim.Resource{&person, &group} {
			created, err := newStore(live, at.namespace).Create(ctx, *made, store.Policy{})
			Expect(err).NotTo(HaveOccurred())
			*made = created
			// The other one does, and not that it is deleted.
			Eventually(func() bool { return other.mirror.index.Exists(uuid.MustParse(created.ID())) }).Should(BeTrue())
		}
		fog.hold()
		for _, one := range []*scim.Resource{person, group} {
			Expect(deleter.Delete(ctx, one.Type(), one.ID(), store.DeleteOptions{})).To(Succeed())
			for _, s := range []*Store{other, deleter} {
				_, err := s.Get(ctx, one.Type(), one.ID(), store.View{})
				Expect(isNotFound(err)).To(BeTrue())
			}
		}
		Expect(other.mirror.index.Exists(uuid.MustParse(person.ID()))).To(BeTrue(), "its memory is behind")
		Expect(find(ctx, other, "babs@example.com")).To(BeEmpty())
		storm.clear()
		fog.clear()
	})

	It("leaves an object out that cannot be read, and shows all others", func(ctx SpecContext) {
		id := at.create(ctx, "babs@example.com")
		odd := &v1alpha1.ScimUser{ObjectMeta: metav1.ObjectMeta{
			Namespace: at.namespace, Name: "no-scim-id", Labels: map[string]string{v1alpha1.LabelTenant: "acme"},
		}}
		odd.Spec.UserName, odd.Spec.TenantRef.Name = "odd@example.com", "acme"
		odd.Spec.Meta = stamp(metav1.NowMicro(), metav1.NowMicro(), writerOfTest)
		Expect(live.Create(ctx, odd)).To(Succeed())
		Expect(live.Delete(ctx, odd)).To(Succeed())
		Expect(at.get(ctx, id)).NotTo(BeNil())
		Expect(at.reader.mirror.Counts().Users).To(Equal(1))
	})

	It("shows what live reads show, be it without the tenant's label or under a name that is no id", func(ctx SpecContext) {
		id := at.create(ctx, "babs@example.com")
		user := &v1alpha1.ScimUser{}
		Expect(live.Get(ctx, client.ObjectKey{Namespace: at.namespace, Name: id}, user)).To(Succeed())
		delete(user.Labels, v1alpha1.LabelTenant)
		Expect(live.Update(ctx, user)).To(Succeed())
		odd := &v1alpha1.ScimUser{ObjectMeta: metav1.ObjectMeta{
			Namespace: at.namespace, Name: "no-scim-id", Labels: map[string]string{v1alpha1.LabelTenant: "acme"},
		}}
		odd.Spec.UserName, odd.Spec.TenantRef.Name = "odd@example.com", "acme"
		odd.Spec.Meta = stamp(metav1.NowMicro(), metav1.NowMicro(), writerOfTest)
		Expect(live.Create(ctx, odd)).To(Succeed())
		Eventually(func() int { return at.reader.mirror.Counts().Users }).Should(BeZero())
		for name, s := range map[string]*Store{"memory": at.reader, "live": newStore(live, at.namespace)} {
			_, err := s.Get(ctx, registry.User(), id, store.View{})
			Expect(isNotFound(err)).To(BeTrue(), name)
			Expect(find(ctx, s, "babs@example.com")).To(BeEmpty(), name)
			page, err := s.List(ctx, registry.User(), store.Query{StartIndex: 1, Count: 10})
			Expect(err).NotTo(HaveOccurred())
			Expect(page.Resources).To(BeEmpty(), name)
		}
		_, err := at.writer.Create(ctx, newUser("babs@example.com"), store.Policy{})
		Expect(statusOf(err)).To(Equal(http.StatusConflict), "the name is not free")
	})
})
