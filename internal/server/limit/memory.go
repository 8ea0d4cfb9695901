package limit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"

	"github.com/kubescim/kubescim/internal/scim"
)

const (
	// SmallRequest is how much memory a request has without acquiring it, in
	// bytes. Most requests take a tenth of it.
	SmallRequest = 64 << 10
	// leastMemory is what requests always have, since the limit of the process is a
	// fifth below the one at which it is killed: a page of users, and most bodies.
	leastMemory = 4 << 20
	// unlimitedMemory is what requests share where the process has no limit.
	unlimitedMemory = 512 << 20
	// collectEvery bounds how often garbage is collected to see what is left, which
	// looks at everything in memory.
	collectEvery = time.Second
)

// ProcessMemory is the memory that the requests of a process may have together. A large one
// waits until there is room for it, and holds nothing meanwhile, neither memory nor the turn
// to write a resource: of those that wait for each other none would ever go on. One for which
// there would be no room if it were alone is refused, since a process that exceeds the limit
// of its container is killed. Small ones are not counted.
type ProcessMemory struct {
	left func(collect bool) int64

	mu        sync.Mutex
	room      int64 // what was left when nothing was acquired
	acquired  int64
	released  chan struct{} // closed, and replaced, when something is released
	collected time.Time     // when garbage was collected for this
}

// NewProcessMemory returns the memory that left returns: how many bytes requests may have when
// none has any; with collect, garbage does not count. That of a process is MemoryLeft.
func NewProcessMemory(left func(collect bool) int64) *ProcessMemory {
	return &ProcessMemory{left: left, released: make(chan struct{})}
}

// Memory is what the requests of one tenant may have of it.
type Memory struct {
	*ProcessMemory
	whole bool
	own   int64 // bytes that they have; guarded by the process's mutex
}

// Whole returns the memory of a tenant that is alone in the process: all of it.
func (p *ProcessMemory) Whole() *Memory { return &Memory{ProcessMemory: p, whole: true} }

// Part returns the memory of one of several tenants. Its requests have no more together than
// they leave to those of all others, as with Pool.Part, but for a request that needs more than
// that and is the only one at the moment.
func (p *ProcessMemory) Part() *Memory { return &Memory{ProcessMemory: p} }

// NewMemory returns the memory of a tenant that is alone in its process.
func NewMemory(left func(collect bool) int64) *Memory { return NewProcessMemory(left).Whole() }

// Acquired returns how many bytes the tenant's requests have at the moment.
func (m *Memory) Acquired() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.own
}

// acquire acquires so many bytes more for a request that has own of them already, at once or
// not at all: it returns NoRoom when they cannot be had, even by waiting, and noRoomYet
// when they may be had once other requests have ended.
func (m *Memory) acquire(own, bytes int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	alone := m.acquired == own
	if m.acquired == 0 {
		m.room = m.left(false)
		if bytes > m.room && time.Since(m.collected) >= collectEvery {
			m.room, m.collected = m.left(true), time.Now()
		}
	}
	fits, fair := m.acquired+bytes <= m.room, m.whole || m.own+bytes <= m.room-m.acquired-bytes
	if fits && (fair || alone) {
		m.acquired += bytes
		m.own += bytes
		return nil
	}
	if alone {
		return NoRoom{needs: own + bytes, room: m.room}
	}
	return noRoomYet{needs: own + bytes, freed: m.released}
}

// wait waits until so many bytes can be had, and acquires them, for a request that has none.
func (m *Memory) wait(ctx context.Context, bytes int64) error {
	for {
		err := m.acquire(0, bytes)
		busy := noRoomYet{}
		if !errors.As(err, &busy) {
			return err
		}
		select {
		case <-busy.freed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for memory: %w: %w", tooManyLarge(), ctx.Err())
		}
	}
}

func tooManyLarge() error {
	return scim.Errorf(http.StatusServiceUnavailable, "", "too many large requests are under way; try again")
}

// release releases bytes.
func (m *Memory) release(bytes int64) {
	if bytes == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.acquired -= bytes
	m.own -= bytes
	close(m.released)
	m.released = make(chan struct{})
}

// NoRoom is the error for a request that needs more memory than there is.
type NoRoom struct{ needs, room int64 }

// Error implements error.
func (e NoRoom) Error() string {
	return fmt.Sprintf("the request takes about %d MiB of memory, and the server has %d MiB to spare", e.needs>>20+1, e.room>>20)
}

// noRoomYet is the error for a request while others have the memory that it needs. freed is
// closed when that may have changed.
type noRoomYet struct {
	needs int64
	freed <-chan struct{}
}

// Error implements error.
func (e noRoomYet) Error() string {
	return fmt.Sprintf("the request takes about %d MiB of memory, which others have at the moment", e.needs>>20+1)
}

// MemoryLeft returns how much memory is left below the limit of the process
// (GOMEMLIMIT), with a quarter spared for what nobody counts, or leastMemory.
func MemoryLeft(collect bool) int64 {
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		return unlimitedMemory
	}
	if collect {
		runtime.GC()
	}
	samples := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
	}
	metrics.Read(samples)
	used := samples[0].Value.Uint64() + samples[1].Value.Uint64()
	for _, spare := range samples[2:] {
		used -= spare.Value.Uint64()
	}
	return max((limit-int64(used))/4*3, leastMemory)
}
