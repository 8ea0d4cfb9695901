package moving_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

var (
	firstSeed = flag.Uint64("seed", 1, "the first seed of TestRandomInterleavings")
	seeds     = flag.Uint64("seeds", 60, "how many seeds TestRandomInterleavings runs")
	verbose   = flag.Bool("say", false, "print what happens in TestRandomInterleavings")
)

// servers are those that the tenant is moved between: one of its own, and two that are shared.
var servers = []string{"own", "a", "b"}

// TestRandomInterleavings moves a tenant to and fro, and elsewhere in the middle, while replicas
// come, crash, stop and are cut off, the operator is restarted, and clients read and write. It
// checks that the invariant holds, that no reader misses what was acknowledged before it came, and
// that no request is refused; and that the tenant ends where it is to be. A failure names its
// seed: run it again with -seed N -seeds 1 -say.
func TestRandomInterleavings(t *testing.T) {
	var reads, writes, lists int
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		s := newStory(seed)
		if *verbose {
			s.say = func(format string, args ...any) {
				t.Logf("%10v %s", s.timeline.Now().Round(time.Millisecond), fmt.Sprintf(format, args...))
			}
		}
		s.play(8 * time.Minute)
		if s.wrong != nil {
			t.Fatalf("seed %d: %v", seed, s.wrong)
		}
		reads, writes, lists = reads+s.reads, writes+s.writes, lists+s.lists
	}
	t.Logf("%d reads and %d writes during %d steps of moves", reads, writes, lists)
	if perSeed := lists / int(*seeds); perSeed < 10 {
		t.Errorf("a story has %d steps of moves: the test would find little", perSeed)
	}
}

// story is what happens to a world by chance.
type story struct {
	*world
	clients []*client
	over    bool
}

func newStory(seed uint64) *story {
	random := rand.New(rand.NewPCG(seed, 0))
	s := &story{world: newWorld(random, servers[random.IntN(len(servers))])}
	for _, server := range servers {
		for range 1 + random.IntN(2) {
			s.start(server)
		}
	}
	for range 1 + random.IntN(4) {
		s.clients = append(s.clients, s.call(s.between(time.Millisecond, 4*time.Second)))
	}
	s.operator.restart()
	return s
}

func (s *story) play(d time.Duration) {
	s.trouble()
	s.run(d)
	if s.wrong != nil {
		return
	}
	s.over, s.obstructed = true, false
	for _, r := range s.replicas {
		r.occupied = false
		r.listen()
	}
	for _, server := range servers {
		s.start(server)
	}
	for _, r := range s.replicas {
		r.away = false
	}
	s.run(4 * time.Minute)
	if s.wrong == nil && !s.settled() {
		s.violated("the tenant is served by %v, and is to be at %s", listed(s.tenant.servers), s.tenant.target)
	}
}

// trouble makes something happen, and something else later.
func (s *story) trouble() {
	s.after(s.between(0, 8*time.Second), func() {
		if s.over {
			return
		}
		s.happen()
		s.trouble()
	})
}

func (s *story) happen() {
	long := s.between(0, 40*time.Second)
	switch s.random.IntN(12) {
	case 0, 1:
		s.aim(servers[s.random.IntN(len(servers))])
	case 2:
		s.say("the operator is restarted")
		s.operator.restart()
	case 3:
		s.say("the target cannot be moved to for %v", long)
		s.obstructed = true
		s.after(long, func() { s.obstructed = false })
	case 4, 5:
		s.say("%v starts", s.start(servers[s.random.IntN(len(servers))]))
	case 6:
		c := s.clients[s.random.IntN(len(s.clients))]
		c.paused = true
		s.after(long, func() { c.paused = false })
	case 7:
		s.change(func(*tenant) {}) // Somebody changes something else of it.
	case 8:
		s.occupy(long)
	default:
		s.disturb(long)
	}
}

// occupy has somebody else have the ports of a replica for some time. It is one that has none open: a
// port that is lost later fails requests whatever the operator does.
func (s *story) occupy(long time.Duration) {
	r := s.replicas[s.random.IntN(len(s.replicas))]
	if r.port != 0 || !r.joined {
		return
	}
	s.say("somebody else has the ports of %v for %v", r, long)
	r.occupied = true
	s.after(long, func() {
		r.occupied = false
		r.listen()
	})
}

// disturb does something to a replica. Each server keeps one, since a request for which there is
// none fails whatever the operator does.
func (s *story) disturb(long time.Duration) {
	r := s.replicas[s.random.IntN(len(s.replicas))]
	switch s.random.IntN(3) {
	case 0:
		s.say("%v crashes", r)
		r.crash()
		s.start(r.server)
	case 1:
		s.say("%v ends", r)
		s.start(r.server)
		if len(r.requests) == 0 {
			r.stop()
		}
	default:
		s.say("%v is away for %v", r, long)
		r.away = true
		s.after(long, func() {
			s.say("%v is back", r)
			r.away = false
		})
	}
}
