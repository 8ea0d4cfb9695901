package ratelimit_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/ratelimit"
)

// How the simulated replicas report, as package driver does.
const (
	every   = 200 * time.Millisecond
	spacing = 10 * time.Millisecond
	step    = 2 * time.Millisecond
)

// world is the replicas of a tenant, in a time that only it lets go on.
type world struct {
	now      time.Time
	random   *rand.Rand
	replicas []*replica
	// losing is which part of the reports is lost, and unconfirmed which part of their
	// confirmations.
	losing, unconfirmed float64
	// parted is true while no replica reaches another one.
	parted bool
	onWay  []report
}

// replica is one replica, and when it has reported last.
type replica struct {
	*ratelimit.Buckets
	reporters []*ratelimit.Reporter // by peer; nil for itself
	chargers  []*ratelimit.Charger  // by peer
	sent      time.Time
	due       bool
}

// report is one that is on its way.
type report struct {
	to      *ratelimit.Charger
	content []byte
	arrives time.Time
}

func newWorld(replicas int, limits ratelimit.Limits) *world {
	w := &world{now: time.Unix(1_800_000_000, 0), random: rand.New(rand.NewPCG(1, uint64(replicas)))}
	for range replicas {
		one := &replica{Buckets: ratelimit.New(), sent: w.now.Add(-time.Duration(w.random.Int64N(int64(every))))}
		one.Resize(limits, w.now)
		one.Among(replicas)
		w.replicas = append(w.replicas, one)
	}
	for i, one := range w.replicas {
		one.reporters, one.chargers = make([]*ratelimit.Reporter, replicas), make([]*ratelimit.Charger, replicas)
		for j := range w.replicas {
			if j != i {
				one.reporters[j], one.chargers[j] = one.Reporter(w.now), one.Charger()
			}
		}
	}
	return w
}

// pass lets time go by, with what replicas tell each other in it.
func (w *world) pass(g *WithT) {
	w.now = w.now.Add(step)
	var later []report
	for _, r := range w.onWay {
		if w.now.Before(r.arrives) {
			later = append(later, r)
			continue
		}
		g.Expect(r.to.Charge(r.content, w.now)).To(Succeed())
	}
	w.onWay = later
	for _, one := range w.replicas {
		select {
		case <-one.Due():
			one.due = true
		default:
		}
		if since := w.now.Sub(one.sent); since >= every || one.due && since >= spacing {
			one.sent, one.due = w.now, false
			w.send(one)
		}
	}
}

func (w *world) send(from *replica) {
	at := slices.Index(w.replicas, from)
	for peer, reporter := range from.reporters {
		if reporter == nil || w.parted {
			continue
		}
		content := reporter.Report(nil, w.now)
		if len(content) == 0 || w.random.Float64() < w.losing {
			continue
		}
		if w.random.Float64() >= w.unconfirmed {
			reporter.Confirm()
		}
		travels := time.Duration(w.random.Int64N(int64(5 * time.Millisecond)))
		w.onWay = append(w.onWay, report{to: w.replicas[peer].chargers[at], content: content, arrives: w.now.Add(travels)})
	}
}

// flood sends more than may be sent for so long, to all replicas or to one, and returns how
// much was let through in each second.
func (w *world) flood(g *WithT, connections int, seconds int) (let []int) {
	for range seconds {
		count := 0
		for range time.Second / step {
			for i := range connections {
				if w.replicas[i%len(w.replicas)].Admit(ratelimit.Key{}, true, w.now).Wait == 0 {
					count++
				}
			}
			w.pass(g)
		}
		let = append(let, count)
	}
	return let
}

func sum(counts []int) (total int) {
	for _, count := range counts {
		total += count
	}
	return total
}

// However many replicas and connections there are, and with reports that are lost, what all
// let through together is between half the limit and twice, from the first second.
func TestReplicasTogether(t *testing.T) {
	for name, test := range map[string]struct {
		replicas, connections int
		rate                  int32
		losing                float64
	}{
		"one replica":                           {1, 20, 300, 0},
		"two, one connection":                   {2, 1, 300, 0},
		"three, one connection":                 {3, 1, 20, 0},
		"three, many connections":               {3, 20, 300, 0},
		"three, many connections, few a second": {3, 20, 5, 0},
		"three, one in five reports is lost":    {3, 20, 300, 0.2},
		"twenty, one connection":                {20, 1, 5, 0},
		"twenty, many connections":              {20, 20, 20, 0},
		"twenty, one in five reports is lost":   {20, 20, 20, 0.2},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			w := newWorld(test.replicas, ratelimit.Limits{Writes: ratelimit.Limit{PerSecond: test.rate, Burst: 2 * test.rate}})
			w.losing = test.losing
			let := w.flood(g, test.connections, 12)
			for from := range 3 {
				total := sum(let[from : from+10])
				g.Expect(total).To(And(BeNumerically(">=", 10*test.rate/2), BeNumerically("<=", 2*10*test.rate)), "%v", let)
			}
		})
	}
}

// Replicas that cannot reach each other have the whole rate each. Once they can again, nobody
// waits for what was used before.
func TestReplicasApart(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(3, ratelimit.Limits{Writes: ratelimit.Limit{PerSecond: 20, Burst: 40}})
	w.parted = true
	w.flood(g, 6, 20)
	g.Expect(sum(w.flood(g, 6, 10))).To(BeNumerically("~", 3*10*20, 10))
	w.parted = false
	g.Expect(sum(w.flood(g, 6, 10))).To(BeNumerically("~", 10*20, 60))
}

// drain returns how much one replica lets through in a short time.
func (w *world) drain(g *WithT, from *replica, key ratelimit.Key) (let int) {
	for range 100 {
		for from.Admit(key, true, w.now).Wait == 0 {
			let++
		}
		w.pass(g)
	}
	return let
}

// A connection that breaks for a moment loses nothing.
func TestShortBreak(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(2, ratelimit.Limits{Writes: ratelimit.Limit{PerSecond: 1, Burst: 100}})
	w.parted = true
	for range 40 {
		g.Expect(w.replicas[0].Admit(ratelimit.Key{}, true, w.now)).To(BeZero())
		for range 25 {
			w.pass(g)
		}
	}
	w.parted = false
	for range time.Second / step {
		w.pass(g)
	}
	g.Expect(w.drain(g, w.replicas[1], ratelimit.Key{})).To(BeNumerically("~", 100-40, 5))
}

// A peer that charges what it is told, and whose confirmations come too late or are lost, is
// told again, and charges it once. What it was not told for too long, it is not charged when
// its confirmations come again.
func TestConfirmationsLost(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(2, ratelimit.Limits{Writes: ratelimit.Limit{PerSecond: 100, Burst: 1000}})
	w.unconfirmed = 1
	send := func(perStep int, pause time.Duration) {
		for range pause / step {
			for range perStep {
				g.Expect(w.replicas[0].Admit(ratelimit.Key{}, true, w.now)).To(BeZero())
			}
			w.pass(g)
		}
	}
	send(1, 600*time.Millisecond)
	send(0, 3*time.Second)
	g.Expect(w.drain(g, w.replicas[1], ratelimit.Key{})).To(BeNumerically("~", 1000, 20), "the 300 came again meanwhile")
	w = newWorld(2, ratelimit.Limits{Writes: ratelimit.Limit{PerSecond: 500, Burst: 1000}})
	w.unconfirmed = 1
	send(1, 30*time.Second)
	w.unconfirmed = 0
	send(0, time.Second)
	g.Expect(w.replicas[1].Admit(ratelimit.Key{}, true, w.now).Wait).To(BeNumerically("<=", 5*time.Second))
}

// Bulk requests are charged to all replicas, and those that come to another one wait.
func TestBulkRequestsTogether(t *testing.T) {
	g := NewWithT(t)
	const operations = 500
	w := newWorld(3, ratelimit.Limits{Writes: ratelimit.Limit{PerSecond: 100, Burst: 200}})
	done := 0
	for range 40 * time.Second / step {
		for _, one := range w.replicas {
			if one.Admit(ratelimit.Key{}, true, w.now).Wait == 0 && one.AdmitOperations(ratelimit.Key{}, operations, w.now).Wait == 0 {
				done += operations
			}
		}
		w.pass(g)
	}
	g.Expect(done).To(And(BeNumerically(">=", 40*100/2), BeNumerically("<=", 2*40*100)))
}

// Of many keys, what does not fit into one report is in the next.
func TestManyKeys(t *testing.T) {
	g := NewWithT(t)
	w := newWorld(2, ratelimit.Limits{})
	var keys []ratelimit.Key
	for i := range 100 {
		keys = append(keys, ratelimit.Key{Name: fmt.Sprint("key-", i), Limits: ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: 1, Burst: 100}}})
	}
	for _, one := range w.replicas {
		one.Keep(keys, w.now)
	}
	for _, key := range keys {
		for range 50 {
			g.Expect(w.replicas[0].Admit(key, true, w.now)).To(BeZero())
		}
	}
	for range 3 * time.Second / step {
		w.pass(g)
	}
	for _, key := range keys[:10] {
		g.Expect(w.drain(g, w.replicas[1], key)).To(BeNumerically("~", 50, 8), key.Name)
	}
}

// Replicas report what they let through for all tenants of a process, and charge each its own.
func TestTenantsOfAProcessAreCountedApart(t *testing.T) {
	g, now := NewWithT(t), start
	limits := ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: 1, Burst: 10}}
	one, other := ratelimit.New(), ratelimit.New()
	buckets := map[string][2]*ratelimit.Buckets{}
	for _, name := range []string{"acme", "globex"} {
		both := [2]*ratelimit.Buckets{one.For(name), other.For(name)}
		for _, b := range both {
			b.Resize(limits, now)
			b.Keep([]ratelimit.Key{{Name: "okta", Limits: limits}}, now)
		}
		buckets[name] = both
	}
	reporter, charger := one.Reporter(now), other.Charger()
	for range 10 {
		g.Expect(buckets["acme"][0].Admit(ratelimit.Key{Name: "okta"}, false, now)).To(BeZero())
	}
	g.Expect(charger.Charge(reporter.Report(nil, now), now)).To(Succeed())
	reporter.Confirm()
	g.Expect(buckets["acme"][1].Admit(ratelimit.Key{}, false, now).Limit).To(Equal(ratelimit.TenantRequests))
	g.Expect(buckets["globex"][1].Admit(ratelimit.Key{Name: "okta"}, false, now)).To(BeZero())

	buckets["acme"][0].Close()
	buckets["acme"][0].Admit(ratelimit.Key{}, false, now)
	g.Expect(reporter.Report(nil, now)).To(BeEmpty(), "who is gone is reported no more")
}

// Tenants that are sent far less than their limits are reported seldom, and no replica is ever far from what it should know.
func TestLittleUseIsReportedSeldom(t *testing.T) {
	g, now := NewWithT(t), start
	one, other := ratelimit.New(), ratelimit.New()
	of := func(b *ratelimit.Buckets) *ratelimit.Buckets {
		b.Among(3)
		b = b.For("acme")
		b.Resize(ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: 1, Burst: 480}}, now)
		return b
	}
	here, there := of(one), of(other)
	reporter, charger := one.Reporter(now), other.Charger()
	reports := 0
	for range 96 {
		g.Expect(here.Admit(ratelimit.Key{}, false, now)).To(BeZero())
		if report := reporter.Report(nil, now); len(report) > 0 {
			reports++
			g.Expect(charger.Charge(report, now)).To(Succeed())
			reporter.Confirm()
		}
	}
	g.Expect(reports).To(Equal(96 / (480 / 16 / 3)))
	left := 0
	for range 200 { // The part of a burst that one replica may use at once comes again 20 times a second.
		now = now.Add(time.Millisecond)
		for there.Admit(ratelimit.Key{}, false, now).Wait == 0 {
			left++
		}
	}
	g.Expect(left).To(BeNumerically("~", 480-96, 480/16))
}
