package driver

import (
	"net"
	"slices"
	"sync"
)

// maxUnauthenticated bounds the connections of which it is not known yet who dials.
const maxUnauthenticated = 32

// unauthenticated are those connections, the oldest first. Whoever opens many and says nothing
// keeps nobody out: when there is no room, the oldest connection of the address with the
// most of them is closed.
type unauthenticated struct {
	mu      sync.Mutex
	waiting []net.Conn
}

// enter lets a connection in. It returns what is to be called when it is known who
// dials, or when that has failed.
func (s *unauthenticated) enter(conn net.Conn) (leave func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, conn)
	if len(s.waiting) > maxUnauthenticated {
		at := s.mostGreedy()
		_ = s.waiting[at].Close()
		s.waiting = slices.Delete(s.waiting, at, at+1)
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.waiting = slices.DeleteFunc(s.waiting, func(other net.Conn) bool { return other == conn })
	}
}

// mostGreedy returns where the oldest connection of the address is that has the most.
func (s *unauthenticated) mostGreedy() int {
	count, first, most := map[string]int{}, map[string]int{}, ""
	for i, conn := range s.waiting {
		from := hostOf(conn)
		if count[from]++; count[from] == 1 {
			first[from] = i
		}
		if count[from] > count[most] {
			most = from
		}
	}
	return first[most]
}

func hostOf(conn net.Conn) string {
	host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil {
		return conn.RemoteAddr().String()
	}
	return host
}
