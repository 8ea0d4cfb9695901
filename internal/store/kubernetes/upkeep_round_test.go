package kubernetes

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
	"github.com/kubescim/kubescim/internal/store/kubernetes/upkeep"
)

var _ = Describe("The upkeep of many tenants", func() {
	It("looks through the claims of all by one walk, and mends those of each", func(ctx SpecContext) {
		namespace, log := newNamespace(ctx), slog.New(slog.NewTextHandler(GinkgoWriter, nil))
		var lists atomic.Int64
		counted := interceptor.NewClient(live, interceptor.Funcs{
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				if _, are := list.(*coordinationv1.LeaseList); are {
					lists.Add(1)
				}
				return c.List(ctx, list, opts...)
			},
		})
		streams := cache.NewStreams(watching, namespace, readindex.NewMarks(), log)
		stores, keepers := map[string]*Store{}, map[string]*upkeep.Upkeep{}
		var all []*upkeep.Upkeep
		for _, tenant := range []string{"acme", "globex", "other"} {
			memory := streams.Cache(tenant)
			memory.Follow(registry)
			s := New(Options{Client: counted, Tenant: client.ObjectKey{Namespace: namespace, Name: tenant}, Groups: registry.Group(), Cache: memory})
			keeper := NewUpkeep(s, upkeep.Options{
				Policy: func() store.Policy { return store.Policy{} }, Recorder: events.NewFakeRecorder(20), Log: log,
			}, prometheus.NewRegistry())
			stores[tenant], keepers[tenant] = s, keeper
			all = append(all, keeper)
		}
		running, stop := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			streams.Run(running, alone{stores["acme"].cache})
		}()
		DeferCleanup(func() {
			stop()
			Eventually(ended).Should(BeClosed())
		})
		streams.Begin()
		for tenant, s := range stores {
			for _, name := range []string{"babs", "jim"} {
				_, err := s.Create(ctx, newUser(name), store.Policy{})
				Expect(err).NotTo(HaveOccurred(), tenant)
			}
			Eventually(s.cache.Synced).Should(BeTrue())
		}
		for _, tenant := range []string{"acme", "globex"} {
			lease, err := stores[tenant].claims.Get(ctx, registry.User(), "babs")
			Expect(err).NotTo(HaveOccurred())
			Expect(live.Delete(ctx, lease)).To(Succeed())
		}
		for _, s := range stores {
			Eventually(func() int { return s.cache.Counts().Users }).Should(Equal(2))
		}

		upkeep.CompareAll(ctx, all)
		Expect(lists.Load()).To(BeEquivalentTo(1))
		for tenant, wanted := range map[string]float64{"acme": 1, "globex": 1, "other": 0} {
			Expect(testutil.ToFloat64(keepers[tenant].Metrics.Repairs.WithLabelValues(upkeep.RepairMissing))).To(Equal(wanted), tenant)
			Expect(stores[tenant].claims.Get(ctx, registry.User(), "babs")).NotTo(BeNil())
			Expect(keepers[tenant].ClaimsDue()).To(BeTemporally(">", time.Now()))
		}
		upkeep.CompareAll(ctx, all)
		Expect(lists.Load()).To(BeEquivalentTo(1), "none is due")
	})
})
