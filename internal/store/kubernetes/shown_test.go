package kubernetes

import (
	"context"
	"log/slog"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/claim"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
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
		shows := func(id string) bool {
			_, shown := other.cache.Index().Members().TypeOf(uuid.MustParse(id))
			return shown
		}
		for _, made := range []**scim.Resource{&person, &group} {
			created, err := newStore(live, at.namespace).Create(ctx, *made, store.Policy{})
			Expect(err).NotTo(HaveOccurred())
			*made = created
			// The other one does, and not that it is deleted.
			Eventually(shows).WithArguments(created.ID()).Should(BeTrue())
		}
		fog.hold()
		for _, one := range []*scim.Resource{person, group} {
			Expect(deleter.Delete(ctx, one.Type(), one.ID(), store.DeleteOptions{})).To(Succeed())
			for _, s := range []*Store{other, deleter} {
				_, err := s.Get(ctx, one.Type(), one.ID(), store.View{})
				Expect(failure.IsNotFound(err)).To(BeTrue())
			}
		}
		Expect(shows(person.ID())).To(BeTrue(), "its memory is behind")
		Expect(find(ctx, other, "babs@example.com")).To(BeEmpty())
		storm.clear()
		fog.clear()
	})

	It("leaves an object out that cannot be read, and shows all others", func(ctx SpecContext) {
		id := at.create(ctx, "babs@example.com")
		odd := &scimv1alpha1.ScimUser{ObjectMeta: metav1.ObjectMeta{
			Namespace: at.namespace, Name: "no-scim-id", Labels: map[string]string{scimv1alpha1.LabelTenant: "acme"},
		}}
		odd.Spec.UserName, odd.Spec.TenantRef.Name = "odd@example.com", "acme"
		odd.Spec.Meta = codec.Stamp(metav1.NowMicro(), metav1.NowMicro(), writerOfTest)
		Expect(live.Create(ctx, odd)).To(Succeed())
		Expect(live.Delete(ctx, odd)).To(Succeed())
		Expect(at.get(ctx, id)).NotTo(BeNil())
		Expect(at.reader.cache.Counts().Users).To(Equal(1))
	})

	It("shows and changes who has lost the label of the tenant, wherever it reads", func(ctx SpecContext) {
		for name, s := range map[string]*Store{"memory": at.reader, "live": newStore(live, at.namespace)} {
			id := at.create(ctx, "babs@example.com")
			at.loseLabel(ctx, &scimv1alpha1.ScimUser{}, id, scimv1alpha1.LabelTenant)
			found, err := s.Get(ctx, registry.User(), id, store.View{})
			Expect(err).NotTo(HaveOccurred(), name)
			Expect(found.UserName()).To(Equal("babs@example.com"), name)
			Expect(find(ctx, s, "babs@example.com")).To(ConsistOf(id), name)
			page, err := s.List(ctx, registry.User(), store.Query{StartIndex: 1, Count: 10})
			Expect(err).NotTo(HaveOccurred())
			Expect(page.TotalResults).To(Equal(1), name)
			_, err = s.Create(ctx, newUser("Babs@example.com"), store.Policy{})
			Expect(failure.Status(err)).To(Equal(http.StatusConflict), name)
			_, err = s.Create(ctx, newUser("jim@example.com"), store.Policy{ObjectLimit: 1})
			Expect(err).To(HaveOccurred(), "it counts: "+name)
			group, err := s.Create(ctx, newGroup("Tour Guides", id), store.Policy{})
			Expect(err).NotTo(HaveOccurred())
			Expect(group.Members().IDs()).To(ConsistOf(id), name)

			blocked, err := s.Update(ctx, registry.User(), id, func(current *scim.Resource) (*scim.Resource, error) {
				next := current.Clone()
				next.SetActive(false)
				return next, nil
			}, store.UpdateOptions{})
			Expect(err).NotTo(HaveOccurred(), name)
			Expect(store.TakesSeat(blocked)).To(BeFalse(), name)
			object := &scimv1alpha1.ScimUser{}
			Expect(live.Get(ctx, client.ObjectKey{Namespace: at.namespace, Name: id}, object)).To(Succeed())
			Expect(*object.Spec.Active).To(BeFalse(), name)
			Expect(object.Labels).To(HaveKeyWithValue(scimv1alpha1.LabelTenant, "acme"), "a write puts it back")

			at.loseLabel(ctx, &scimv1alpha1.ScimUser{}, id, scimv1alpha1.LabelTenant)
			Expect(s.Delete(ctx, registry.User(), id, store.DeleteOptions{})).To(Succeed(), name)
			_, err = s.Get(ctx, registry.User(), id, store.View{})
			Expect(failure.IsNotFound(err)).To(BeTrue(), name)
			Expect(s.Delete(ctx, registry.Group(), group.ID(), store.DeleteOptions{})).To(Succeed(), name)
		}
	})

	It("shows nothing whose name is no id, nor what is another tenant's in spite of its label", func(ctx SpecContext) {
		id := at.create(ctx, "babs@example.com")
		foreign := map[string]string{"no-scim-id": "acme", uuid.NewString(): "globex"}
		for name, tenant := range foreign {
			other := &scimv1alpha1.ScimUser{ObjectMeta: metav1.ObjectMeta{
				Namespace: at.namespace, Name: name, Labels: map[string]string{scimv1alpha1.LabelTenant: "acme"},
			}}
			other.Spec.UserName, other.Spec.TenantRef.Name = "odd@example.com", tenant
			other.Spec.Meta = codec.Stamp(metav1.NowMicro(), metav1.NowMicro(), writerOfTest)
			Expect(live.Create(ctx, other)).To(Succeed())
		}
		for where, s := range map[string]*Store{"memory": at.reader, "live": newStore(live, at.namespace)} {
			page, err := s.List(ctx, registry.User(), store.Query{StartIndex: 1, Count: 10})
			Expect(err).NotTo(HaveOccurred())
			Expect(page.TotalResults).To(Equal(1), where)
			Expect(page.Resources[0].ID()).To(Equal(id), where)
			for name := range foreign {
				_, err = s.Get(ctx, registry.User(), name, store.View{})
				Expect(failure.IsNotFound(err)).To(BeTrue(), where)
				_, err = s.Update(ctx, registry.User(), name, titled("Tour Guide"), store.UpdateOptions{})
				Expect(failure.IsNotFound(err)).To(BeTrue(), where)
				Expect(failure.IsNotFound(s.Delete(ctx, registry.User(), name, store.DeleteOptions{}))).To(BeTrue(), where)
				group, err := s.Create(ctx, newGroup("Guides "+where+" and "+name, name), store.Policy{})
				Expect(err).NotTo(HaveOccurred())
				Expect(group.Members().IDs()).To(BeEmpty(), where)
			}
		}
	})

	It("leaves one out who cannot be read, and loses nothing of them, wherever it reads", func(ctx SpecContext) {
		id, odd := at.create(ctx, "babs@example.com"), at.create(ctx, "jim@example.com")
		object := &scimv1alpha1.ScimUser{ObjectMeta: metav1.ObjectMeta{Namespace: at.namespace, Name: odd}}
		// The schema takes a time without a fraction. The type wants one.
		Expect(client.IgnoreNotFound(live.Patch(ctx, object, client.RawPatch(types.MergePatchType,
			[]byte(`{"spec":{"meta":{"createdTime":"2026-01-02T03:04:05Z"}}}`))))).To(HaveOccurred(), "its answer cannot be read either")
		group, err := at.writer.Create(ctx, newGroup("Tour Guides", id), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		for where, s := range map[string]*Store{"memory": at.reader, "live": newStore(live, at.namespace)} {
			page, err := s.List(ctx, registry.User(), store.Query{StartIndex: 1, Count: 10})
			Expect(err).NotTo(HaveOccurred(), where)
			Expect(page.Resources).To(HaveLen(1), where)
			Expect(page.Resources[0].ID()).To(Equal(id), where)
			Expect(find(ctx, s, "jim@example.com")).To(BeEmpty(), where)
			_, err = s.Get(ctx, registry.User(), odd, store.View{})
			Expect(failure.IsNotFound(err)).To(BeTrue(), where)
			_, err = s.Update(ctx, registry.User(), odd, titled("Tour Guide"), store.UpdateOptions{})
			Expect(failure.IsNotFound(err)).To(BeTrue(), where)
			Expect(failure.IsNotFound(s.Delete(ctx, registry.User(), odd, store.DeleteOptions{}))).To(BeTrue(), where)
			_, err = s.Create(ctx, newUser("jim@example.com"), store.Policy{})
			Expect(failure.Status(err)).To(Equal(http.StatusConflict), "the name is not free: "+where)
			changed, err := s.Update(ctx, registry.Group(), group.ID(), unchanged, store.UpdateOptions{Members: []scim.MemberChange{{ID: odd, Add: true}}})
			Expect(err).NotTo(HaveOccurred(), where)
			Expect(changed.Members().IDs()).To(ConsistOf(id), where)
		}
		raw := &unstructured.Unstructured{}
		raw.SetGroupVersionKind(scimv1alpha1.GroupVersion.WithKind("ScimUser"))
		Expect(live.Get(ctx, client.ObjectKey{Namespace: at.namespace, Name: odd}, raw)).To(Succeed())
		Expect(raw.Object["spec"]).To(HaveKeyWithValue("userName", "jim@example.com"))
		Expect(at.reader.Delete(ctx, registry.User(), id, store.DeleteOptions{})).To(Succeed())
		_, err = at.reader.cache.Latest(ctx) // That is the first of all users now.
		Expect(err).NotTo(HaveOccurred())
	})

	It("shows no member that does not exist, wherever it reads, and in the answer to a write", func(ctx SpecContext) {
		stays, deleted, absent := at.create(ctx, "babs@example.com"), at.create(ctx, "jim@example.com"), at.create(ctx, "mandy@example.com")
		group, err := at.writer.Create(ctx, newGroup("Tour Guides", stays, deleted, absent), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		// One is not there yet, as when groups are restored before users; the process that
		// deletes the other one dies before it has taken it out of the group.
		user := &scimv1alpha1.ScimUser{}
		Expect(live.Get(ctx, client.ObjectKey{Namespace: at.namespace, Name: absent}, user)).To(Succeed())
		Expect(live.Delete(ctx, user)).To(Succeed())
		died := newStore(live, at.namespace)
		halfDelete(ctx, died, registry.User(), deleted, false)
		Eventually(func() int { return at.reader.cache.Counts().Users }).Should(Equal(1))

		for name, s := range map[string]*Store{"memory": at.reader, "live": died} {
			found, err := s.Get(ctx, registry.Group(), group.ID(), store.View{})
			Expect(err).NotTo(HaveOccurred())
			Expect(found.Members().IDs()).To(ConsistOf(stays), name)
			page, err := s.List(ctx, registry.Group(), store.Query{StartIndex: 1, Count: 10})
			Expect(err).NotTo(HaveOccurred())
			Expect(page.Resources[0].Members().IDs()).To(ConsistOf(stays), name)
			for member, groups := range map[string]int{stays: 1, deleted: 0, absent: 0} {
				filter, err := filter.Parse(registry.Group(), `members.value eq "`+member+`"`, scim.Leniency{})
				Expect(err).NotTo(HaveOccurred())
				page, err := s.List(ctx, registry.Group(), store.Query{Filter: filter, StartIndex: 1, Count: 10})
				Expect(err).NotTo(HaveOccurred())
				Expect(page.TotalResults).To(Equal(groups), name)
			}
			renamed := func(current *scim.Resource) (*scim.Resource, error) {
				next := current.Clone()
				next.Attributes()["externalId"] = name
				return next, nil
			}
			updated, err := s.Update(ctx, registry.Group(), group.ID(), renamed, store.UpdateOptions{})
			Expect(err).NotTo(HaveOccurred())
			Expect(updated.Members().IDs()).To(ConsistOf(stays), name)
		}
		object := &scimv1alpha1.ScimGroup{}
		Expect(live.Get(ctx, client.ObjectKey{Namespace: at.namespace, Name: group.ID()}, object)).To(Succeed())
		Expect(object.Spec.Members).To(HaveLen(3), "nobody is taken out of it")
	})

	It("answers a change of the members of a large group with nobody whose deletion another replica has told", func(ctx SpecContext) {
		small := sizes{inline: 1, slice: 5}
		fog := newWeather()
		onUsers := interceptor.NewClient(watching, interceptor.Funcs{
			Watch: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) (watch.Interface, error) {
				if _, users := list.(*scimv1alpha1.ScimUserList); users {
					return fog.client().Watch(ctx, list, opts...)
				}
				return c.Watch(ctx, list, opts...)
			},
		})
		tenant := client.ObjectKey{Namespace: at.namespace, Name: "acme"}
		memory := cache.New(onUsers, tenant, readindex.NewMarks(), slog.New(slog.NewTextHandler(GinkgoWriter, nil)))
		members := at.all.start(memory, fog.clear)
		s := sized(New(Options{Client: live, Tenant: tenant, Groups: registry.Group(), Cache: memory, Members: members}), small)
		first, second, third := at.create(ctx, "a@example.com"), at.create(ctx, "b@example.com"), at.create(ctx, "c@example.com")
		group, err := s.Create(ctx, newGroup("Tour Guides", first, second), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		Eventually(func() int { return memory.Counts().Users }).Should(Equal(3))

		// From here on the replica can neither ask the others nor see what becomes of users.
		s.members = lost{s.members}
		s.use(s.client)
		fog.hold()
		halfDelete(ctx, newStore(live, at.namespace), registry.User(), second, false)
		updated, err := s.Update(ctx, registry.Group(), group.ID(), unchanged, store.UpdateOptions{Members: []scim.MemberChange{{ID: third, Add: true}}})
		Expect(err).NotTo(HaveOccurred())
		Expect(updated.Members().IDs()).To(ConsistOf(first, third))
		fog.clear()
	})

	It("knows whose a name is also when the claim of it is lost", func(ctx SpecContext) {
		id := at.create(ctx, "babs@example.com")
		Eventually(at.synced(ctx)).Should(Succeed())
		lose := func() {
			GinkgoHelper()
			lease, err := at.reader.claims.Get(ctx, registry.User(), "babs@example.com")
			Expect(err).NotTo(HaveOccurred())
			Expect(live.Delete(ctx, lease)).To(Succeed())
		}
		lose()
		at.reader.members = lost{at.reader.members}
		at.reader.use(at.reader.client)
		Expect(find(ctx, at.reader, "babs@example.com")).To(ConsistOf(id), "it reads at the API server")
		_, err := at.reader.Create(ctx, newUser("BABS@example.com"), store.Policy{})
		Expect(failure.Status(err)).To(Equal(http.StatusConflict))
		lease, err := at.reader.claims.Get(ctx, registry.User(), "babs@example.com")
		Expect(err).NotTo(HaveOccurred())
		Expect(claim.HolderOf(lease)).To(Equal(id), "it is made again")
		lose()
		_, err = at.reader.Update(ctx, registry.User(), at.create(ctx, "jim@example.com"), rename("Babs@example.com"), store.UpdateOptions{})
		Expect(failure.Status(err)).To(Equal(http.StatusConflict))
	})
})
