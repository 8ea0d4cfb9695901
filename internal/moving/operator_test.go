package moving_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/moving"
)

// operator goes by Decide, as the reconciler of ScimTenants does. It may be restarted between any
// two things that it does.
type operator struct {
	*world
	// run counts its restarts.
	started int
	// led is to where it has seen the traffic led, and since when.
	led   place
	since time.Duration
	// waits is what it has waited for last.
	waits string
}

// restart starts it, or starts it anew.
func (o *operator) restart() {
	o.started++
	o.led = place{}
	o.again(0)
}

// again looks again later, unless it is restarted.
func (o *operator) again(pause time.Duration) { o.then(pause, o.pass) }

// then does something later, unless it is restarted.
func (o *operator) then(pause time.Duration, do func()) {
	run := o.started
	o.after(pause+o.delay(time.Second), func() {
		if run == o.started {
			do()
		}
	})
}

// pass is one reconciliation: read the tenant, have the traffic led to its first server, read the
// Leases, ask the replicas, decide, and write if the tenant is still the same.
func (o *operator) pass() {
	t := o.tenant
	o.then(0, func() {
		o.lead(place{server: t.servers[0].Name, port: t.servers[0].Port})
		o.then(0, func() {
			leases := maps.Clone(o.leases)
			o.then(0, func() {
				s := moving.Situation{
					IdleBeforeOff: contract.IdleBeforeOff,
					Servers:       t.servers, Target: t.target, Obstructed: o.obstructed, Led: o.timeline.Now() - o.since, Replicas: o.living(leases, t, ""),
				}
				if about := s.Asks(); about != "" {
					s.Replicas = o.living(leases, t, about)
				}
				next := o.decide(s)
				o.wait(t, next, s.Goal())
				// What is under way when it is restarted may come late.
				o.after(o.delay(20*time.Second), func() { o.write(t, next) })
				o.again(time.Second)
			})
		})
	})
}

// decide decides with the ports that the tenant has at the servers of the next list. When it is served
// at one server alone again, it gives up the others.
func (o *operator) decide(s moving.Situation) []moving.Server {
	s.Ports = map[string]int32{}
	for _, one := range append(slices.Clone(s.Servers), moving.Decide(s)...) {
		s.Ports[one.Name] = o.claim(one.Name)
	}
	next := moving.Decide(s)
	if !slices.Equal(next, s.Servers) && next[0].Mode == scimv1alpha1.HostingModeMemory {
		maps.DeleteFunc(o.claims, func(server string, _ int32) bool { return server != next[0].Name })
	}
	return next
}

// lead has the traffic led somewhere.
func (o *operator) lead(to place) {
	if o.traffic != to {
		o.say("the traffic goes to %v", to)
		o.before, o.traffic, o.world.since = o.traffic, to, o.timeline.Now()
	}
	if o.led != to {
		o.led, o.since = to, o.timeline.Now()
	}
}

// living are the replicas that have a Lease which has not run out. Those of one server are asked. One
// that does not answer is not quiet, and serves nobody.
func (o *operator) living(leases map[string]lease, t tenant, asked string) []moving.Replica {
	var found []moving.Replica
	for _, name := range slices.Sorted(maps.Keys(leases)) {
		l := leases[name]
		if o.timeline.Now()-l.renewed >= leaseDuration {
			continue
		}
		said := moving.Replica{}
		for _, r := range o.replicas {
			if r.name == name && r.server == asked {
				said = r.asked()
			}
		}
		said.Server, said.Acknowledged = l.server, l.states >= t.version
		found = append(found, said)
	}
	return found
}

// wait says what the next step waits for, when that is another thing.
func (o *operator) wait(t tenant, next []moving.Server, goal string) {
	waits := ""
	if wait, about := moving.Waits(next, goal); slices.Equal(next, t.servers) && wait != moving.WaitNone {
		waits = fmt.Sprintf("%s %s", about, wait)
	}
	if waits != o.waits && waits != "" {
		o.say("waiting for %s", waits)
	}
	o.waits = waits
}

// write writes the next list, unless the tenant has changed since it was read.
func (o *operator) write(t tenant, next []moving.Server) {
	if o.tenant.version != t.version || slices.Equal(next, t.servers) {
		return
	}
	o.say("%s", listed(next))
	o.lists++
	o.change(func(t *tenant) { t.servers = next })
}

// String is how a place is printed.
func (p place) String() string {
	if p.port == 0 {
		return p.server
	}
	return fmt.Sprintf("%s:%d", p.server, p.port)
}

// listed is a list of servers as it is printed.
func listed(servers []moving.Server) string {
	texts := make([]string, 0, len(servers))
	for _, s := range servers {
		texts = append(texts, fmt.Sprintf("%v %s", place{server: s.Name, port: s.Port}, s.Mode))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// settled reports whether the tenant is served where it is to be, from memory.
func (w *world) settled() bool {
	return slices.Equal(w.tenant.servers, []moving.Server{{
		Name: w.tenant.target, Mode: scimv1alpha1.HostingModeMemory, Port: w.claims[w.tenant.target],
	}})
}
