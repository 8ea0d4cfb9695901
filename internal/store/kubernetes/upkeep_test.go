package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/claim"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/failure"
	"github.com/kubescim/kubescim/internal/store/kubernetes/upkeep"
)

var _ = Describe("The upkeep", func() {
	var (
		namespace string
		s         *Store
		keeper    *upkeep.Upkeep
		recorder  *events.FakeRecorder
		retention *time.Duration
		policy    store.Policy
		metrics   *prometheus.Registry
		expired   []string
	)

	// begin makes the upkeep of the store as that is now.
	begin := func() {
		metrics = prometheus.NewRegistry()
		keeper = NewUpkeep(s, upkeep.Options{
			Policy: func() store.Policy { policy.Retention = retention; return policy }, Recorder: recorder,
			Log:     slog.New(slog.NewTextHandler(GinkgoWriter, nil)),
			Expired: func(t *schema.ResourceType, id, _ string) { expired = append(expired, t.Endpoint+"/"+id) },
		}, metrics)
	}

	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx)
		replica, isStore := (&replicas{backend: backend{namespace: namespace}}).Replica().(*Store)
		Expect(isStore).To(BeTrue())
		s, recorder, retention, expired, policy = replica, events.NewFakeRecorder(20), nil, nil, store.Policy{}
		begin()
	})

	create := func(ctx context.Context, userName string) string {
		GinkgoHelper()
		created, err := s.Create(ctx, newUser(userName), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		return created.ID()
	}
	claimOf := func(ctx context.Context, userName string) *coordinationv1.Lease {
		GinkgoHelper()
		lease, err := s.claims.Get(ctx, registry.User(), userName)
		Expect(err).NotTo(HaveOccurred())
		return lease
	}
	repaired := func(repair string) float64 { return testutil.ToFloat64(keeper.Metrics.Repairs.WithLabelValues(repair)) }

	It("makes a missing claim again, and tells", func(ctx SpecContext) {
		id := create(ctx, "babs@example.com")
		Expect(live.Delete(ctx, claimOf(ctx, "babs@example.com"))).To(Succeed())
		Expect(keeper.Pass(ctx, true)).To(Succeed())
		Expect(claim.HolderOf(claimOf(ctx, "babs@example.com"))).To(Equal(id))
		Expect(repaired(upkeep.RepairMissing)).To(BeEquivalentTo(1))
		Expect(recorder.Events).To(Receive(And(ContainSubstring("ClaimRepaired"), Not(ContainSubstring("babs")))))
		_, err := s.Create(ctx, newUser("BABS@example.com"), store.Policy{})
		Expect(err).To(MatchError(ContainSubstring("uniqueness")))
	})

	It("mends many claims a part at a time, and goes on soon", func(ctx SpecContext) {
		keeper.AtOnce = 2
		names := []string{"a@example.com", "b@example.com", "c@example.com", "d@example.com", "e@example.com"}
		for _, name := range names {
			create(ctx, name)
			Expect(live.Delete(ctx, claimOf(ctx, name))).To(Succeed())
		}
		for _, mended := range []float64{2, 4} {
			Expect(keeper.Pass(ctx, true)).To(Succeed())
			Expect(repaired(upkeep.RepairMissing)).To(Equal(mended))
			Expect(keeper.ClaimsDue()).To(BeTemporally("<=", time.Now()))
		}
		Expect(keeper.Pass(ctx, true)).To(Succeed())
		Expect(repaired(upkeep.RepairMissing)).To(BeEquivalentTo(5))
		Expect(keeper.ClaimsDue()).To(BeTemporally(">", time.Now()))
		for _, name := range names {
			Expect(claimOf(ctx, name)).NotTo(BeNil())
		}
	})

	It("gives a claim back that somebody else holds", func(ctx SpecContext) {
		id := create(ctx, "babs@example.com")
		lease := claimOf(ctx, "babs@example.com")
		lease.Spec.HolderIdentity = ptr.To("a0b1c2d3-0000-4000-8000-000000000000")
		Expect(live.Update(ctx, lease)).To(Succeed())
		Expect(keeper.Pass(ctx, true)).To(Succeed())
		Expect(claim.HolderOf(claimOf(ctx, "babs@example.com"))).To(Equal(id))
		Expect(repaired(upkeep.RepairWrongHolder)).To(BeEquivalentTo(1))
	})

	It("removes an orphan once it is old, and not before", func(ctx SpecContext) {
		_, err := s.claims.Create(ctx, registry.User(), "ghost@example.com", "a0b1c2d3-0000-4000-8000-000000000000")
		Expect(err).NotTo(HaveOccurred())
		Expect(keeper.Pass(ctx, true)).To(Succeed())
		Expect(claimOf(ctx, "ghost@example.com")).NotTo(BeNil())
		keeper.OrphanAge = 0
		Expect(keeper.Pass(ctx, true)).To(Succeed())
		Expect(claimOf(ctx, "ghost@example.com")).NotTo(BeNil(), "its holder may come yet, from a backup")
		keeper.AbsenceAge = 0
		Expect(keeper.Pass(ctx, true)).To(Succeed())
		Expect(claimOf(ctx, "ghost@example.com")).To(BeNil())
		Expect(repaired(upkeep.RepairOrphan)).To(BeEquivalentTo(1))
	})

	It("fails without what the API server says, which may quote names", func(ctx SpecContext) {
		create(ctx, "babs@example.com")
		create(ctx, "jim@example.com")
		Expect(live.Delete(ctx, claimOf(ctx, "babs@example.com"))).To(Succeed())
		refusal := apierrors.NewBadRequest("babs@example.com is not allowed")
		for name, refusing := range map[string]interceptor.Funcs{
			"list": {List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error { return refusal }},
			"create": {Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
				return refusal
			}},
			"get": {Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
				return refusal
			}},
		} {
			s.use(interceptor.NewClient(live, refusing))
			begin()
			err := keeper.Pass(ctx, true)
			Expect(err).To(MatchError(ContainSubstring("the API server answered 400")), name)
			Expect(err).NotTo(MatchError(ContainSubstring("babs")), name)
		}
	})

	It("begins anew to time absent holders after it has not led", func(ctx SpecContext) {
		const holder = "a0b1c2d3-0000-4000-8000-000000000000"
		_, err := s.claims.Create(ctx, registry.User(), "ghost@example.com", holder)
		Expect(err).NotTo(HaveOccurred())
		keeper.OrphanAge, keeper.AbsenceAge = 0, time.Hour
		Expect(keeper.Pass(ctx, true)).To(Succeed())
		keeper.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
		keeper.StandBy() // Meanwhile the holder may have come and gone.
		Expect(keeper.Pass(ctx, true)).To(Succeed())
		Expect(claimOf(ctx, "ghost@example.com")).NotTo(BeNil())
		keeper.Now = func() time.Time { return time.Now().Add(4 * time.Hour) }
		Expect(keeper.Pass(ctx, true)).To(Succeed())
		Expect(claimOf(ctx, "ghost@example.com")).To(BeNil(), "since then it has been timed")
	})

	It("waits until it is known what the users of the tenant are", func(ctx SpecContext) {
		tenant := client.ObjectKey{Namespace: namespace, Name: "acme"}
		memory := cache.New(watching, tenant, readindex.NewMarks(), slog.New(slog.DiscardHandler)) // which follows nothing yet
		early := NewUpkeep(New(Options{Client: live, Tenant: tenant, Groups: registry.Group(), Cache: memory}), upkeep.Options{
			Policy: func() store.Policy { return store.Policy{} },
		}, prometheus.NewRegistry())
		Expect(early.Pass(ctx, true)).To(Succeed())
	})

	It("takes no name from whom memory has lost sight of", func(ctx SpecContext) {
		id := create(ctx, "babs@example.com")
		s.cache.Index().RemoveUser(uuid.MustParse(id)) // It could not be read.
		keeper.OrphanAge, keeper.AbsenceAge = 0, 0
		Expect(keeper.Pass(ctx, true)).To(Succeed())
		Expect(claim.HolderOf(claimOf(ctx, "babs@example.com"))).To(Equal(id))
		_, err := s.Create(ctx, newUser("BABS@example.com"), store.Policy{})
		Expect(err).To(MatchError(ContainSubstring("uniqueness")))
	})

	It("gives no claim away whose holder has the name, although memory does not show it", func(ctx SpecContext) {
		id, other := create(ctx, "babs@example.com"), create(ctx, "jim@example.com")
		s.cache.Index().RemoveUser(uuid.MustParse(id)) // It could not be read.
		jim := &scimv1alpha1.ScimUser{}
		Expect(live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: other}, jim)).To(Succeed())
		jim.Spec.UserName = "Babs@example.com"
		Expect(live.Update(ctx, jim)).To(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(keeper.Pass(ctx, true)).To(Succeed())
			g.Expect(repaired(upkeep.RepairDuplicate)).To(BeNumerically(">=", 1))
		}).Should(Succeed())
		Expect(claim.HolderOf(claimOf(ctx, "babs@example.com"))).To(Equal(id))
	})

	It("lets no late write have a name whose claim it has deleted, whatever the clocks say", func(ctx SpecContext) {
		// By the clock of the keeper, what was claimed just now was claimed long ago.
		keeper.OrphanAge, keeper.AbsenceAge = -time.Hour, 0
		repair := func() { Expect(keeper.Pass(ctx, true)).To(Succeed()) }
		beforeUser := func(verb string) client.Client {
			return scripted(verb, func(write func() error) error {
				repair()
				return write()
			})
		}
		created, err := newStore(beforeUser("create"), namespace).Create(ctx, newUser("babs@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred(), "it tries again under another id")
		Expect(repaired(upkeep.RepairOrphan)).To(BeEquivalentTo(1))
		Expect(claim.HolderOf(claimOf(ctx, "babs@example.com"))).To(Equal(created.ID()))

		_, err = newStore(beforeUser("update"), namespace).Update(ctx, registry.User(), created.ID(), rename("barbara@example.com"), store.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(repaired(upkeep.RepairOrphan)).To(BeEquivalentTo(2))
		Expect(claim.HolderOf(claimOf(ctx, "barbara@example.com"))).To(Equal(created.ID()))
	})

	It("looks at everything, however much there is that cannot be mended, and LISTs the claims once for it", func(ctx SpecContext) {
		lists := 0
		s.use(interceptor.NewClient(live, interceptor.Funcs{
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				if _, claims := list.(*coordinationv1.LeaseList); claims {
					lists++
				}
				return c.List(ctx, list, opts...)
			},
		}))
		// Two of each name, of whom a person must rename one.
		for range 3 {
			name := uuid.NewString()
			create(ctx, name)
			object := &scimv1alpha1.ScimUser{}
			Expect(live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: create(ctx, uuid.NewString())}, object)).To(Succeed())
			object.Spec.UserName = name
			Expect(live.Update(ctx, object)).To(Succeed())
			Eventually(func() string {
				_, shown, _ := s.cache.Index().Names().Of(uuid.MustParse(object.Name))
				return shown
			}).Should(Equal(name))
		}
		lost := create(ctx, "babs@example.com")
		Expect(live.Delete(ctx, claimOf(ctx, "babs@example.com"))).To(Succeed())
		begin()
		keeper.AtOnce, keeper.PageSize = 2, 2
		for range 20 {
			Expect(keeper.Pass(ctx, true)).To(Succeed())
			if keeper.ClaimsDue().After(time.Now()) {
				break
			}
		}
		Expect(keeper.ClaimsDue()).To(BeTemporally(">", time.Now()), "it ends")
		Expect(claim.HolderOf(claimOf(ctx, "babs@example.com"))).To(Equal(lost))
		Expect(lists).To(BeNumerically("<=", 4), "six claims in pages of two")
	})

	It("tells of two users with one name, and renames nobody", func(ctx SpecContext) {
		create(ctx, "babs@example.com")
		id := create(ctx, "jim@example.com")
		jim := &scimv1alpha1.ScimUser{}
		Expect(live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: id}, jim)).To(Succeed())
		jim.Spec.UserName = "Babs@example.com"
		Expect(live.Update(ctx, jim)).To(Succeed())
		Eventually(func(g Gomega) {
			g.Expect(keeper.Pass(ctx, true)).To(Succeed())
			g.Expect(repaired(upkeep.RepairDuplicate)).To(BeNumerically(">=", 1))
		}).Should(Succeed())
		Expect(recorder.Events).To(Receive(And(ContainSubstring("DuplicateName"), Not(ContainSubstring("abs@")))))
	})

	It("finds nothing to repair after ordinary work", func(ctx SpecContext) {
		policy := store.Policy{KeepDeletedUsers: true}
		id := create(ctx, "babs@example.com")
		_, err := s.Update(ctx, registry.User(), id, rename("barbara@example.com"), store.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(s.Delete(ctx, registry.User(), create(ctx, "jim@example.com"), store.DeleteOptions{Policy: policy})).To(Succeed())
		Expect(s.Delete(ctx, registry.User(), create(ctx, "ann@example.com"), store.DeleteOptions{})).To(Succeed())
		keeper.OrphanAge = 0
		Expect(keeper.Pass(ctx, true)).To(Succeed())
		Expect(testutil.CollectAndCount(keeper.Metrics.Repairs)).To(BeZero())
	})

	It("removes kept users after their retention, with their claims, and no others", func(ctx SpecContext) {
		kept, stays := create(ctx, "babs@example.com"), create(ctx, "jim@example.com")
		Expect(s.Delete(ctx, registry.User(), kept, store.DeleteOptions{Policy: store.Policy{KeepDeletedUsers: true}})).To(Succeed())
		Eventually(func() int { return s.cache.Counts().Kept }).Should(Equal(1))
		Expect(keeper.Pass(ctx, false)).To(Succeed())
		Expect(s.cache.Counts().Kept).To(Equal(1), "without a retention it stays")
		retention = ptr.To(time.Hour)
		Expect(keeper.Pass(ctx, false)).To(Succeed())
		Expect(s.cache.Counts().Kept).To(Equal(1), "the retention is not over")
		retention = ptr.To(time.Duration(0))
		Expect(keeper.Pass(ctx, false)).To(Succeed())
		Eventually(func() int { return s.cache.Counts().Kept }).Should(BeZero())
		Expect(claimOf(ctx, "babs@example.com")).To(BeNil())
		Expect(create(ctx, "babs@example.com")).NotTo(Equal(kept), "ids are never used again")
		Expect(testutil.ToFloat64(keeper.Metrics.Removed)).To(BeEquivalentTo(1))
		Expect(expired).To(HaveExactElements("/Users/" + kept))
		Expect(s.Get(ctx, registry.User(), stays, store.View{})).NotTo(BeNil())
	})

	It("removes what a deletion has left whose process died, and nobody has it for a name", func(ctx SpecContext) {
		id := create(ctx, "babs@example.com")
		group, err := s.Create(ctx, scim.NewResource(registry.Group(), scim.Complex{"displayName": "Engineers"}), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		for t, id := range map[*schema.ResourceType]string{registry.User(): id, registry.Group(): group.ID()} {
			halfDelete(ctx, s, t, id, false)
		}
		Eventually(func() int { return s.cache.Counts().Markers }).Should(Equal(2))
		_, err = s.Get(ctx, registry.User(), id, store.View{})
		Expect(failure.IsNotFound(err)).To(BeTrue())
		Expect(keeper.Pass(ctx, false)).To(Succeed())
		Expect(s.cache.Counts().Markers).To(Equal(2), "a late write may still be under way")
		keeper.MarkerAge = 0
		Expect(keeper.Pass(ctx, false)).To(Succeed())
		Eventually(func() int { return s.cache.Counts().Markers }).Should(BeZero())
		Expect(testutil.ToFloat64(keeper.Metrics.Removed)).To(BeZero(), "they are no kept users")
		Expect(expired).To(BeEmpty())
		for _, list := range []client.ObjectList{&scimv1alpha1.ScimUserList{}, &scimv1alpha1.ScimGroupList{}} {
			Expect(live.List(ctx, list, client.InNamespace(namespace))).To(Succeed())
			Expect(codec.ItemsOf(list)).To(BeEmpty())
		}
		Expect(create(ctx, "babs@example.com")).NotTo(Equal(id), "ids are never used again")
	})

	It("leaves markers for as long as the tenant wants, and no more than it wants", func(ctx SpecContext) {
		leave := store.DeleteOptions{Policy: store.Policy{Tombstones: time.Hour}}
		older, younger := create(ctx, "babs@example.com"), create(ctx, "jim@example.com")
		group, err := s.Create(ctx, newGroup("Engineers", older, younger), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		Expect(s.Delete(ctx, registry.User(), older, leave)).To(Succeed())
		Expect(s.Delete(ctx, registry.User(), younger, leave)).To(Succeed())
		Expect(s.Delete(ctx, registry.Group(), group.ID(), leave)).To(Succeed())
		marked := func() (ids []string) {
			for _, marker := range s.cache.Index().Markers() {
				ids = append(ids, marker.ID.String())
			}
			return ids
		}
		Eventually(marked).Should(ConsistOf(older, younger, group.ID()))
		read, err := s.objects.Read(ctx, registry.User(), older)
		Expect(err).NotTo(HaveOccurred())
		Expect(codec.IsMarker(read.Object)).To(BeTrue())
		create(ctx, "babs@example.com")
		_, err = s.Create(ctx, newGroup("Engineers"), store.Policy{ObjectLimit: 2})
		Expect(err).NotTo(HaveOccurred(), "they count for no limit, and have no name")
		Expect(failure.IsNotFound(s.Delete(ctx, registry.User(), older, leave))).To(BeTrue())

		policy = store.Policy{Tombstones: time.Hour, MostTombstones: 2}
		Expect(keeper.Pass(ctx, false)).To(Succeed())
		Expect(marked()).To(HaveLen(3), "a late write may still be under way")
		keeper.MarkerAge = 0
		var forgotten []string
		keeper.Forgetting = func(_ context.Context, group bool, revision uint64, deleted time.Time) (bool, error) {
			forgotten = append(forgotten, fmt.Sprint(group, revision, deleted.UTC()))
			return false, nil
		}
		Expect(keeper.Pass(ctx, false)).To(Succeed())
		Expect(forgotten).To(HaveExactElements(fmt.Sprint(false, codec.RevisionOf(read.Object), codec.MetaOf(read.Object).DeletedTime.UTC())))
		keeper.Forgetting = func(context.Context, bool, uint64, time.Time) (bool, error) {
			return true, errors.New("nobody was asked")
		}
		Expect(keeper.Pass(ctx, false)).To(MatchError(ContainSubstring("nobody was asked")))
		Expect(marked()).To(HaveLen(3))
		keeper.Forgetting = nil
		Expect(keeper.Pass(ctx, false)).To(Succeed())
		Eventually(marked).Should(ConsistOf(younger, group.ID()))
		policy.Tombstones = 0
		Expect(keeper.Pass(ctx, false)).To(Succeed())
		Eventually(marked).Should(BeEmpty())
	})

	It("leaves a marker of a kept user, if one would be there without a retention", func(ctx SpecContext) {
		kept := create(ctx, "babs@example.com")
		Expect(s.Delete(ctx, registry.User(), kept, store.DeleteOptions{Policy: store.Policy{KeepDeletedUsers: true}})).To(Succeed())
		Eventually(func() int { return s.cache.Counts().Kept }).Should(Equal(1))
		before, err := s.objects.Read(ctx, registry.User(), kept)
		Expect(err).NotTo(HaveOccurred())
		retention, policy = ptr.To(time.Duration(0)), store.Policy{Tombstones: time.Hour, MostTombstones: 1}
		Expect(keeper.Pass(ctx, false)).To(Succeed())
		Eventually(func() int { return s.cache.Counts().Kept }).Should(BeZero())
		Expect(s.cache.Counts().Markers).To(Equal(1))
		after, err := s.objects.Read(ctx, registry.User(), kept)
		Expect(err).NotTo(HaveOccurred())
		Expect(codec.IsMarker(after.Object)).To(BeTrue())
		Expect(codec.MetaOf(after.Object)).To(Equal(codec.MetaOf(before.Object)), "it is as old as the deletion")
		Expect(claimOf(ctx, "babs@example.com")).To(BeNil())
		Expect(expired).To(HaveExactElements("/Users/" + kept))
	})

	It("takes a member out that was deleted just when it was added", func(ctx SpecContext) {
		member := create(ctx, "babs@example.com")
		group, err := s.Create(ctx, scim.NewResource(registry.Group(), scim.Complex{
			"displayName": "Tour Guides", "members": []any{scim.Complex{"value": member}},
		}), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		user := &scimv1alpha1.ScimUser{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: member}}
		Expect(live.Delete(ctx, user)).To(Succeed())
		keeper.AbsenceAge = 0
		Eventually(func(g Gomega) {
			g.Expect(keeper.Pass(ctx, false)).To(Succeed())
			object := &scimv1alpha1.ScimGroup{}
			g.Expect(live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: group.ID()}, object)).To(Succeed())
			g.Expect(object.Spec.Members).To(BeEmpty())
		}).Should(Succeed())
	})
})
