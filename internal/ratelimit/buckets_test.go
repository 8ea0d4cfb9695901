package ratelimit_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/ratelimit"
)

var (
	noKey = ratelimit.Key{}
	start = time.Unix(1_800_000_000, 0)
)

// limited returns the buckets of a tenant that has one replica.
func limited(requests, writes ratelimit.Limit) *ratelimit.Buckets {
	b := ratelimit.New()
	b.Resize(ratelimit.Limits{Requests: requests, Writes: writes}, start)
	return b
}

// let returns how many requests are let through at one time, and why the next one is not.
func let(b *ratelimit.Buckets, key ratelimit.Key, writes bool, now time.Time) (count int, why ratelimit.Refusal) {
	for count < 1_000_000 {
		if why = b.Admit(key, writes, now); why.Wait > 0 {
			return count, why
		}
		count++
	}
	return count, why
}

func TestAdmit(t *testing.T) {
	for name, test := range map[string]struct {
		tenant, key ratelimit.Limits
		writes      bool
		let         int
		why         ratelimit.Refusal
	}{
		"requests": {
			tenant: ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: 10, Burst: 20}},
			let:    20, why: ratelimit.Refusal{Limit: ratelimit.TenantRequests, PerSecond: 10, Wait: time.Second},
		},
		"writes": {
			tenant: ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: 10, Burst: 20}, Writes: ratelimit.Limit{PerSecond: 3, Burst: 6}}, writes: true,
			let: 6, why: ratelimit.Refusal{Limit: ratelimit.TenantWrites, PerSecond: 3, Wait: time.Second},
		},
		"reads where writes are limited": {
			tenant: ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: 10, Burst: 20}, Writes: ratelimit.Limit{PerSecond: 3, Burst: 6}},
			let:    20, why: ratelimit.Refusal{Limit: ratelimit.TenantRequests, PerSecond: 10, Wait: time.Second},
		},
		"of the key": {
			tenant: ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: 10, Burst: 20}}, key: ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: 2, Burst: 4}},
			let: 4, why: ratelimit.Refusal{Limit: ratelimit.KeyRequests, PerSecond: 2, Wait: time.Second},
		},
		"writes of the key": {
			key: ratelimit.Limits{Writes: ratelimit.Limit{PerSecond: 2, Burst: 4}}, writes: true,
			let: 4, why: ratelimit.Refusal{Limit: ratelimit.KeyWrites, PerSecond: 2, Wait: time.Second},
		},
		"of the tenant before those of the key": {
			tenant: ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: 2, Burst: 4}}, key: ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: 20, Burst: 40}},
			let: 4, why: ratelimit.Refusal{Limit: ratelimit.TenantRequests, PerSecond: 2, Wait: time.Second},
		},
		"none": {let: 1_000_000},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			b, key := limited(test.tenant.Requests, test.tenant.Writes), ratelimit.Key{}
			if test.key != (ratelimit.Limits{}) {
				key = ratelimit.Key{Name: "acme-okta", Limits: test.key}
			}
			if key != noKey {
				b.Keep([]ratelimit.Key{key}, start)
			}
			count, why := let(b, key, test.writes, start)
			g.Expect(count).To(Equal(test.let))
			g.Expect(why).To(Equal(test.why))
			if why.Wait > 0 {
				g.Expect(b.Admit(key, test.writes, start.Add(why.Wait))).To(BeZero(), "it was true when to come again")
			}
		})
	}
}

// What is refused counts nothing, in no bucket.
func TestRefusalsCountNothing(t *testing.T) {
	g := NewWithT(t)
	b := limited(ratelimit.Limit{PerSecond: 1, Burst: 10}, ratelimit.Limit{})
	key := ratelimit.Key{Name: "acme-okta", Limits: ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: 1, Burst: 2}}}
	b.Keep([]ratelimit.Key{key}, start)
	for range 100 {
		b.Admit(key, false, start)
	}
	count, _ := let(b, noKey, false, start)
	g.Expect(count).To(Equal(8))
}

func TestBulk(t *testing.T) {
	g := NewWithT(t)
	b := limited(ratelimit.Limit{PerSecond: 1000, Burst: 2000}, ratelimit.Limit{PerSecond: 10, Burst: 20})
	g.Expect(b.Admit(noKey, true, start)).To(BeZero())
	g.Expect(b.Admit(noKey, true, start)).To(BeZero())
	g.Expect(b.AdmitOperations(noKey, 500, start)).To(BeZero(), "it goes below zero")
	why := b.AdmitOperations(noKey, 2, start)
	g.Expect(why).To(Equal(ratelimit.Refusal{Limit: ratelimit.TenantWrites, PerSecond: 10, Wait: 49 * time.Second}), "others wait for it")
	g.Expect(b.AdmitOperations(noKey, 1, start)).To(BeZero(), "one operation is no more than the request itself")
	g.Expect(b.Admit(noKey, true, start)).To(Equal(why))
	g.Expect(b.Admit(noKey, false, start)).To(BeZero(), "reads go on")
	g.Expect(b.Admit(noKey, true, start.Add(why.Wait-2*time.Second))).NotTo(BeZero())
	g.Expect(b.Admit(noKey, true, start.Add(why.Wait))).To(BeZero())
}

func TestResize(t *testing.T) {
	g := NewWithT(t)
	b := limited(ratelimit.Limit{PerSecond: 1, Burst: 2}, ratelimit.Limit{})
	let(b, noKey, false, start)
	b.Resize(ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: 100, Burst: 200}}, start)
	count, _ := let(b, noKey, false, start)
	g.Expect(count).To(Equal(198), "who has waited for a higher limit waits no more")
	b.Resize(ratelimit.Limits{}, start)
	g.Expect(b.Admit(noKey, false, start)).To(BeZero(), "there is no limit")
	b.Resize(ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: 1, Burst: 2}}, start)
	count, why := let(b, noKey, false, start)
	g.Expect(count).To(Equal(2))
	g.Expect(why.Wait).To(Equal(time.Second))
}

// A key that is gone takes what it had used with it, and another one of its name has not
// used anything.
func TestKeep(t *testing.T) {
	g := NewWithT(t)
	b := ratelimit.New()
	key := ratelimit.Key{Name: "acme-okta", Limits: ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: 1, Burst: 2}}}
	b.Keep([]ratelimit.Key{key}, start)
	let(b, key, false, start)
	b.Keep([]ratelimit.Key{key}, start)
	g.Expect(b.Admit(key, false, start)).NotTo(BeZero())
	b.Keep(nil, start)
	b.Keep([]ratelimit.Key{key}, start)
	g.Expect(b.Admit(key, false, start)).To(BeZero())
}

// A peer that reports what cannot be keeps the others from answering for a while, and no
// longer; and what it reports of keys that there are not takes no memory.
func TestChargeOfWhoLies(t *testing.T) {
	g := NewWithT(t)
	b := limited(ratelimit.Limit{PerSecond: 1000, Burst: 2000}, ratelimit.Limit{})
	peer := b.Charger()
	for number := range byte(10) {
		head := append(bytes.Repeat([]byte{1}, 15), 2*number)
		g.Expect(peer.Charge(slices.Concat(head, make([]byte, 8), bytes.Repeat([]byte{0xff}, 8)), start)).To(Succeed())
		head[15]++
		g.Expect(peer.Charge(append(head, bytes.Repeat([]byte{0xff}, 160)...), start)).To(Succeed())
	}
	g.Expect(b.Admit(noKey, false, start).Wait).To(BeNumerically("~", 51*time.Second, time.Second))
	for _, size := range []int{0, 15, 17, 31, 33} {
		g.Expect(peer.Charge(make([]byte, size), start)).NotTo(Succeed(), "%d bytes", size)
	}
}

// Reports are of what was used since the last one, each is the same until it is confirmed, and
// nothing is reported when nothing was used.
func TestReport(t *testing.T) {
	g := NewWithT(t)
	b := limited(ratelimit.Limit{PerSecond: 1, Burst: 16}, ratelimit.Limit{})
	b.Admit(noKey, false, start)
	r := b.Reporter(start)
	g.Expect(r.Report(nil, start)).To(BeEmpty(), "it was used before")
	b.Admit(noKey, true, start)
	first := r.Report(nil, start)
	g.Expect(first[8:]).To(Equal([]byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}))
	b.Admit(noKey, false, start)
	g.Expect(r.Report(nil, start)).To(Equal(first), "it was not confirmed")
	r.Confirm()
	second := r.Report(nil, start)
	g.Expect(second[:8]).To(Equal(first[:8]))
	g.Expect(second[8:]).To(Equal([]byte{0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}))
	r.Confirm()
	g.Expect(r.Report(nil, start)).To(BeEmpty())
}

// What is still under way with the limits that a key had before neither brings those back, nor
// counts as if they had been raised once more.
func TestLimitsOfBefore(t *testing.T) {
	g := NewWithT(t)
	b := ratelimit.New()
	limits := func(perSecond int32) ratelimit.Key {
		return ratelimit.Key{Name: "acme-okta", Limits: ratelimit.Limits{Requests: ratelimit.Limit{PerSecond: perSecond, Burst: 100 * perSecond}}}
	}
	before, now := limits(1), limits(10)
	b.Keep([]ratelimit.Key{before}, start)
	g.Expect(b.Admit(before, true, start)).To(BeZero())
	b.Keep([]ratelimit.Key{now}, start)
	count, _ := let(b, now, false, start)
	g.Expect(count).To(Equal(999))
	for range 10 {
		b.Admit(before, true, start)
		g.Expect(b.Admit(now, false, start)).NotTo(BeZero())
	}
	b.Keep(nil, start)
	b.Admit(now, true, start)
	b.Keep([]ratelimit.Key{now}, start)
	g.Expect(b.Admit(now, false, start)).To(BeZero(), "another key of the name has not used anything")
}

// BenchmarkAdmit is what a request costs with a tenant's limits and with those of its key.
func BenchmarkAdmit(b *testing.B) {
	limit := ratelimit.Limit{PerSecond: 1 << 30, Burst: 1 << 30}
	key := ratelimit.Key{Name: "acme-okta", Limits: ratelimit.Limits{Requests: limit, Writes: limit}}
	for name, sent := range map[string]ratelimit.Key{"tenant": noKey, "tenant and key": key} {
		b.Run(name, func(b *testing.B) {
			buckets := limited(limit, limit)
			buckets.Keep([]ratelimit.Key{key}, time.Now())
			b.ReportAllocs()
			for b.Loop() {
				if buckets.Admit(sent, true, time.Now()).Wait > 0 {
					b.Fatal("refused")
				}
			}
		})
	}
}
