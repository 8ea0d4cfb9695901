package readindex_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/kubescim/kubescim/internal/readindex"
)

// TestScenarios plays the stories in testdata. Whatever is sent takes a millisecond there,
// and all clocks go at the same rate.
//
//	start NAME... [pod=UID] [protocol=N] [clock=PERCENT]
//	                                       processes start in pods of these names
//	crash NAME...                          they die
//	leave NAME...                          they leave
//	pause NAME..., resume NAME...          they stop, and go on
//	refuse NAME..., allow NAME...          the API server does not answer them
//	api (away|back)                        or nobody
//	cut NAME NAME, silent NAME NAME, heal NAME NAME
//	older NAME                             writes the Lease of a replica of an older release
//	delete NAME                            somebody deletes a Lease
//	backup, restore                        of etcd
//	write NAME, read NAME... [tenant=NAME] clients do, of acme if not of another tenant
//	event NAME [tenant=NAME]               its watch brings what was written last
//	run DURATION                           time passes
//	state, leases, rounds                  print how things are
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &scenario{world: newWorld(nil)}
		s.say = s.print
		datadriven.RunTest(t, path, s.do)
	})
}

// scenario is a world in which happens what is in a file.
type scenario struct {
	*world
	output strings.Builder
}

// print is for the output, with the time.
func (s *scenario) print(format string, args ...any) {
	fmt.Fprintf(&s.output, "%-8v %s\n", s.timeline.Now().Round(time.Millisecond), fmt.Sprintf(format, args...))
}

func (s *scenario) do(t *testing.T, d *datadriven.TestData) string {
	s.output.Reset()
	var names []string
	for _, arg := range d.CmdArgs {
		if len(arg.Vals) == 0 {
			names = append(names, arg.Key)
		}
	}
	switch d.Cmd {
	case "start":
		s.startAll(t, d, names)
	case "write", "read", "event":
		s.clients(t, d, names)
	case "run":
		pause, err := time.ParseDuration(names[0])
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		s.run(pause)
	case "state":
		s.state()
	case "leases":
		s.listLeases()
	case "rounds":
		s.countRounds()
	case "cut", "silent", "heal":
		s.set(s.find(t, names[0]), s.find(t, names[1]), map[string]fault{"cut": cut, "silent": silent}[d.Cmd])
	default:
		if !s.toReplicas(t, d.Cmd, names) && !s.toAPIServer(d.Cmd, names) {
			d.Fatalf(t, "unknown command %q", d.Cmd)
		}
	}
	if s.wrong != nil {
		d.Fatalf(t, "%v", s.wrong)
	}
	if s.output.Len() == 0 {
		return "ok"
	}
	return s.output.String()
}

func (s *scenario) startAll(t *testing.T, d *datadriven.TestData, names []string) {
	for _, name := range names {
		uid := name
		d.MaybeScanArgs(t, "pod", &uid)
		protocol := newest
		d.MaybeScanArgs(t, "protocol", &protocol)
		percent := 100
		d.MaybeScanArgs(t, "clock", &percent)
		r := s.start(name, uid)
		r.protocol, r.rate = protocol, float64(percent)/100
	}
}

// clients lets clients write or read at replicas, or their watches bring something.
func (s *scenario) clients(t *testing.T, d *datadriven.TestData, names []string) {
	name := "acme"
	d.MaybeScanArgs(t, "tenant", &name)
	tenant := readindex.TenantOf(name)
	s.each(t, names, func(r *replica) {
		switch d.Cmd {
		case "write":
			r.write(tenant, s.wrote(r))
		case "read":
			r.read(tenant, s.readAt(r))
		default:
			r.event(tenant)
		}
	})
	s.run(10 * time.Millisecond)
}

// toReplicas does something to replicas, if the command is of that kind.
func (s *scenario) toReplicas(t *testing.T, command string, names []string) bool {
	do, is := map[string]func(*replica){
		"crash":  (*replica).crash,
		"leave":  func(r *replica) { r.leave(func() { s.say("%v: has left", r) }) },
		"pause":  func(r *replica) { r.paused = true },
		"resume": (*replica).resume,
		"refuse": func(r *replica) { r.refused = true },
		"allow":  func(r *replica) { r.refused = false },
	}[command]
	if is {
		s.each(t, names, do)
	}
	return is
}

// toAPIServer does something to the API server, if the command is of that kind.
func (s *scenario) toAPIServer(command string, names []string) bool {
	switch command {
	case "api":
		s.api.away = names[0] == "away"
	case "older":
		s.api.leases[names[0]] = lease{name: names[0], revision: s.api.write(), duration: leaseDuration, legacy: true}
	case "delete":
		delete(s.api.leases, names[0])
	case "backup":
		s.api.backUp()
		s.api.revision += 1000
	case "restore":
		s.api.restore()
	default:
		return false
	}
	return true
}

// find returns the process that was started last in a pod of that name.
func (s *scenario) find(t *testing.T, name string) *replica {
	for _, r := range slices.Backward(s.replicas) {
		if r.name == name {
			return r
		}
	}
	t.Fatalf("there is no replica %q", name)
	return nil
}

func (s *scenario) each(t *testing.T, names []string, do func(*replica)) {
	for _, name := range names {
		do(s.find(t, name))
	}
}

func (s *scenario) wrote(r *replica) func(uint64, bool) {
	return func(revision uint64, acknowledged bool) {
		if acknowledged {
			s.say("%v: acknowledges %d", r, revision)
		} else {
			s.say("%v: does not acknowledge", r)
		}
	}
}

func (s *scenario) readAt(r *replica) func(uint64, error) {
	return func(revision uint64, err error) {
		if err != nil {
			s.say("%v: reads at %d at the API server: %v", r, revision, err)
		} else {
			s.say("%v: reads at %d", r, revision)
		}
	}
}

func (s *scenario) state() {
	for _, r := range s.living() {
		s.say("%v: member %v, lead %v, knows %d, restarted %d times, blocked: %v",
			r, r.member(), r.view.Lead && r.member(), r.view.Members, r.store.restarts, r.view.Blocked)
	}
}

func (s *scenario) countRounds() {
	for _, r := range s.living() {
		s.say("%v: has asked %d times", r, r.rounds)
	}
}

func (s *scenario) listLeases() {
	for _, l := range s.api.list() {
		s.say("Lease %s: introductions %v, introduced %v, unreachable %v", l.name, l.introductions, l.introduced, l.unreachable)
	}
}
