package driver_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/readindex"
)

var _ = Describe("Replicas that have promised each other to tell of news first", func() {
	It("are not asked while nothing is written, and as soon as something is, nobody misses it", func(ctx SpecContext) {
		timing := patient
		timing.Promise, timing.Beat = time.Minute, time.Hour
		w := newWorld(ctx, timing)
		replicas := w.startAll(3)
		answered(ctx, replicas...)
		rounds := replicas[0].Rounds()
		for range 1000 {
			_, err := replicas[0].ReadIndex(ctx, tenantOfTest)
			Expect(err).NotTo(HaveOccurred())
		}
		Expect(replicas[0].Rounds()).To(Equal(rounds))
		Expect(replicas[0].metric("kubescim_barrier_promised_reads_total")).To(BeNumerically(">=", 1000))
		for i := range 30 {
			teller := replicas[i%3]
			teller.acknowledge(1<<40 + uint64(i))
			for _, r := range replicas {
				Expect(users(ctx, r)).To(BeEquivalentTo(1<<40 + i))
			}
		}
		Expect(replicas[0].Rounds()).To(BeNumerically("<=", rounds+12), "one for what it has told, but hardly any for reads")
		Expect(replicas[0].metric("kubescim_barrier_disclosure_duration_seconds")).To(BeNumerically(">=", 10))
		other, err := replicas[1].ReadIndex(ctx, readindex.TenantOf("globex"))
		Expect(err).NotTo(HaveOccurred())
		Expect(other[readindex.Users]).To(BeNumerically("<", 1<<40), "it was of one tenant")
	})

	It("wait for one that does not answer until it counts on nothing any more, and for no one who does not read", func(ctx SpecContext) {
		timing := patient
		timing.Promise, timing.Round, timing.Beat = 2*time.Second, 500*time.Millisecond, time.Hour
		w := newWorld(ctx, timing)
		var replicas []*replica
		for _, name := range []string{"acme-scim-0", "acme-scim-1"} {
			r, err := w.newReplica(name)
			Expect(err).NotTo(HaveOccurred())
			replicas = append(replicas, r)
		}
		line := w.connect(replicas[0], replicas[1])
		for _, r := range replicas {
			r.run()
			DeferCleanup(r.leave)
		}
		for _, r := range replicas {
			Eventually(r.Member).Should(BeTrue())
		}
		Eventually(func(g Gomega) {
			_, err := replicas[1].ReadIndex(ctx, tenantOfTest)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(replicas[1].metric("kubescim_barrier_promised_reads_total")).To(BeNumerically(">", 0))
		}).Should(Succeed())
		line.set(false, true)
		replicas[0].log.acknowledge(1 << 40)
		soon, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		Expect(replicas[0].Disclose(soon, tenantOfTest)).To(MatchError(context.DeadlineExceeded))
		Expect(users(ctx, replicas[1])).To(BeNumerically("<", 1<<40), "it does not know, and nobody was told")
		Expect(replicas[0].Disclose(ctx, tenantOfTest)).To(Succeed())
		_, err := replicas[1].ReadIndex(ctx, tenantOfTest)
		Expect(err).To(HaveOccurred(), "what it was promised has ended")

		line.set(true, false) // What was swallowed cannot be mended.
		line.set(false, false)
		answered(ctx, replicas[0]) // It does not promise anything by that.
		replicas[0].log.acknowledge(1 << 41)
		began := time.Now()
		Expect(replicas[0].Disclose(ctx, tenantOfTest)).To(Succeed())
		Expect(time.Since(began)).To(BeNumerically("<", 50*time.Millisecond))
	})
})
