package driver_test

import (
	"context"
	"fmt"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/readindex/driver"
)

// fallenBack makes the test wait until a replica cannot ask all others, nor counts on what they
// have promised before.
func fallenBack(ctx context.Context, replicas ...*replica) {
	GinkgoHelper()
	for _, r := range replicas {
		Eventually(func() error { _, err := r.ReadIndex(ctx, tenantOfTest); return err }).Should(HaveOccurred(), r.name)
	}
}

// answered makes the test wait until a replica can ask all others.
func answered(ctx context.Context, replicas ...*replica) {
	GinkgoHelper()
	for _, r := range replicas {
		Eventually(func() error { _, err := r.ReadIndex(ctx, tenantOfTest); return err }).Should(Succeed(), r.name)
	}
}

var _ = Describe("A replica that is killed", func() {
	It("holds readers up until its Lease has run out, and then the API server knows what it acknowledged", func(ctx SpecContext) {
		w := newWorld(ctx, hasty)
		killed := w.startChild("acme-scim-dead")
		r := w.startAll(1)[0]
		answered(ctx, r)
		revision := w.write(ctx)
		killed.acknowledges(revision)
		Expect(users(ctx, r)).To(BeEquivalentTo(revision))
		higher := w.write(ctx)
		killed.acknowledges(higher)
		Expect(killed.process.Kill()).To(Succeed())

		began := time.Now()
		fallenBack(ctx, r)
		Eventually(func(g Gomega) {
			revision, err := users(ctx, r)
			if err == nil {
				Expect(revision).To(BeNumerically(">=", higher), "never less than what was acknowledged")
			}
			g.Expect(err).NotTo(HaveOccurred())
		}).Should(Succeed())
		Expect(time.Since(began)).To(BeNumerically(">=", 2*time.Second), "the rest of its Lease at least")
		Eventually(func() any { return w.lease(ctx, "acme-scim-dead") }).Should(BeNil(), "it is tidied away")
		Expect(r.Lead()).To(BeTrue())
	})

	It("holds newcomers up until its Lease has run out", func(ctx SpecContext) {
		w := newWorld(ctx, hasty)
		killed := w.startChild("acme-scim-dead")
		higher := w.write(ctx)
		killed.acknowledges(higher)
		Expect(killed.process.Kill()).To(Succeed())
		began := time.Now()
		r := w.start("acme-scim-0")
		Eventually(r.Member).Should(BeTrue())
		Expect(time.Since(began)).To(BeNumerically(">=", 3*time.Second), "nobody else saw it before")
		Expect(users(ctx, r)).To(BeNumerically(">=", higher))
	})

	It("does not hold up the process that takes its place in the pod", func(ctx SpecContext) {
		w := newWorld(ctx, patient)
		killed := w.startChild("acme-scim-0")
		r := w.start("acme-scim-1")
		Eventually(r.Member).Should(BeTrue())
		answered(ctx, r)
		higher := w.write(ctx)
		killed.acknowledges(higher)
		Expect(killed.process.Kill()).To(Succeed())
		next := w.start("acme-scim-0")
		Eventually(next.Member, "2s").Should(BeTrue())
		answered(ctx, r, next)
		for _, one := range []*replica{r, next} {
			Expect(users(ctx, one)).To(BeNumerically(">=", higher))
		}
	})
})

var _ = Describe("A replica that is stopped and goes on", func() {
	It("is no member until it knows who has come meanwhile", func(ctx SpecContext) {
		w := newWorld(ctx, hasty)
		stopped := w.startChild("acme-scim-slow")
		r := w.startAll(1)[0]
		answered(ctx, r)
		Expect(stopped.process.Signal(syscall.SIGSTOP)).To(Succeed())
		// It may answer once more: a process does not stop at the moment of the signal.
		Eventually(func() error {
			_, err := r.ReadIndex(ctx, tenantOfTest)
			return err
		}).Should(HaveOccurred())
		answered(ctx, r)
		newcomer := w.start("acme-scim-new")
		Eventually(newcomer.Member).Should(BeTrue())
		revision := w.write(ctx)
		newcomer.acknowledge(revision)
		Expect(stopped.process.Signal(syscall.SIGCONT)).To(Succeed())
		stopped.says("member false")
		stopped.says("member true")
		Expect(stopped.readsAt()).To(BeNumerically(">=", revision))
		answered(ctx, r, newcomer)
	})
})

var _ = Describe("Replicas that cannot reach each other", func() {
	var (
		w        *world
		replicas []*replica
		line     *cable
	)
	start := func(ctx context.Context, timing driver.Timing) {
		GinkgoHelper()
		w, replicas = newWorld(ctx, timing), nil
		for i := range 3 {
			r, err := w.newReplica(fmt.Sprintf("acme-scim-%d", i))
			Expect(err).NotTo(HaveOccurred())
			replicas = append(replicas, r)
		}
		line = w.connect(replicas[0], replicas[1])
		for _, r := range replicas {
			r.run()
			DeferCleanup(r.leave)
		}
		for _, r := range replicas {
			Eventually(r.Member).Should(BeTrue())
		}
		answered(ctx, replicas...)
	}

	It("leave reading to the API server soon, stay members, and heal", func(ctx SpecContext) {
		timing := patient
		timing.Lease, timing.Look = 6*time.Second, 200*time.Millisecond
		start(ctx, timing)
		asked := replicas[0].log.asked()
		line.set(true, false)
		began := time.Now()
		fallenBack(ctx, replicas[:2]...)
		for time.Since(began) < 8*time.Second { // Longer than a Lease.
			for _, r := range replicas[:2] {
				_, err := r.ReadIndex(ctx, tenantOfTest)
				Expect(err).To(HaveOccurred())
				Expect(r.Member()).To(BeTrue())
			}
			_, err := replicas[2].ReadIndex(ctx, tenantOfTest)
			Expect(err).NotTo(HaveOccurred(), "it can reach both")
		}
		line.set(false, false)
		answered(ctx, replicas...)
		replicas[0].acknowledge(1 << 50)
		Expect(users(ctx, replicas[1])).To(BeEquivalentTo(1 << 50))
		Expect(replicas[0].log.asked()).To(Equal(asked), "nobody was given up")
	})

	It("wait for a silent one once only, and then fail at once", func(ctx SpecContext) {
		timing := patient
		timing.Round = time.Second
		start(ctx, timing)
		line.set(false, true)
		fallenBack(ctx, replicas[0])
		began := time.Now()
		for range 1000 {
			_, err := replicas[0].ReadIndex(ctx, tenantOfTest)
			Expect(err).To(HaveOccurred())
		}
		Expect(time.Since(began)).To(BeNumerically("<", 1000*timing.Round/100))
		line.set(true, false) // What was swallowed cannot be mended.
		line.set(false, false)
		answered(ctx, replicas...)
	})

	It("do not let a newcomer answer that one of them cannot hear", func(ctx SpecContext) {
		start(ctx, patient)
		newcomer, err := w.newReplica("acme-scim-new")
		Expect(err).NotTo(HaveOccurred())
		line = w.connect(newcomer, replicas[0])
		line.set(true, false)
		newcomer.run()
		DeferCleanup(newcomer.leave)
		Eventually(func(g Gomega) { g.Expect(w.lease(ctx, newcomer.name)).NotTo(BeNil()) }).Should(Succeed())
		Consistently(newcomer.Member, "2s").Should(BeFalse())
		line.set(false, false)
		Eventually(newcomer.Member).Should(BeTrue())
	})
})

var _ = Describe("A replica whose Lease is not renewed", func() {
	It("is no member before the others give it up, and comes back", func(ctx SpecContext) {
		w := newWorld(ctx, hasty)
		replicas := w.startAll(2)
		answered(ctx, replicas...)
		lost := replicas[1]
		lost.refused.Store(true)
		Eventually(lost.Member, "3s").Should(BeFalse())
		_, err := lost.ReadIndex(ctx, tenantOfTest)
		Expect(err).To(HaveOccurred())
		Expect(lost.Lead()).To(BeFalse())
		answered(ctx, replicas[0]) // It still answers; nobody needs to give it up.

		newcomer := w.start("acme-scim-new")
		Eventually(newcomer.Member).Should(BeTrue())
		revision := w.write(ctx)
		newcomer.acknowledge(revision)
		Consistently(lost.Member, "1s").Should(BeFalse())
		lost.refused.Store(false)
		Eventually(lost.Member).Should(BeTrue())
		answered(ctx, append(replicas, newcomer)...)
		Expect(users(ctx, lost)).To(BeNumerically(">=", revision))
	})

	It("is none as soon as the API server does not know the replica any more, and may come back", func(ctx SpecContext) {
		w := newWorld(ctx, patient)
		r := w.startAll(1)[0]
		r.unknown.Store(true)
		accept(r, "2")
		Eventually(r.Member).Should(BeFalse(), "its tenant is gone, and its Lease may be too")
		r.unknown.Store(false)
		Eventually(r.Member).Should(BeTrue())
	})

	It("stays a member while the API server is away for a moment", func(ctx SpecContext) {
		timing := patient
		timing.Lease = 15 * time.Second
		w := newWorld(ctx, timing)
		replicas := w.startAll(2)
		answered(ctx, replicas...)
		for _, r := range replicas {
			r.refused.Store(true)
		}
		Consistently(func(g Gomega) {
			for _, r := range replicas {
				_, err := r.ReadIndex(ctx, tenantOfTest)
				g.Expect(err).NotTo(HaveOccurred())
			}
		}, "4s").Should(Succeed())
		for _, r := range replicas {
			r.refused.Store(false)
		}
	})

	It("joins anew when somebody has deleted the Lease", func(ctx SpecContext) {
		w := newWorld(ctx, hasty)
		replicas := w.startAll(2)
		answered(ctx, replicas...)
		first := w.lease(ctx, replicas[0].name)
		Expect(admin.Delete(ctx, first)).To(Succeed())
		Eventually(func(g Gomega) {
			lease := w.lease(ctx, replicas[0].name)
			g.Expect(lease).NotTo(BeNil())
			g.Expect(lease.UID).NotTo(Equal(first.UID))
		}).Should(Succeed())
		Eventually(replicas[0].Member).Should(BeTrue())
		answered(ctx, replicas...)
	})

	It("is none when a join ends while the Lease is known to be gone", func(ctx SpecContext) {
		w := newWorld(ctx, patient)
		r := w.startAll(1)[0]
		newcomer, err := w.newReplica("acme-scim-new")
		Expect(err).NotTo(HaveOccurred())
		newcomer.noUsers.Store(true) // It cannot know how new everything is.
		newcomer.run()
		DeferCleanup(newcomer.leave)
		Eventually(r.Members).Should(Equal(2), "it is confirmed")
		Eventually(newcomer.Members).Should(Equal(2))
		Expect(newcomer.Member()).To(BeFalse())
		Expect(admin.Delete(ctx, w.lease(ctx, newcomer.name))).To(Succeed())
		newcomer.noCreates.Store(true)
		accept(newcomer, "2")
		Eventually(newcomer.created.Load).Should(BeNumerically(">", 1), "it finds that out")
		newcomer.noUsers.Store(false)
		Eventually(newcomer.log.asked).Should(BeNumerically(">", 0), "the join ends")
		Consistently(newcomer.Member, "1s").Should(BeFalse())
		newcomer.noCreates.Store(false)
		Eventually(newcomer.Member).Should(BeTrue())
	})

	It("keeps it when somebody has put a label on it", func(ctx SpecContext) {
		w := newWorld(ctx, hasty)
		r := w.startAll(1)[0]
		lease := w.lease(ctx, r.name)
		label := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"example.com/note":"mine"}}}`))
		Expect(admin.Patch(ctx, lease, label)).To(Succeed(), "a patch, since the replica renews it meanwhile")
		changed := lease.ResourceVersion
		Eventually(func() string { return w.lease(ctx, r.name).ResourceVersion }).ShouldNot(Equal(changed))
		Expect(r.Member()).To(BeTrue())
	})

	It("ends when another process in its pod has taken the Lease", func(ctx SpecContext) {
		w := newWorld(ctx, hasty)
		first := w.startAll(1)[0]
		second := w.start(first.name)
		Eventually(first.ended).Should(BeClosed())
		Expect(first.err).To(MatchError(ContainSubstring("another process")))
		Expect(first.Member()).To(BeFalse())
		Eventually(second.Member).Should(BeTrue())
	})

	It("is waited for by another pod of the same name", func(ctx SpecContext) {
		w := newWorld(ctx, hasty)
		earlier := w.startAll(1)[0]
		lease := w.lease(ctx, earlier.name)
		earlier.leave()
		lease.ResourceVersion, lease.UID = "", ""
		holder := "another pod"
		lease.Spec.HolderIdentity = &holder
		Expect(admin.Create(ctx, lease)).To(Succeed())
		began := time.Now()
		r := w.start(earlier.name)
		Eventually(r.Member).Should(BeTrue())
		Expect(time.Since(began)).To(BeNumerically(">=", 3*time.Second))
	})
})

var _ = Describe("The Lease of a replica", func() {
	It("does not make a newcomer wait that belongs to another tenant", func(ctx SpecContext) {
		w := newWorld(ctx, patient)
		Expect(admin.Create(ctx, &coordinationv1.Lease{ObjectMeta: w.leaseMeta("globex-scim-0", "globex")})).To(Succeed())
		claim := &coordinationv1.Lease{ObjectMeta: w.leaseMeta("claim", tenantName)}
		claim.Labels[scimv1alpha1.LabelLease] = scimv1alpha1.LeaseClaim
		Expect(admin.Create(ctx, claim)).To(Succeed())
		r := w.startAll(1)[0]
		_, err := r.ReadIndex(ctx, tenantOfTest)
		Expect(err).NotTo(HaveOccurred())
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(claim), claim)).To(Succeed())
	})

	It("lasts two thirds for its holder, and is renewed in time", func() {
		Expect(contract.ReplicaLeaseRenewal).To(BeNumerically("<=", contract.ReplicaLeaseDuration/3))
	})
})
