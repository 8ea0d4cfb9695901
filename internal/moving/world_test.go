package moving_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/moving"
	"github.com/kubescim/kubescim/internal/simulation"
)

const (
	// leaseDuration is for how long a Lease counts that is not renewed, and countedOn for how
	// long its holder counts on it.
	leaseDuration = 15 * time.Second
	countedOn     = 10 * time.Second
	renewal       = 5 * time.Second
	// routed is how long it takes at most until all that lead traffic know where to.
	routed = 12 * time.Second
)

// world is a tenant, its servers, those who call it and the operator, in one goroutine. Time is a
// number that goes from one thing that happens to the next.
type world struct {
	random   *rand.Rand
	timeline simulation.Timeline

	// tenant is the ScimTenant at the API server.
	tenant tenant
	// leases are those of replicas, by their names.
	leases map[string]lease
	// committed is the revision of what was written last, and acknowledged the highest one that a
	// client has seen or written.
	committed, acknowledged int
	// marks are what the replicas of each server have acknowledged: replicas of one server know
	// it of each other.
	marks map[string]int
	// claims are the ports that the tenant has claimed at servers, and lastPort is the last one.
	claims   map[string]int32
	lastPort int32
	// traffic is where the traffic is led to, and since when; before is where it was led before.
	traffic, before place
	since           time.Duration

	replicas []*replica
	started  int
	operator operator
	// obstructed is true while the target cannot be moved to.
	obstructed bool

	// reads, writes and lists count those that were answered, and the changes of the list.
	reads, writes, lists int
	// wrong is the first violation of what is to hold.
	wrong error
	say   func(format string, args ...any)
	// delay is how long something takes.
	delay func(most time.Duration) time.Duration
}

// tenant is a version of a ScimTenant.
type tenant struct {
	version int
	target  string
	servers []moving.Server
}

// place is a server, and the port there; 0 for that of all.
type place struct {
	server string
	port   int32
}

// lease is what a Lease says.
type lease struct {
	server  string
	renewed time.Duration
	// states is the version of the tenant that its replica goes by; 0 for none.
	states int
}

// newWorld returns a world in which the tenant is served by one server. Without a source of random
// numbers, everything takes a millisecond.
func newWorld(random *rand.Rand, server string) *world {
	w := &world{
		random: random, leases: map[string]lease{}, marks: map[string]int{}, claims: map[string]int32{}, lastPort: contract.FirstTenantPort - 1,
	}
	w.traffic = place{server: server, port: w.claim(server)}
	w.before = w.traffic
	w.tenant = tenant{version: 1, target: server, servers: []moving.Server{{Name: server, Mode: scimv1alpha1.HostingModeMemory, Port: w.traffic.port}}}
	w.say = func(string, ...any) {}
	w.delay = func(time.Duration) time.Duration { return time.Millisecond }
	if random != nil {
		w.delay = w.randomDelay
	}
	w.operator.world = w
	return w
}

// randomDelay is short as a rule, and now and then as long as it may be.
func (w *world) randomDelay(most time.Duration) time.Duration {
	if w.random.IntN(4) > 0 {
		most = min(most, 20*time.Millisecond)
	}
	return w.between(0, most)
}

func (w *world) between(least, most time.Duration) time.Duration {
	return least + time.Duration(w.random.Int64N(int64(most-least)+1))
}

// claim returns the port that the tenant has at a server; 0 at its own.
func (w *world) claim(server string) int32 {
	if server == "own" {
		return 0
	}
	if w.claims[server] == 0 {
		w.lastPort++
		w.claims[server] = w.lastPort
	}
	return w.claims[server]
}

// change writes the ScimTenant.
func (w *world) change(write func(*tenant)) {
	w.tenant.servers = slices.Clone(w.tenant.servers)
	write(&w.tenant)
	w.tenant.version++
	for _, r := range w.replicas {
		r.watch(w.tenant)
	}
}

// aim changes which server the tenant is to have.
func (w *world) aim(target string) {
	w.say("the tenant is to be at %s", target)
	w.change(func(t *tenant) { t.target = target })
}

// routes returns where somebody sends a request who has not a connection.
func (w *world) routes() place {
	if w.random != nil && w.timeline.Now()-w.since < routed && w.random.IntN(2) == 0 {
		return w.before
	}
	return w.traffic
}

// check looks for a replica that serves the tenant while one of another server reads from memory.
func (w *world) check() {
	for _, reading := range w.replicas {
		if !reading.remembers() || !reading.member() {
			continue
		}
		for _, other := range w.replicas {
			if other.server != reading.server && other.mode != off && other.member() {
				w.violated("%v serves the tenant while %v reads from memory", other, reading)
			}
		}
	}
}

func (w *world) violated(format string, args ...any) {
	if w.wrong == nil {
		w.wrong = fmt.Errorf("at %v: "+format, append([]any{w.timeline.Now().Round(time.Millisecond)}, args...)...)
	}
}

// after does something later.
func (w *world) after(pause time.Duration, do func()) { w.timeline.After(pause, do) }

// run lets time pass, as long as nothing is wrong.
func (w *world) run(d time.Duration) {
	if w.wrong != nil {
		return
	}
	w.timeline.Run(d, func() bool {
		w.check()
		return w.wrong == nil
	})
}
