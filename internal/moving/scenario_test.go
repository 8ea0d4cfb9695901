package moving_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// TestScenarios plays the stories in testdata. Everything takes a millisecond there, but for what
// takes its time.
//
//	served SERVER            how it begins: the tenant is served there
//	start SERVER...          a replica of each starts
//	operator                 the operator starts, or is restarted
//	call                     a client begins to send requests, on one connection
//	target SERVER            the tenant is to be there
//	obstruct, clear          it cannot be moved to the target, and can again
//	crash, away, back NAME   a replica dies; cannot reach the API server; can again
//	occupy, vacate NAME      somebody else has all ports of a replica for single tenants; no more
//	run DURATION             time passes
//	state                    prints how things are
//
// Run it with -args -rewrite to write anew what is printed.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &scenario{}
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
	var arguments []string
	for _, arg := range d.CmdArgs {
		arguments = append(arguments, arg.Key)
	}
	switch d.Cmd {
	case "served":
		s.world = newWorld(nil, arguments[0])
		s.say = s.print
	case "start":
		for _, server := range arguments {
			s.start(server)
		}
	case "operator":
		s.operator.restart()
	case "call":
		s.call(time.Second)
	case "target":
		s.aim(arguments[0])
	case "obstruct", "clear":
		s.obstructed = d.Cmd == "obstruct"
	case "crash", "away", "back", "occupy", "vacate":
		s.disturb(t, d.Cmd, arguments[0])
	case "run":
		pause, err := time.ParseDuration(arguments[0])
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		s.run(pause)
	case "state":
		s.state()
	default:
		d.Fatalf(t, "unknown command %q", d.Cmd)
	}
	if s.wrong != nil {
		d.Fatalf(t, "%v", s.wrong)
	}
	if s.output.Len() == 0 {
		return "ok"
	}
	return s.output.String()
}

func (s *scenario) disturb(t *testing.T, command, name string) {
	at := slices.IndexFunc(s.replicas, func(r *replica) bool { return r.name == name })
	if at < 0 {
		t.Fatalf("there is no replica %q", name)
	}
	switch r := s.replicas[at]; command {
	case "crash":
		r.crash()
	case "occupy", "vacate":
		r.occupied = command == "occupy"
		r.listen()
	default:
		r.away = command == "away"
	}
}

func (s *scenario) state() {
	s.say("%s, to be at %s, traffic to %s", listed(s.tenant.servers), s.tenant.target, s.traffic)
	for _, r := range s.replicas {
		mode := string(r.mode)
		if r.mode == off {
			mode = "Off"
		}
		s.say("%v: %s, by version %d of %d", r, mode, r.done, s.tenant.version)
	}
}
