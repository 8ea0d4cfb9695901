package driver_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	coordinationv1 "k8s.io/api/coordination/v1"

	"github.com/kubescim/kubescim/internal/contract"
)

// startApart starts two replicas that can never reach each other, but both the API server.
func (w *world) startApart() (replicas []*replica, between *cable) {
	GinkgoHelper()
	for i := range 2 {
		r, err := w.newReplica(fmt.Sprintf("acme-scim-%d", i))
		Expect(err).NotTo(HaveOccurred())
		replicas = append(replicas, r)
	}
	between = w.connect(replicas[0], replicas[1])
	between.set(true, false)
	for _, r := range replicas {
		r.run()
		DeferCleanup(r.leave)
	}
	return replicas, between
}

// unreachable returns what the Leases of replicas say of whom they cannot reach.
func (w *world) unreachable(ctx context.Context, replicas ...*replica) func() []contract.Unreachable {
	return func() []contract.Unreachable {
		var leases []coordinationv1.Lease
		for _, r := range replicas {
			if lease := w.lease(ctx, r.name); lease != nil {
				leases = append(leases, *lease)
			}
		}
		return contract.UnreachablePeers(leases)
	}
}

var _ = Describe("Replicas whose peer port is blocked", func() {
	It("become members, read at the API server, say so, and heal", func(ctx SpecContext) {
		w := newWorld(ctx, hasty)
		replicas, between := w.startApart()
		for _, r := range replicas {
			Eventually(r.Member).Should(BeTrue(), r.name)
		}
		for _, r := range replicas {
			_, err := r.ReadIndex(ctx, tenantOfTest)
			Expect(err).To(MatchError(ContainSubstring("cannot be asked")))
		}
		Eventually(w.unreachable(ctx, replicas...)).Should(ConsistOf(
			contract.Unreachable{From: "acme-scim-0", To: "acme-scim-1"},
			contract.Unreachable{From: "acme-scim-1", To: "acme-scim-0"}))

		between.set(false, false)
		answered(ctx, replicas...)
		Eventually(w.unreachable(ctx, replicas...)).Should(BeEmpty())
		revision := w.write(ctx)
		replicas[0].acknowledge(revision)
		Expect(users(ctx, replicas[1])).To(BeNumerically(">=", revision))
	})

	It("never answer before the other one reads at the API server", func(ctx SpecContext) {
		w := newWorld(ctx, hasty)
		first := w.startAll(1)[0]
		newcomer, err := w.newReplica("acme-scim-new")
		Expect(err).NotTo(HaveOccurred())
		w.connect(newcomer, first).set(true, false)
		_, err = first.ReadIndex(ctx, tenantOfTest)
		Expect(err).NotTo(HaveOccurred())
		newcomer.run()
		DeferCleanup(newcomer.leave)
		for began := time.Now(); !newcomer.Member(); {
			Expect(time.Since(began)).To(BeNumerically("<", 30*time.Second))
			time.Sleep(time.Millisecond)
		}
		_, err = first.ReadIndex(ctx, tenantOfTest)
		Expect(err).To(HaveOccurred(), "it would miss what the newcomer acknowledges")
	})

	It("come back after a crash", func(ctx SpecContext) {
		w := newWorld(ctx, hasty)
		replicas, _ := w.startApart()
		for _, r := range replicas {
			Eventually(r.Member).Should(BeTrue(), r.name)
		}
		next, err := w.newReplica(replicas[1].name) // Another process in the pod.
		Expect(err).NotTo(HaveOccurred())
		w.connect(next, replicas[0]).set(true, false)
		next.run()
		DeferCleanup(next.leave)
		Eventually(replicas[1].ended).Should(BeClosed())
		Eventually(next.Member).Should(BeTrue())
		Consistently(func() bool { return replicas[0].Member() && next.Member() }, "4s").Should(BeTrue())
	})

	It("give each other up all the same when one is gone", func(ctx SpecContext) {
		w := newWorld(ctx, hasty)
		replicas, _ := w.startApart()
		for _, r := range replicas {
			Eventually(r.Member).Should(BeTrue(), r.name)
		}
		revision := w.write(ctx)
		replicas[1].acknowledge(revision)
		replicas[1].leave()
		answered(ctx, replicas[0])
		Expect(users(ctx, replicas[0])).To(BeNumerically(">=", revision))
		Eventually(w.unreachable(ctx, replicas...)).Should(BeEmpty())
	})
})

var _ = Describe("Replicas of different releases", func() {
	// speaking makes replicas that speak versions of the protocol, and starts them.
	speaking := func(w *world, versions ...[]byte) []*replica {
		GinkgoHelper()
		replicas := make([]*replica, len(versions))
		for i, spoken := range versions {
			r, err := w.newReplica(fmt.Sprintf("acme-scim-%d", i))
			Expect(err).NotTo(HaveOccurred())
			if spoken != nil {
				r.SpeakOnly(spoken...)
			}
			r.run()
			DeferCleanup(r.leave)
			replicas[i] = r
		}
		for _, r := range replicas {
			Eventually(r.Member).Should(BeTrue(), r.name)
		}
		return replicas
	}

	DescribeTable("ask each other in what both speak, so that an update goes on without a break",
		func(ctx SpecContext, others []byte) {
			w := newWorld(ctx, patient)
			replicas := speaking(w, nil, others, nil)
			answered(ctx, replicas...)
			for _, teller := range replicas {
				revision := w.write(ctx)
				teller.acknowledge(revision)
				for _, r := range replicas {
					Expect(users(ctx, r)).To(BeNumerically(">=", revision))
				}
			}
			last := w.write(ctx)
			replicas[1].acknowledge(last)
			replicas[1].leave()
			for _, r := range []*replica{replicas[0], replicas[2]} {
				Expect(users(ctx, r)).To(BeNumerically(">=", last), "handed over")
			}
		},
		Entry("the oldest", []byte{1}),
		Entry("the one before the last", []byte{2, 1}),
		Entry("the last one", []byte{3, 2, 1}),
		Entry("the next one, which still speaks ours", []byte{9, 4}),
	)

	It("read at the API server if they have no protocol in common, and the update goes on", func(ctx SpecContext) {
		w := newWorld(ctx, hasty)
		replicas := speaking(w, nil, []byte{9})
		_, err := replicas[0].ReadIndex(ctx, tenantOfTest)
		Expect(err).To(HaveOccurred())
		replicas[0].leave()
		answered(ctx, replicas[1])
	})
})
