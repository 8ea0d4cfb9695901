package driver_test

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/contract"
)

var _ = Describe("Replicas of a cluster whose etcd was restored", func() {
	It("all begin anew, once, when one of them finds out, and believe no Revisions of before", func(ctx SpecContext) {
		w := newWorld(ctx, patient)
		replicas := w.startAll(3)
		answered(ctx, replicas...)
		for _, r := range replicas {
			r.acknowledge(1 << 50) // In the history that is no more.
		}
		replicas[1].Rewound()
		replicas[1].Rewound() // Whoever finds out as well.
		for _, r := range replicas {
			Eventually(func() int {
				_, _ = r.ReadIndex(ctx, tenantOfTest) // By which they hear of each other.
				return r.log.restarted()
			}).Should(Equal(1), r.name)
		}
		answered(ctx, replicas...)
		revision := w.write(ctx)
		replicas[0].acknowledge(revision)
		for _, r := range replicas {
			Eventually(func(g Gomega) {
				g.Expect(users(ctx, r)).To(And(BeNumerically(">=", revision), BeNumerically("<", 1<<50)))
			}).Should(Succeed(), r.name)
			Expect(r.log.restarted()).To(Equal(1), r.name)
		}
		newcomer := w.start("acme-scim-new")
		Eventually(newcomer.Member).Should(BeTrue())
		answered(ctx, append(replicas, newcomer)...)
		Expect(newcomer.log.restarted()).To(Equal(1), "it may have read what was before")
		Expect(replicas[0].log.restarted()).To(Equal(1))
	})

	It("believe no Revisions that were read just before the one who answers found out", func(ctx SpecContext) {
		timing := patient
		timing.Beat = time.Hour // Nobody asks but the reader.
		w := newWorld(ctx, timing)
		replicas := []*replica{}
		for i := range 2 {
			r, err := w.newReplica(fmt.Sprintf("acme-scim-%d", i))
			Expect(err).NotTo(HaveOccurred())
			r.SpeakOnly(3) // In a later one, what is read is read at one moment.
			r.run()
			DeferCleanup(r.leave)
			replicas = append(replicas, r)
		}
		answered(ctx, replicas...)
		replicas[1].acknowledge(1 << 50) // In the history that is no more.
		replicas[1].OnceRead(replicas[1].Rewound)
		_, err := replicas[0].ReadIndex(ctx, tenantOfTest)
		Expect(err).To(MatchError(ContainSubstring("etcd has been restored")))
		Expect(replicas[0].log.restarted()).To(Equal(1))
	})

	It("begin anew once, when one is told of it while it writes the Lease by which it would find out", func(ctx SpecContext) {
		w := newWorld(ctx, patient)
		replicas := w.startAll(2)
		answered(ctx, replicas...)
		writing, reported := make(chan struct{}), make(chan struct{})
		lower := func(lease client.Object) {
			close(writing)
			<-reported
			lease.SetResourceVersion("1") // As of a history that was rewritten before it was written.
		}
		replicas[0].updated.Store(&lower)
		accept(replicas[0], "2")
		Eventually(writing).Should(BeClosed())
		replicas[1].Rewound()
		Eventually(func() int {
			_, _ = replicas[0].ReadIndex(ctx, tenantOfTest) // By which it hears of it.
			return replicas[0].log.restarted()
		}).Should(Equal(1))
		answered(ctx, replicas...)
		close(reported)
		accept(replicas[0], "3")
		Eventually(func() map[string]string { return w.lease(ctx, replicas[0].name).Annotations }).
			Should(HaveKeyWithValue(contract.AnnotationCredentialsRevision, "3"), "the next write, which is after all that follows from this one")
		answered(ctx, replicas...)
		for _, r := range replicas {
			Expect(r.log.restarted()).To(Equal(1), r.name)
		}
	})

	It("state no revision of the ScimCredentials that they have read before, until these are read anew", func(ctx SpecContext) {
		w := newWorld(ctx, patient)
		r := w.startAll(1)[0]
		stated := func() map[string]string { return w.lease(ctx, r.name).Annotations }
		r.follows.Store(nil)
		before, over := r.Era()
		r.Accept("1152921504606846976", before)
		Eventually(stated).Should(HaveKeyWithValue(contract.AnnotationCredentialsRevision, "1152921504606846976"))
		r.Rewound()
		Eventually(over).Should(BeClosed())
		Eventually(stated).ShouldNot(HaveKey(contract.AnnotationCredentialsRevision), "whatever is made now would count as known")
		r.Accept("1152921504606846977", before) // What was read before, and done with later.
		accept(r, "12")
		Eventually(stated).Should(HaveKeyWithValue(contract.AnnotationCredentialsRevision, "12"))
		r.Accept("1152921504606846978", before)
		accept(r, "13")
		Eventually(stated).Should(HaveKeyWithValue(contract.AnnotationCredentialsRevision, "13"))
	})

	It("find out when the API server's latest resourceVersion is lower than what it has shown", func(ctx SpecContext) {
		w := newWorld(ctx, hasty)
		replicas := w.startAll(2)
		answered(ctx, replicas...)
		replicas[0].acknowledge(1 << 50)
		Expect(admin.Delete(ctx, w.lease(ctx, replicas[0].name))).To(Succeed()) // So that it asks.
		for _, r := range replicas {
			Eventually(func() int {
				_, _ = r.ReadIndex(ctx, tenantOfTest) // By which they hear of each other.
				return r.log.restarted()
			}).Should(BeNumerically(">=", 1), r.name)
		}
		answered(ctx, replicas...)
		Eventually(func(g Gomega) { g.Expect(users(ctx, replicas[1])).To(BeNumerically("<", 1<<50)) }).Should(Succeed())
	})
})
