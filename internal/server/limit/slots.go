package limit

import "sync"

// Pool has a slot for each request that may be under way in a process.
type Pool struct {
	mu   sync.Mutex
	most int // slots
	used int
}

// NewPool returns a pool of so many slots.
func NewPool(most int) *Pool { return &Pool{most: most} }

// Slots are those of the pool that the requests of one tenant may have.
type Slots struct {
	pool  *Pool
	whole bool
	used  int // guarded by the pool's mutex
}

// Whole returns the slots of a tenant that is alone in the process: all of them.
func (p *Pool) Whole() *Slots { return &Slots{pool: p, whole: true} }

// Part returns the slots of one of several tenants. It never has more than it leaves to all
// others: one that sends without end gets half of them, two get a third each, and always some
// are left for who comes next. (Choudhury and Hahne, Dynamic Queue Length Thresholds for
// Shared-Memory Packet Switches, 1998, divide buffers so.)
func (p *Pool) Part() *Slots { return &Slots{pool: p} }

// TryAcquire takes a slot, and reports whether there was one.
func (s *Slots) TryAcquire() bool {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	free := s.pool.most - s.pool.used
	if free <= 0 || !s.whole && s.used >= free {
		return false
	}
	s.pool.used++
	s.used++
	return true
}

// Release gives a slot back.
func (s *Slots) Release() {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	s.pool.used--
	s.used--
}
