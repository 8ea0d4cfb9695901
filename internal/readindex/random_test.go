package readindex_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/kubescim/kubescim/internal/readindex"
)

var (
	firstSeed = flag.Uint64("seed", 1, "the first seed of TestRandomInterleavings")
	seeds     = flag.Uint64("seeds", 40, "how many seeds TestRandomInterleavings runs")
	verbose   = flag.Bool("say", false, "print what happens in TestRandomInterleavings")
)

// TestRandomInterleavings lets replicas come, leave, crash, stop and be cut off, with clocks
// of different rates, while clients read and write, and checks that no reader ever misses
// what was acknowledged before it came. A failure names its seed: run it again with
// -seed N -seeds 1 -say.
func TestRandomInterleavings(t *testing.T) {
	var steps, reads, promised, fallbacks, members, orders int
	began := time.Now()
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		s := newStory(seed)
		w := s.world
		if *verbose {
			w.say = func(format string, args ...any) {
				t.Logf("%12v %s", w.timeline.Now().Round(time.Microsecond), fmt.Sprintf(format, args...))
			}
		}
		s.play(time.Minute)
		if w.wrong != nil {
			t.Fatalf("seed %d: %v", seed, w.wrong)
		}
		steps, reads, fallbacks, members = steps+w.steps, reads+w.reads, fallbacks+w.fallbacks, members+s.settled
		promised, orders = promised+w.promised, orders+w.tenants.acknowledged
	}
	t.Logf("%d steps (%.0f a second), %d reads from memory, %d of them without a message, and %d at the API server, %d seeds settled, %d changes of what replicas go by",
		steps, float64(steps)/time.Since(began).Seconds(), reads, promised, fallbacks, members, orders)
	if reads < fallbacks {
		t.Error("most reads should be from memory: the test would find little")
	}
}

// story is what happens to a world by chance.
type story struct {
	*world
	pods int
	mood
	// hushed is until when clients ask nothing.
	hushed  time.Duration
	settled int
}

// mood is what kind of story it is.
type mood struct {
	// restores is true if etcd may be restored, and older the protocol of some replicas, which
	// are of an earlier release.
	restores bool
	older    int
	// idle is true if clients often ask nothing while something is wrong, so that what a
	// replica knows it knows from others.
	idle bool
	// few is true if there are often none or one replica.
	few bool
}

// newStory returns a story whose mood depends on the seed.
func newStory(seed uint64) *story {
	w := newWorld(rand.New(rand.NewPCG(seed, 0)))
	s := &story{world: w, mood: mood{restores: w.chance(4), older: newest, idle: w.chance(2), few: w.chance(3)}}
	switch {
	case w.chance(6):
		s.older = 3
	case w.chance(6) && !s.restores:
		s.older = 1
	}
	w.api.slow, w.extreme = w.chance(2), w.chance(2)
	return s
}

func (s *story) play(d time.Duration) {
	// A process that ends because there is another one is started again.
	s.ended = func(r *replica) { s.after(s.between(0, 3*time.Second), func() { s.process(r.name, r.uid) }) }
	for range 3 {
		s.after(s.between(0, 2*time.Second), func() { s.newPod() })
	}
	s.operate()
	s.trouble()
	s.run(d)
	if s.wrong != nil {
		return
	}
	s.settle()
}

// settle heals everything, and checks that all become members then and read from memory.
func (s *story) settle() {
	s.api.away = false
	clear(s.broken)
	for _, r := range s.living() {
		r.refused = false
		r.resume()
	}
	s.quiet, s.delay = true, func() time.Duration { return s.between(0, time.Millisecond) }
	s.run(30 * time.Second)
	vain := s.vain
	s.run(30 * time.Second)
	if s.vain > vain {
		s.violated("%d reads waited for revisions that are none, although nothing is wrong", s.vain-vain)
	}
	for _, r := range s.living() {
		switch {
		case s.wrong != nil || r.leaving || s.shadowed(r):
		case !r.member():
			s.violated("%v is no member, although nothing is wrong", r)
		case r.view.Blocked != nil:
			s.violated("%v cannot read from memory, although nothing is wrong: %w", r, r.view.Blocked)
		}
	}
	s.settled++
}

// shadowed reports whether another pod of the same name lives.
func (s *story) shadowed(r *replica) bool {
	for _, other := range s.living() {
		if other != r && other.name == r.name {
			return true
		}
	}
	return false
}

// newPod starts a replica in a new pod, with clients.
func (s *story) newPod() *replica {
	s.pods++
	name := fmt.Sprintf("acme-scim-%d", s.random.IntN(8))
	if s.named(name) != nil && !s.chance(10) {
		name = fmt.Sprintf("acme-scim-x%d", s.pods)
	}
	return s.process(name, "uid-"+strconv.Itoa(s.pods))
}

func (s *story) named(name string) *replica {
	for _, r := range s.living() {
		if r.name == name {
			return r
		}
	}
	return nil
}

func (s *story) process(name, uid string) *replica {
	r := s.start(name, uid)
	if s.chance(2) {
		r.protocol = s.older
	}
	s.say("%v starts", r)
	s.client(r)
	s.watchTenants(r)
	return r
}

// client reads and writes at a replica now and then.
func (s *story) client(r *replica) {
	pause := s.between(0, 100*time.Millisecond) + max(0, s.hushed-s.timeline.Now())
	r.after(pause, func() {
		tenant := []readindex.Tenant{acme, globex}[s.random.IntN(2)]
		switch {
		case s.timeline.Now() < s.hushed:
		case s.chance(4):
			r.write(tenant, func(uint64, bool) {})
		case s.chance(6):
			r.event(tenant)
		default:
			r.read(tenant, func(uint64, error) {})
		}
		s.client(r)
	})
}

// trouble makes something happen, and something else later.
func (s *story) trouble() {
	s.after(s.between(0, 4*time.Second), func() {
		if s.quiet {
			return
		}
		s.happen()
		s.trouble()
	})
}

func (s *story) happen() {
	living := s.living()
	least := 2
	if s.few {
		least = 0
	}
	if len(living) <= least || len(living) < 5 && s.chance(6) {
		s.newPod()
		return
	}
	r := living[s.random.IntN(len(living))]
	other := living[s.random.IntN(len(living))]
	long := s.between(0, 25*time.Second)
	if s.idle && s.chance(2) {
		s.hushed = s.timeline.Now() + s.between(0, 40*time.Second)
	}
	switch s.random.IntN(12) {
	case 0:
		s.say("%v crashes", r)
		r.crash()
	case 1:
		s.say("%v crashes, and its pod goes on", r)
		r.crash()
		s.after(s.between(0, 3*time.Second), func() { s.process(r.name, r.uid) })
	case 2:
		s.say("%v leaves", r)
		r.leave(func() { s.say("%v has left", r) })
	case 3:
		s.say("%v stops for %v", r, long)
		r.paused = true
		s.after(long, func() {
			s.say("%v goes on", r)
			r.resume()
		})
	case 4, 5, 6:
		if r != other {
			s.breakBetween(r, other, long)
		}
	case 7:
		s.say("the API server refuses %v for %v", r, long)
		r.refused = true
		s.after(long, func() { r.refused = false })
	case 8:
		if s.chance(3) {
			s.say("the API server is away for %v", long)
			s.api.away = true
			s.after(long, func() { s.api.away = false })
		}
	case 9:
		s.restore()
	case 10, 11:
		if s.chance(2) { // About as long as the others wait.
			long = s.between(12*time.Second, 22*time.Second)
		}
		s.say("%v is cut off from all for %v", r, long)
		s.cutOff(r, long)
	}
}

// cutOff cuts a replica off from the others, and from the API server a little later.
func (s *story) cutOff(r *replica, long time.Duration) {
	s.after(min(s.between(0, 6*time.Second), long/2), func() { r.refused = !s.quiet })
	s.after(long, func() { r.refused = false })
	for _, other := range s.living() {
		if other != r {
			s.breakBetween(r, other, long)
		}
	}
}

func (s *story) breakBetween(one, other *replica, long time.Duration) {
	f := cut
	if s.chance(3) {
		f = silent
	}
	if s.chance(4) {
		long *= 3
	}
	s.say("between %v and %v: fault %v for %v", one, other, f, long)
	s.set(one, other, f)
	s.after(long, func() { s.set(one, other, 0) })
}

// restore makes a backup, and restores etcd from it later, once. More is written in between
// than afterwards.
func (s *story) restore() {
	if !s.restores || s.api.history > 0 || s.api.backup != nil {
		return
	}
	s.say("a backup is made")
	s.api.backUp()
	s.api.revision += 1e6
	s.after(s.between(0, 30*time.Second), func() {
		if !s.noticeable() {
			s.api.backup = nil
			return
		}
		s.say("etcd is restored")
		s.api.restore()
	})
}

// noticeable reports whether every replica would notice by its Lease that etcd was
// restored: the backup has an older state of it.
func (s *story) noticeable() bool {
	for _, r := range s.living() {
		now, is := s.api.leases[r.name]
		then, was := s.api.backup.leases[r.name]
		if !is || !was || then.contact != r.contact() || now.contact != r.contact() || then.revision == now.revision {
			return false
		}
	}
	return true
}
