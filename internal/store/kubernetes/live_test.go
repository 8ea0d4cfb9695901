package kubernetes

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/filter"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
)

var _ = Describe("A replica that reads at the API server", func() {
	It("catches up with it in memory when the other replicas cannot be asked and there is much to read", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		tenant := client.ObjectKey{Namespace: namespace, Name: "acme"}
		memory := cache.New(watching, tenant, readindex.NewMarks(), slog.New(slog.NewTextHandler(GinkgoWriter, nil)))
		members := lost{alone{memory}}
		memory.Follow(registry)
		running, stop := context.WithCancel(context.Background())
		DeferCleanup(stop)
		go memory.Run(running, members)
		Eventually(memory.Synced).Should(BeTrue())
		withoutLists := interceptor.NewClient(live, interceptor.Funcs{
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				if (&client.ListOptions{}).ApplyOptions(opts).Limit != 1 {
					return errors.New("all would be read")
				}
				return c.List(ctx, list, opts...)
			},
		})
		s := New(Options{Client: withoutLists, Tenant: tenant, Groups: registry.Group(), Cache: memory, Members: members})
		s.consistency.many = 0
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
					// A bookmark may come late on a busy machine.
					Eventually(func() (int, error) {
						page, err := s.List(ctx, registry.User(), store.Query{StartIndex: 1, Count: 10})
						if err != nil {
							return 0, err
						}
						return page.TotalResults, nil
					}).Should(Equal(i + 1))
				})
			}
			asking.Wait()
			Eventually(func() (string, error) {
				found, err := s.Get(ctx, registry.User(), user.ID(), store.View{})
				if err != nil {
					return "", err
				}
				return found.UserName(), nil
			}).Should(Equal(name))
		}
	})

	It("lets clients try again while everything would have to be read and there is no memory for that", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		user, err := newStore(live, namespace).Create(ctx, newUser("jim@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		tenant := client.ObjectKey{Namespace: namespace, Name: "acme"}
		asleep := New(Options{Client: live, Tenant: tenant, Groups: registry.Group(), Cache: cache.New(watching, tenant, readindex.NewMarks(), slog.New(slog.DiscardHandler))})
		var asked int64
		view := store.View{Memory: func(_ context.Context, bytes int64) error {
			asked += bytes
			return scim.Errorf(http.StatusBadRequest, scim.TooMany, "too little memory")
		}}
		_, err = asleep.List(ctx, registry.User(), store.Query{StartIndex: 1, Count: 10, View: view})
		var protocol *scim.Error
		Expect(errors.As(err, &protocol)).To(BeTrue())
		Expect(protocol.Status).To(Equal(http.StatusServiceUnavailable))
		Expect(asked).To(BeNumerically(">", 1000))
		view.WithoutGroups, asked = true, 0
		nobody, err := filter.Parse(registry.User(), `title eq "Guide"`, scim.Leniency{})
		Expect(err).NotTo(HaveOccurred())
		page, err := asleep.List(ctx, registry.User(), store.Query{Filter: nobody, StartIndex: 1, Count: 10, View: view})
		Expect(err).NotTo(HaveOccurred())
		Expect(page.Resources).To(BeEmpty())
		_, err = asleep.Get(ctx, registry.User(), user.ID(), view)
		Expect(err).NotTo(HaveOccurred())
		Expect(asked).To(BeZero(), "what the filter does not choose is not kept")
	})
})

var _ = Describe("A store that another server may write to, too", func() {
	It("shows what that has written, and all of it when it reads in memory again", func(ctx SpecContext) {
		at := &scene{namespace: newNamespace(ctx), storm: newWeather()}
		at.all = &replicas{backend: backend{namespace: at.namespace}}
		at.reader = at.start(at.storm)
		another := newStore(live, at.namespace) // No replica knows of it.
		at.writer = another
		id := at.create(ctx, "babs@example.com")
		at.reader.ReadLive(true)
		at.storm.hold()
		_, err := another.Update(ctx, registry.User(), id, rename("barbara@example.com"), store.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		jim, err := another.Create(ctx, newUser("jim@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		expect := func(name, former string) {
			GinkgoHelper()
			Expect(at.get(ctx, id)).To(HaveField("UserName()", name))
			Expect(find(ctx, at.reader, former)).To(BeEmpty())
			Expect(find(ctx, at.reader, "jim@example.com")).To(ConsistOf(jim.ID()))
		}
		expect("barbara@example.com", "babs@example.com")
		at.storm.clear()
		Eventually(at.synced(ctx)).Should(Succeed())
		at.storm.hold() // From here on, it has acknowledged nothing that memory has not.
		_, err = another.Update(ctx, registry.User(), id, rename("barb@example.com"), store.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		at.reader.ReadLive(false)
		expect("barb@example.com", "barbara@example.com")
		at.storm.clear()
		Eventually(at.synced(ctx)).Should(Succeed())
		expect("barb@example.com", "barbara@example.com")
	})
})
