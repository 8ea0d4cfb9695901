package moving

import (
	"cmp"
	"slices"
	"time"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// Server is one that serves the tenant.
type Server struct {
	// Name is that in status.servers.
	Name string
	// Mode is how it serves the tenant.
	Mode scimv1alpha1.HostingMode
	// Port is the one at which its replicas serve the tenant alone; 0 when there is none.
	Port int32
}

// PortAt returns the port at which the replicas of one of the servers serve the tenant alone; 0 when
// there is none.
func PortAt(servers []Server, name string) int32 {
	for _, s := range servers {
		if s.Name == name {
			return s.Port
		}
	}
	return 0
}

// Replica is a replica that is alive of a server that could serve the tenant, and what is known of
// it.
type Replica struct {
	// Server is the name of its server.
	Server string
	// Acknowledged reports whether it goes by the list of servers that is decided by.
	Acknowledged bool
	// Serves reports whether it says that it serves the tenant.
	Serves bool
	// Idle is for how long it has got no request for the tenant, and has none under way, since it
	// sees to it that clients leave.
	Idle time.Duration
}

// Situation is what is known when it is decided.
type Situation struct {
	// Servers are those that serve the tenant. The first one gets the traffic.
	Servers []Server
	// Target is the name of the server that the tenant is to have.
	Target string
	// Obstructed reports whether the tenant cannot be moved to the target now.
	Obstructed bool
	// Replicas are all that are alive of the servers that could serve the tenant, listed or not.
	Replicas []Replica
	// Ports are those that the tenant has at servers, by their names.
	Ports map[string]int32
	// Led is for how long the traffic has been led to the first server; 0 if it is not.
	Led time.Duration
	// IdleBeforeOff is for how long the traffic must have been led elsewhere, and no request have come,
	// before a server is dropped.
	IdleBeforeOff time.Duration
}

// Wait is what the next step waits for.
type Wait string

// Waits.
const (
	// WaitNone: there is no next step.
	WaitNone Wait = ""
	// WaitMemory: a replica of the server with the traffic may still read from memory.
	WaitMemory Wait = "Memory"
	// WaitServing: not all replicas of the goal serve the tenant, or there are none.
	WaitServing Wait = "Serving"
	// WaitIdle: requests may still come to the server that has not the traffic.
	WaitIdle Wait = "Idle"
	// WaitOff: a replica of a server that was dropped may still serve the tenant.
	WaitOff Wait = "Off"
)

// Goal returns the name of the server at which the tenant is to be for now: while it cannot be
// moved to the target, that is the one with the traffic.
func (s *Situation) Goal() string {
	if s.Obstructed && len(s.Servers) > 0 {
		return s.Servers[0].Name
	}
	return s.Target
}

// Waits returns what servers wait for before the next step to a goal, and the name of the server
// that it is about.
func Waits(servers []Server, goal string) (wait Wait, server string) {
	switch first, second := servers[0], secondOf(servers); {
	case second != "" && second == goal:
		return WaitServing, second
	case second != "":
		return WaitIdle, second
	case first.Name != goal:
		return WaitMemory, first.Name
	case first.Mode == scimv1alpha1.HostingModeLive:
		return WaitOff, first.Name
	default:
		return WaitNone, ""
	}
}

// Decide returns which servers are to serve the tenant: those of the next step, or the same ones
// while that has to wait. A port that a server has not heard of is a step of its own, so that nobody
// is led there before it is open.
func Decide(s Situation) []Server {
	goal := s.Goal()
	if len(s.Servers) == 0 { // nobody has served the tenant
		return []Server{s.memory(goal)}
	}
	stated := make([]Server, 0, len(s.Servers))
	for _, one := range s.Servers {
		stated = append(stated, s.in(one.Name, one.Mode))
	}
	if !slices.Equal(stated, s.Servers) {
		return stated
	}
	first := s.Servers[0]
	if first.Name != goal && first.Mode == scimv1alpha1.HostingModeMemory {
		return []Server{s.live(first.Name)}
	}
	wait, about := Waits(s.Servers, goal)
	if s.waits(wait, about) {
		return s.Servers
	}
	switch wait {
	case WaitMemory:
		return []Server{s.live(first.Name), s.live(goal)}
	case WaitServing:
		return []Server{s.live(goal), s.live(first.Name)}
	case WaitIdle:
		return []Server{s.live(first.Name)}
	default:
		return []Server{s.memory(first.Name)}
	}
}

// Asks returns the name of the server whose replicas have to say how they serve the tenant before
// the next step is decided; empty when it waits for something else first, or what they acknowledge
// is enough.
func (s *Situation) Asks() string {
	if len(s.Servers) == 0 {
		return ""
	}
	wait, about := Waits(s.Servers, s.Goal())
	switch {
	case wait != WaitServing && wait != WaitIdle,
		wait == WaitIdle && s.Led < s.IdleBeforeOff,
		s.any(func(r Replica) bool { return r.Server == about && !r.Acknowledged }):
		return ""
	default:
		return about
	}
}

// waits reports whether what is waited for is still to come.
func (s *Situation) waits(wait Wait, server string) bool {
	switch wait {
	case WaitMemory:
		return s.any(func(r Replica) bool { return r.Server == server && !r.Acknowledged })
	case WaitServing:
		return !s.any(func(r Replica) bool { return r.Server == server }) ||
			s.any(func(r Replica) bool { return r.Server == server && !(r.Acknowledged && r.Serves) })
	case WaitIdle:
		return s.Led < s.IdleBeforeOff ||
			s.any(func(r Replica) bool {
				return r.Server == server && !(r.Acknowledged && r.Idle >= s.IdleBeforeOff)
			})
	case WaitOff:
		return s.any(func(r Replica) bool { return r.Server != server && !r.Acknowledged })
	default:
		return true
	}
}

func (s *Situation) any(is func(Replica) bool) bool { return slices.ContainsFunc(s.Replicas, is) }

// secondOf returns the name of the second server; empty when there is none.
func secondOf(servers []Server) string {
	if len(servers) < 2 {
		return ""
	}
	return servers[1].Name
}

func (s *Situation) memory(name string) Server { return s.in(name, scimv1alpha1.HostingModeMemory) }

func (s *Situation) live(name string) Server { return s.in(name, scimv1alpha1.HostingModeLive) }

// in returns a server that serves the tenant in a mode, at the port that the tenant has there.
func (s *Situation) in(name string, mode scimv1alpha1.HostingMode) Server {
	return Server{Name: name, Mode: mode, Port: cmp.Or(s.Ports[name], PortAt(s.Servers, name))}
}
