package driver_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/readindex/driver"
)

var _ = Describe("A replica alone", func() {
	It("is a member that leads, and reads by itself only", func(ctx SpecContext) {
		w := newWorld(ctx, patient)
		revision := w.write(ctx)
		r := w.startAll(1)[0]
		Expect(users(ctx, r)).To(BeNumerically(">=", revision), "what was there before it came")
		r.acknowledge(1 << 60)
		Expect(users(ctx, r)).To(BeEquivalentTo(1 << 60))
		Expect(r.Lead()).To(BeTrue())
	})

	It("registers before it accepts a key and serves a tenant, and states at once whom and which", func(ctx SpecContext) {
		w := newWorld(ctx, patient)
		r, err := w.newReplica("acme-scim-0")
		Expect(err).NotTo(HaveOccurred())
		r.follows.Store(nil)
		none, registered := r.Era()
		r.run()
		DeferCleanup(r.leave)
		Eventually(registered).Should(BeClosed())
		lease := w.lease(ctx, r.name)
		Expect(lease.Labels).To(Equal(map[string]string{
			scimv1alpha1.LabelTenant: tenantName, scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica,
		}))
		Expect(lease.Annotations).To(HaveKeyWithValue(contract.AnnotationPeerAddress, HavePrefix("127.0.0.1:")))
		Expect(hex.DecodeString(lease.Annotations[contract.AnnotationPeerFingerprint])).To(HaveLen(32))
		Expect(lease.Annotations).NotTo(Or(HaveKey(contract.AnnotationCredentialsRevision), HaveKey(contract.AnnotationTenantsRevision)))
		Expect(lease.OwnerReferences).To(HaveExactElements(HaveField("UID", w.tenant.UID)), "not the pod")

		r.Accept("1", none)
		r.AcceptTenants("1", none, true)
		Consistently(r.Member, "300ms").Should(BeFalse(), "what was read before it registered may have changed since")
		era, _ := r.Era()
		for _, revision := range []string{"17", "4711"} {
			r.Accept(revision, era)
			Eventually(func(g Gomega) {
				g.Expect(w.lease(ctx, r.name).Annotations).To(HaveKeyWithValue(contract.AnnotationCredentialsRevision, revision))
			}).Should(Succeed())
		}
		Expect(r.Member()).To(BeFalse())
		r.AcceptTenants("12", era, true)
		Eventually(r.Member).Should(BeTrue())
		Eventually(func() map[string]string { return w.lease(ctx, r.name).Annotations }).
			Should(HaveKeyWithValue(contract.AnnotationTenantsRevision, "12"))
		stated := w.lease(ctx, r.name).ResourceVersion
		r.Accept("4711", era)
		r.AcceptTenants("12", era, true)
		r.AcceptTenants("13", era, false)
		Consistently(func() string { return w.lease(ctx, r.name).ResourceVersion }, "300ms").Should(Equal(stated), "that is no news")
	})

	It("states what is no news when it renews its Lease", func(ctx SpecContext) {
		w := newWorld(ctx, hasty)
		r := w.startAll(1)[0]
		era, _ := r.Era()
		r.AcceptTenants("13", era, false)
		Eventually(func() map[string]string { return w.lease(ctx, r.name).Annotations }).
			Should(HaveKeyWithValue(contract.AnnotationTenantsRevision, "13"))
	})

	It("writes its Lease some times a second at the most, however fast there is news to state", func(ctx SpecContext) {
		w := newWorld(ctx, patient)
		r := w.startAll(1)[0]
		era, _ := r.Era()
		watching, err := admin.Watch(ctx, &coordinationv1.LeaseList{}, client.InNamespace(w.namespace))
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(watching.Stop)
		number := 1000
		began := time.Now()
		Consistently(func() int {
			number++
			r.AcceptTenants(strconv.Itoa(number), era, true)
			return number
		}, "1s", "5ms").Should(BeNumerically(">", 1000))
		writes, stated := 0, ""
		for stated != strconv.Itoa(number) {
			var event watch.Event
			Eventually(ctx, watching.ResultChan()).Should(Receive(&event))
			lease, _ := event.Object.(*coordinationv1.Lease)
			writes, stated = writes+1, lease.Annotations[contract.AnnotationTenantsRevision]
		}
		Expect(number).To(BeNumerically(">", 1020))
		Expect(writes).To(BeNumerically("<=", 2+int(time.Since(began)/(100*time.Millisecond))))
	})

	It("leaves no Lease behind", func(ctx SpecContext) {
		w := newWorld(ctx, patient)
		r := w.startAll(1)[0]
		r.leave()
		Expect(r.err).NotTo(HaveOccurred())
		Expect(r.Member()).To(BeFalse())
		Expect(w.lease(ctx, r.name)).To(BeNil())
		_, err := r.ReadIndex(ctx, tenantOfTest)
		Expect(err).To(HaveOccurred())
	})

	It("renews its Lease", func(ctx SpecContext) {
		w := newWorld(ctx, hasty)
		r := w.startAll(1)[0]
		first := w.lease(ctx, r.name).ResourceVersion
		Eventually(func() string { return w.lease(ctx, r.name).ResourceVersion }).ShouldNot(Equal(first))
	})

	It("says what is wrong with a pod that it cannot work in", func() {
		_, err := driver.New(driver.Options{Pod: driver.Pod{Namespace: "acme", Name: "acme-scim-0", UID: "1", IP: "none"}})
		Expect(err).To(MatchError(ContainSubstring("IP address")))
	})
})

var _ = Describe("Several replicas", func() {
	It("know each other when they start at the same time, and one of them leads", func(ctx SpecContext) {
		w := newWorld(ctx, patient)
		replicas := w.startAll(5)
		leaders := 0
		for i, r := range replicas {
			for _, other := range replicas {
				revision := rand.Uint64N(1<<40) + 1<<40*uint64(i+1)
				r.acknowledge(revision)
				Eventually(func(g Gomega) { g.Expect(users(ctx, other)).To(BeNumerically(">=", revision)) }).Should(Succeed())
			}
			if r.Lead() {
				leaders++
			}
		}
		Expect(leaders).To(Equal(1))
		Expect(replicas[0].Lead()).To(BeTrue())
	})

	It("never miss what one of them has acknowledged, however many ask", func(ctx SpecContext) {
		w := newWorld(ctx, patient)
		replicas := w.startAll(3)
		for _, r := range replicas {
			Eventually(func() error { _, err := r.ReadIndex(ctx, tenantOfTest); return err }).Should(Succeed())
		}
		var last, answers atomic.Uint64
		last.Store(1 << 40)
		var clients sync.WaitGroup
		for range 24 {
			clients.Go(func() {
				defer GinkgoRecover()
				for range 100 {
					if rand.IntN(4) == 0 {
						revision := last.Add(1)
						replicas[rand.IntN(3)].acknowledge(revision)
						continue
					}
					// What is told after last has been read may or may not be seen.
					r := replicas[rand.IntN(3)]
					teller := replicas[rand.IntN(3)]
					before := teller.reported.Load()
					Expect(users(ctx, r)).To(BeNumerically(">=", before))
					answers.Add(1)
				}
			})
		}
		clients.Wait()
		Expect(answers.Load()).To(BeNumerically(">", 1000))
	})

	It("go on without a moment's break when one joins or leaves, and keep what it acknowledged", func(ctx SpecContext) {
		w := newWorld(ctx, patient)
		first := w.startAll(2)
		stop, reading := make(chan struct{}), sync.WaitGroup{}
		for _, r := range first {
			Eventually(func() error { _, err := r.ReadIndex(ctx, tenantOfTest); return err }).Should(Succeed())
			reading.Go(func() {
				defer GinkgoRecover()
				reads := time.NewTicker(100 * time.Microsecond) // Most of them take no time.
				defer reads.Stop()
				for {
					select {
					case <-stop:
						return
					case <-reads.C:
						_, err := r.ReadIndex(ctx, tenantOfTest)
						Expect(err).NotTo(HaveOccurred())
					}
				}
			})
		}
		asked := first[0].log.asked()
		const newcomers = 5
		for i := range newcomers {
			newcomer := w.start(fmt.Sprintf("acme-scim-x%d", i))
			Eventually(newcomer.Member).Should(BeTrue())
			revision := w.write(ctx)
			newcomer.acknowledge(revision)
			for _, r := range first {
				Expect(users(ctx, r)).To(BeNumerically(">=", revision))
			}
			last := w.write(ctx)
			newcomer.acknowledge(last)
			newcomer.leave()
			for _, r := range first {
				Expect(users(ctx, r)).To(BeNumerically(">=", last), "handed over")
			}
			Expect(w.lease(ctx, newcomer.name)).To(BeNil())
		}
		close(stop)
		reading.Wait()
		Expect(first[0].log.asked()).To(BeNumerically("<=", asked+newcomers), "only whether what was handed over can be")
	})

	It("leave reading to the API server while one of an older release is alive", func(ctx SpecContext) {
		w := newWorld(ctx, hasty)
		older := &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: w.namespace, Name: "acme-scim-old",
				Labels: map[string]string{scimv1alpha1.LabelTenant: tenantName, scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica},
			},
			Spec: coordinationv1.LeaseSpec{LeaseDurationSeconds: ptr.To[int32](4), RenewTime: ptr.To(metav1.NowMicro())},
		}
		Expect(admin.Create(ctx, older)).To(Succeed())
		r := w.start("acme-scim-0")
		Eventually(r.Member).Should(BeTrue())
		_, err := r.ReadIndex(ctx, tenantOfTest)
		Expect(err).To(MatchError(ContainSubstring(older.Name)))
		revision := w.write(ctx)
		Eventually(func(g Gomega) { g.Expect(users(ctx, r)).To(BeNumerically(">=", revision)) }).Should(Succeed())
		Eventually(func() any { return w.lease(ctx, older.Name) }).Should(BeNil(), "it is tidied away")
	})

	It("keep in touch while nobody reads, and count what they do", func(ctx SpecContext) {
		timing := patient
		timing.Beat = 50 * time.Millisecond
		w := newWorld(ctx, timing)
		replicas := w.startAll(2)
		answered(ctx, replicas...)
		Consistently(replicas[0].Member, "1s").Should(BeTrue()) // Far longer than a connection may be silent.
		_, err := replicas[0].ReadIndex(ctx, tenantOfTest)
		Expect(err).NotTo(HaveOccurred())

		Expect(replicas[0].metric("kubescim_barrier_member")).To(Equal(1.0))
		Expect(replicas[0].metric("kubescim_barrier_members")).To(Equal(2.0))
		Expect(replicas[0].metric("kubescim_barrier_rounds_total")).To(BeNumerically(">=", 2))
		Expect(replicas[0].metric("kubescim_barrier_round_duration_seconds")).To(BeNumerically(">=", 2))
		before := replicas[0].metric("kubescim_barrier_fallbacks_total")
		replicas[0].leave()
		_, err = replicas[0].ReadIndex(ctx, tenantOfTest)
		Expect(err).To(HaveOccurred())
		Expect(replicas[0].metric("kubescim_barrier_fallbacks_total")).To(Equal(before + 1))
		Expect(replicas[0].metric("kubescim_barrier_member")).To(Equal(0.0))
	})

	It("do not wait for each other's readers that have given up", func(ctx SpecContext) {
		timing := patient
		timing.Promise = time.Nanosecond // So that readers wait.
		w := newWorld(ctx, timing)
		replicas := w.startAll(2)
		Eventually(func() error { _, err := replicas[0].ReadIndex(ctx, tenantOfTest); return err }).Should(Succeed())
		over, cancel := context.WithCancel(ctx)
		cancel()
		Eventually(func() error { _, err := replicas[0].ReadIndex(over, tenantOfTest); return err }).Should(MatchError(context.Canceled))
		_, err := replicas[0].ReadIndex(ctx, tenantOfTest)
		Expect(err).NotTo(HaveOccurred())
	}, SpecTimeout(time.Minute))
})
