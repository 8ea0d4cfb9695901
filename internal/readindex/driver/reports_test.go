package driver_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/ratelimit"
)

// countedConn counts what is written to it.
type countedConn struct {
	net.Conn
	written *atomic.Int64
}

// Write implements net.Conn.
func (c *countedConn) Write(p []byte) (int, error) {
	c.written.Add(1)
	return c.Conn.Write(p)
}

var _ = Describe("Replicas that bound a rate together", func() {
	limits := ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: 1, Burst: 300}}
	// spend makes a replica let so much through that it and whoever hears of it must wait for
	// minutes, unless it has just heard of another one.
	spend := func(r *replica) {
		now := time.Now()
		r.rates.Resize(ratelimit.Limits{}, now)
		r.rates.Resize(limits, now)
		if r.rates.Admit(ratelimit.Key{}, true, now).Wait == 0 {
			r.rates.AdmitOperations(ratelimit.Key{}, 500, now)
		}
	}
	heard := func(r *replica) bool { return r.rates.Admit(ratelimit.Key{}, false, time.Now()).Wait > time.Minute }

	It("charge what each of the others lets through", func(ctx SpecContext) {
		w := newWorld(ctx, patient)
		replicas := w.startAll(3)
		answered(ctx, replicas...)
		for _, spender := range replicas {
			for _, r := range replicas {
				r.rates.Resize(ratelimit.Limits{}, time.Now())
				r.rates.Resize(limits, time.Now())
			}
			Eventually(func() bool {
				spend(spender)
				return heard(replicas[0]) && heard(replicas[1]) && heard(replicas[2])
			}).WithPolling(300*time.Millisecond).Should(BeTrue(), spender.name)
		}
	})

	It("let through together about what one of them would", func(ctx SpecContext) {
		const perSecond, seconds = 100, 5
		w := newWorld(ctx, patient)
		replicas := w.startAll(3)
		answered(ctx, replicas...)
		for _, r := range replicas {
			r.rates.Resize(ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: perSecond, Burst: perSecond}}, time.Now())
		}
		// rush sends more than may be for some seconds, and returns how much was let through.
		rush := func() int {
			var through atomic.Int64
			var sending sync.WaitGroup
			until := time.Now().Add(seconds * time.Second)
			for i := range 6 {
				sending.Go(func() {
					for now := time.Now(); now.Before(until); now = time.Now() {
						if replicas[i%3].rates.Admit(ratelimit.Key{}, false, now).Wait == 0 {
							through.Add(1)
						}
						time.Sleep(time.Millisecond)
					}
				})
			}
			sending.Wait()
			return int(through.Load())
		}
		rush() // The burst is used up then.
		through := rush()
		AddReportEntry("let through", fmt.Sprintf("%d in %d s, of %d a second", through, seconds, perSecond))
		Expect(through).To(And(BeNumerically(">=", seconds*perSecond/2), BeNumerically("<=", 2*seconds*perSecond)))
	})

	It("tell each other a few times a second, however many requests there are", func(ctx SpecContext) {
		const seconds = 2
		w := newWorld(ctx, patient)
		busy, err := w.newReplica("acme-scim-9")
		Expect(err).NotTo(HaveOccurred())
		var written atomic.Int64
		dial := dialFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return &countedConn{Conn: conn, written: &written}, err
		})
		busy.dialer.Store(&dial)
		busy.run()
		DeferCleanup(busy.leave)
		answered(ctx, append(w.startAll(1), busy)...)
		written.Store(0)
		for until := time.Now().Add(seconds * time.Second); time.Now().Before(until); time.Sleep(time.Microsecond) {
			Expect(busy.rates.Admit(ratelimit.Key{}, false, time.Now())).To(BeZero())
		}
		const beats, reports = 10, 5 // a second
		Expect(written.Load()).To(And(BeNumerically(">", 0), BeNumerically("<=", 2*seconds*(beats+reports))))
	})

	It("tell none that does not understand it", func(ctx SpecContext) {
		w := newWorld(ctx, patient)
		former, err := w.newReplica("acme-scim-9")
		Expect(err).NotTo(HaveOccurred())
		former.SpeakOnly(2, 1)
		former.run()
		DeferCleanup(former.leave)
		replicas := append(w.startAll(2), former)
		answered(ctx, replicas...)
		former.rates.Resize(limits, time.Now())
		replicas[1].rates.Resize(limits, time.Now())
		Eventually(func() bool {
			spend(replicas[0])
			return heard(replicas[1])
		}).WithPolling(300*time.Millisecond).Should(BeTrue(), "who understands it hears it")
		answered(ctx, replicas...)
		Expect(replicas[0].metric("kubescim_barrier_fallbacks_total")).To(BeZero())
		Expect(former.rates.Admit(ratelimit.Key{}, false, time.Now())).To(BeZero())
	})
})
