package kubernetes

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/barrier"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

var _ = Describe("A mirror", func() {
	var (
		namespace string
		reader    *Store
		storm     *weather
		writer    store.Store
		writerOf  *replicas
	)

	// start makes a replica with the weather, known to the others.
	start := func(w *weather) *Store {
		GinkgoHelper()
		tenant := client.ObjectKey{Namespace: namespace, Name: "acme"}
		mirror := NewMirror(w.client(), tenant, slog.New(slog.NewTextHandler(GinkgoWriter, nil)))
		writerOf.start(mirror, w.clear)
		return New(Options{Client: live, Tenant: tenant, Groups: registry.Group(), Mirror: mirror})
	}

	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx)
		writerOf = &replicas{backend: backend{namespace: namespace}}
		writer, storm = writerOf.Replica(), newWeather()
		reader = start(storm)
	})

	create := func(ctx context.Context, userName string) string {
		GinkgoHelper()
		created, err := writer.Create(ctx, newUser(userName), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		return created.ID()
	}
	get := func(ctx context.Context, id string) (*scim.Resource, error) {
		return reader.Get(ctx, registry.User(), id, store.View{})
	}
	inStep := func(ctx context.Context) func() error {
		return func() error { return reader.mirror.current(ctx, registry.User()) }
	}

	It("is not read from while its watch is behind, and is again when it has caught up", func(ctx SpecContext) {
		id := create(ctx, "babs@example.com")
		Eventually(inStep(ctx)).Should(Succeed())
		storm.hold()
		_, err := writer.Update(ctx, registry.User(), id, rename("barbara@example.com"), store.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		second := create(ctx, "jim@example.com")

		found, err := get(ctx, id)
		Expect(err).NotTo(HaveOccurred())
		Expect(found.UserName()).To(Equal("barbara@example.com"))
		Expect(find(ctx, reader, "babs@example.com")).To(BeEmpty())
		Expect(find(ctx, reader, "jim@example.com")).To(ConsistOf(second))
		Expect(writer.Delete(ctx, registry.User(), second, store.DeleteOptions{})).To(Succeed())
		_, err = get(ctx, second)
		Expect(isNotFound(err)).To(BeTrue())

		storm.clear()
		Eventually(inStep(ctx)).Should(Succeed())
		_, err = get(ctx, second)
		Expect(isNotFound(err)).To(BeTrue())
	})

	It("has caught up before anybody reads when a replica has joined", func(ctx SpecContext) {
		create(ctx, "babs@example.com")
		Eventually(inStep(ctx)).Should(Succeed())
		newNamespace(ctx) // So that the latest revision is none of what the watches bring.
		latest, err := reader.mirror.Latest(ctx)
		Expect(err).NotTo(HaveOccurred())
		behind := func() []barrier.Kind {
			reader.mirror.progress.mu.Lock()
			defer reader.mirror.progress.mu.Unlock()
			kinds, _ := reader.mirror.progress.behind(latest.Revisions)
			return kinds
		}
		Expect(behind()).To(HaveLen(int(barrier.Kinds)))
		reader.mirror.Raise(latest)
		// The API server would say it by itself once a minute.
		Eventually(behind).WithTimeout(4 * keepUpPeriod).Should(BeEmpty())
	})

	It("shows nobody who is deleted, however far the replica that deleted is behind", func(ctx SpecContext) {
		writerOf = &replicas{backend: backend{namespace: namespace}} // of which every watch can be held
		storm, fog := newWeather(), newWeather()
		deleter, other := start(storm), start(fog)
		storm.hold() // The one that is to delete does not even see that they are made.
		person := newUser("babs@example.com")
		group := scim.NewResource(registry.Group(), scim.Complex{"displayName": "Engineers"})
		for _, made := range []**scim.Resource{&person, &group} {
			created, err := newStore(live, namespace).Create(ctx, *made, store.Policy{})
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

	It("knows that somebody is gone when a write has found that", func(ctx SpecContext) {
		id := create(ctx, "babs@example.com")
		Eventually(inStep(ctx)).Should(Succeed())
		storm.hold()
		_, err := reader.Update(ctx, registry.User(), id, func(current *scim.Resource) (*scim.Resource, error) {
			Expect(writer.Delete(ctx, registry.User(), id, store.DeleteOptions{})).To(Succeed())
			return rename("barbara@example.com")(current)
		}, store.UpdateOptions{})
		Expect(isNotFound(err)).To(BeTrue())
		Expect(find(ctx, reader, "babs@example.com")).To(BeEmpty())
		storm.clear()
	})

	It("begins anew when its history is gone, and misses nothing of what came between", func(ctx SpecContext) {
		gone, stays := create(ctx, "babs@example.com"), create(ctx, "jim@example.com")
		Eventually(inStep(ctx)).Should(Succeed())
		before := storm.begun.Load()
		storm.hold()
		Expect(writer.Delete(ctx, registry.User(), gone, store.DeleteOptions{})).To(Succeed())
		storm.expire()
		storm.clear()
		Eventually(storm.begun.Load).Should(BeNumerically(">=", before+3), "every kind is listed again")
		Eventually(inStep(ctx)).Should(Succeed())
		_, err := get(ctx, gone)
		Expect(isNotFound(err)).To(BeTrue())
		Expect(get(ctx, stays)).NotTo(BeNil())
		Expect(reader.mirror.Counts().Users).To(Equal(1))
	})

	It("is filled anew when the schema changes, and answers for both meanwhile", func(ctx SpecContext) {
		id := create(ctx, "babs@example.com")
		badge := &scim.Schema{ID: "urn:example:badge", Attributes: []*scim.Attribute{{Name: "number"}}}
		other, err := scim.NewRegistry(badge)
		Expect(err).NotTo(HaveOccurred())
		user := &v1alpha1.ScimUser{}
		Expect(live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: id}, user)).To(Succeed())
		user.Spec.Extensions = []v1alpha1.ExtensionData{{Schema: "urn:example:badge"}}
		user.Spec.Extensions[0].Attributes.Raw = []byte(`{"number":"7"}`)
		Expect(live.Update(ctx, user)).To(Succeed())

		reader.mirror.Follow(other)
		for _, t := range []*scim.ResourceType{registry.User(), other.User()} {
			found, err := reader.Get(ctx, t, id, store.View{})
			Expect(err).NotTo(HaveOccurred())
			Expect(found.Type()).To(BeIdenticalTo(t))
		}
		Eventually(func() error { return reader.mirror.current(ctx, other.User()) }).Should(Succeed())
		found, err := reader.Get(ctx, other.User(), id, store.View{})
		Expect(err).NotTo(HaveOccurred())
		Expect(found.Attributes()).To(HaveKeyWithValue("urn:example:badge", scim.Complex{"number": "7"}))
	})

	It("is caught up with the API server when the other replicas cannot be asked and there is much to read", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		tenant := client.ObjectKey{Namespace: namespace, Name: "acme"}
		mirror := NewMirror(watching, tenant, slog.New(slog.NewTextHandler(GinkgoWriter, nil)))
		mirror.Join(func(context.Context) (barrier.Mark, error) {
			return barrier.Mark{}, errors.New("a replica does not answer")
		}, func() {})
		mirror.Follow(registry)
		running, stop := context.WithCancel(context.Background())
		DeferCleanup(stop)
		go mirror.Run(running)
		Eventually(mirror.InStep).Should(BeTrue())
		withoutLists := interceptor.NewClient(live, interceptor.Funcs{
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				if (&client.ListOptions{}).ApplyOptions(opts).Limit != 1 {
					return errors.New("all would be read")
				}
				return c.List(ctx, list, opts...)
			},
		})
		s := New(Options{Client: withoutLists, Tenant: tenant, Groups: registry.Group(), Mirror: mirror})
		s.sizes.live = 0
		other := newStore(live, namespace)
		_, err := other.Create(ctx, scim.NewResource(registry.Group(), scim.Complex{"displayName": "Tour Guides"}), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		names := []string{"babs@example.com", "jim@example.com", "mandy@example.com"}
		for i, name := range names {
			user, err := other.Create(ctx, newUser(name), store.Policy{})
			Expect(err).NotTo(HaveOccurred())
			var asking sync.WaitGroup
			for range 5 {
				asking.Go(func() {
					defer GinkgoRecover()
					page, err := s.List(ctx, registry.User(), store.Query{StartIndex: 1, Count: 10})
					Expect(err).NotTo(HaveOccurred())
					Expect(page.TotalResults).To(Equal(i + 1))
				})
			}
			asking.Wait()
			found, err := s.Get(ctx, registry.User(), user.ID(), store.View{})
			Expect(err).NotTo(HaveOccurred())
			Expect(found.UserName()).To(Equal(name))
		}
	})

	It("lets clients try again while everything would have to be read live and there is no memory for that", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		user, err := newStore(live, namespace).Create(ctx, newUser("jim@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		tenant := client.ObjectKey{Namespace: namespace, Name: "acme"}
		asleep := New(Options{Client: live, Tenant: tenant, Groups: registry.Group(), Mirror: NewMirror(watching, tenant, slog.New(slog.DiscardHandler))})
		var asked int64
		view := store.View{Reserve: func(_ context.Context, bytes int64) error {
			asked += bytes
			return scim.Errorf(http.StatusBadRequest, scim.TooMany, "too little memory")
		}}
		_, err = asleep.List(ctx, registry.User(), store.Query{StartIndex: 1, Count: 10, View: view})
		var protocol *scim.Error
		Expect(errors.As(err, &protocol)).To(BeTrue())
		Expect(protocol.Status).To(Equal(http.StatusServiceUnavailable))
		Expect(asked).To(BeNumerically(">", 1000))
		view.WithoutGroups, asked = true, 0
		nobody, err := registry.User().ParseFilter(`title eq "Guide"`, scim.Leniency{})
		Expect(err).NotTo(HaveOccurred())
		page, err := asleep.List(ctx, registry.User(), store.Query{Filter: nobody, StartIndex: 1, Count: 10, View: view})
		Expect(err).NotTo(HaveOccurred())
		Expect(page.Resources).To(BeEmpty())
		_, err = asleep.Get(ctx, registry.User(), user.ID(), view)
		Expect(err).NotTo(HaveOccurred())
		Expect(asked).To(BeZero(), "what the filter does not choose is not kept")
	})

	It("leaves an object out that cannot be read, and shows all others", func(ctx SpecContext) {
		id := create(ctx, "babs@example.com")
		odd := &v1alpha1.ScimUser{ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: "no-scim-id", Labels: map[string]string{v1alpha1.LabelTenant: "acme"},
		}}
		odd.Spec.UserName, odd.Spec.TenantRef.Name = "odd@example.com", "acme"
		odd.Spec.Meta = stamp(metav1.NowMicro(), metav1.NowMicro(), writerOfTest)
		Expect(live.Create(ctx, odd)).To(Succeed())
		Expect(live.Delete(ctx, odd)).To(Succeed())
		Expect(get(ctx, id)).NotTo(BeNil())
		Expect(reader.mirror.Counts().Users).To(Equal(1))
	})

	It("shows what live reads show, be it without the tenant's label or under a name that is no id", func(ctx SpecContext) {
		id := create(ctx, "babs@example.com")
		user := &v1alpha1.ScimUser{}
		Expect(live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: id}, user)).To(Succeed())
		delete(user.Labels, v1alpha1.LabelTenant)
		Expect(live.Update(ctx, user)).To(Succeed())
		odd := &v1alpha1.ScimUser{ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: "no-scim-id", Labels: map[string]string{v1alpha1.LabelTenant: "acme"},
		}}
		odd.Spec.UserName, odd.Spec.TenantRef.Name = "odd@example.com", "acme"
		odd.Spec.Meta = stamp(metav1.NowMicro(), metav1.NowMicro(), writerOfTest)
		Expect(live.Create(ctx, odd)).To(Succeed())
		Eventually(func() int { return reader.mirror.Counts().Users }).Should(BeZero())
		for name, s := range map[string]*Store{"memory": reader, "live": newStore(live, namespace)} {
			_, err := s.Get(ctx, registry.User(), id, store.View{})
			Expect(isNotFound(err)).To(BeTrue(), name)
			Expect(find(ctx, s, "babs@example.com")).To(BeEmpty(), name)
			page, err := s.List(ctx, registry.User(), store.Query{StartIndex: 1, Count: 10})
			Expect(err).NotTo(HaveOccurred())
			Expect(page.Resources).To(BeEmpty(), name)
		}
		_, err := writer.Create(ctx, newUser("babs@example.com"), store.Policy{})
		Expect(statusOf(err)).To(Equal(http.StatusConflict), "the name is not free")
	})

	It("leaves a user out whose JSON it cannot read, and goes on with its watch", func(ctx SpecContext) {
		id := create(ctx, "babs@example.com")
		Eventually(inStep(ctx)).Should(Succeed())
		before := storm.begun.Load()
		odd := &unstructured.Unstructured{}
		odd.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ScimUser"))
		odd.SetNamespace(namespace)
		odd.SetName(uuid.NewString())
		odd.SetLabels(map[string]string{v1alpha1.LabelTenant: "acme"})
		// The schema takes a time without a fraction. The type wants one.
		odd.Object["spec"] = map[string]any{
			"userName": "odd@example.com", "tenantRef": map[string]any{"name": "acme"},
			"meta": map[string]any{"createdTime": "2026-01-02T03:04:05Z", "lastModifiedTime": "2026-01-02T03:04:05Z", "requestID": "a-test"},
		}
		Expect(live.Create(ctx, odd)).To(Succeed())
		second := create(ctx, "jim@example.com")
		Eventually(inStep(ctx)).Should(Succeed())
		for _, one := range []string{id, second} {
			Expect(get(ctx, one)).NotTo(BeNil())
		}
		Expect(reader.mirror.Counts().Users).To(Equal(2))
		Expect(storm.begun.Load()).To(Equal(before))
	})

	It("tells nothing while the replica is no member", func(ctx SpecContext) {
		id := create(ctx, "babs@example.com")
		reader.member = func() bool { return false }
		_, err := get(ctx, id)
		Expect(err).To(HaveOccurred())
		Expect(statusOf(err)).To(Equal(http.StatusServiceUnavailable))
		_, err = reader.Create(ctx, newUser("BABS@example.com"), store.Policy{})
		Expect(statusOf(err)).To(Equal(http.StatusServiceUnavailable), "not even that a name is taken")
	})

	It("does nothing while the replica is no member, so that trying again is no conflict", func(ctx SpecContext) {
		id := create(ctx, "babs@example.com")
		before := &v1alpha1.ScimUser{}
		Expect(live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: id}, before)).To(Succeed())
		var calls atomic.Int64
		reader.member = func() bool { return false }
		reader.client = interceptor.NewClient(live, interceptor.Funcs{
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				calls.Add(1)
				return c.List(ctx, list, opts...)
			},
		})
		_, err := reader.Create(ctx, newUser("jim@example.com"), store.Policy{})
		Expect(statusOf(err)).To(Equal(http.StatusServiceUnavailable))
		_, err = reader.Update(ctx, registry.User(), id, rename("barbara@example.com"), store.UpdateOptions{})
		Expect(statusOf(err)).To(Equal(http.StatusServiceUnavailable))
		err = reader.Delete(ctx, registry.User(), id, store.DeleteOptions{})
		Expect(statusOf(err)).To(Equal(http.StatusServiceUnavailable))
		_, err = reader.List(ctx, registry.User(), store.Query{StartIndex: 1, Count: 10})
		Expect(statusOf(err)).To(Equal(http.StatusServiceUnavailable))
		Expect(calls.Load()).To(BeZero(), "nothing is read for an answer that may not be given")

		after := &v1alpha1.ScimUser{}
		Expect(live.Get(ctx, client.ObjectKeyFromObject(before), after)).To(Succeed())
		Expect(after.ResourceVersion).To(Equal(before.ResourceVersion))
		create(ctx, "jim@example.com")
	})

	It("answers nobody from memory that begins anew while it is read", func(ctx SpecContext) {
		group, err := writer.Create(ctx, scim.NewResource(registry.Group(), scim.Complex{
			"displayName": "Engineers", "members": []any{scim.Complex{"value": create(ctx, "babs@example.com")}},
		}), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		Eventually(inStep(ctx)).Should(Succeed())
		other, err := scim.NewRegistry()
		Expect(err).NotTo(HaveOccurred())
		begunAnew := false
		view := store.View{Reserve: func(context.Context, int64) error {
			if !begunAnew {
				begunAnew = true
				reader.mirror.Follow(other)
				reader.mirror.index.Reset() // At the worst moment that there is.
			}
			return nil
		}}
		found, err := reader.Get(ctx, registry.Group(), group.ID(), view)
		Expect(err).NotTo(HaveOccurred())
		Expect(found.DisplayName()).To(Equal("Engineers"))
		Expect(begunAnew).To(BeTrue())
	})

	It("finds everybody however often the schema changes or history is gone", func(ctx SpecContext) {
		person := create(ctx, "babs@example.com")
		group, err := writer.Create(ctx, scim.NewResource(registry.Group(), scim.Complex{
			"displayName": "Engineers", "members": []any{scim.Complex{"value": person}},
		}), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		Eventually(inStep(ctx)).Should(Succeed())
		registries := []*scim.Registry{registry, nil}
		registries[1], err = scim.NewRegistry()
		Expect(err).NotTo(HaveOccurred())
		ended := make(chan struct{})
		go func() {
			defer GinkgoRecover()
			defer close(ended)
			for i := range 30 {
				reader.mirror.Follow(registries[i%2])
				Eventually(reader.mirror.InStep).Should(BeTrue())
				storm.expire()
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
					t := reader.mirror.following()
					found, err := reader.Get(ctx, t.User(), person, store.View{})
					Expect(err).NotTo(HaveOccurred())
					Expect(found.Type()).To(BeIdenticalTo(t.User()))
					Expect(found.Attributes()).To(HaveKeyWithValue("groups", HaveLen(1)))
					page, err := reader.List(ctx, t.Group(), store.Query{StartIndex: 1, Count: 10})
					Expect(err).NotTo(HaveOccurred())
					Expect(page.Resources).To(HaveLen(1))
					Expect(page.Resources[0].MemberIDs()).To(ConsistOf(person))
					kinds, err := reader.resolve(ctx, []string{person, group.ID()})
					Expect(err).NotTo(HaveOccurred())
					Expect(kinds).To(HaveLen(2))
				}
			})
		}
		reading.Wait()
	})
})

// statusOf is the HTTP status that a client gets for the error.
func statusOf(err error) int {
	var protocol *scim.Error
	if errors.As(err, &protocol) {
		return protocol.Status
	}
	return 0
}

var writerOfTest = writer{Actor: store.Actor{RequestID: "a-test"}}
