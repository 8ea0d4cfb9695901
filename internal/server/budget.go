package server

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
	// smallRequest is up to how much memory a request takes without asking, in
	// bytes. Most requests take a tenth of it.
	smallRequest = 64 << 10
	// bodyFactor is how many times its own size a body takes when it is decoded and
	// compared with what there is. A group with many members takes the most.
	bodyFactor = 24
	// leastMemory is what requests always have, since the limit of the process is a
	// fifth below the one at which it is killed: a page of users, and most bodies.
	leastMemory = 4 << 20
	// unlimitedMemory is what requests share where the process has no limit.
	unlimitedMemory = 512 << 20
	// collectEvery bounds how often garbage is collected to see what is left, which
	// looks at everything in memory.
	collectEvery = time.Second
)

// budget is the memory that requests may take together. A large one waits until there
// is room for it, and holds nothing meanwhile, neither memory nor the turn to write a
// resource: of those that wait for each other none would ever go on. One for which there
// would be no room if it were alone is refused, since a process that exceeds the limit of
// its container is killed. Small ones are not counted.
type budget struct {
	// left returns how many bytes requests may take when none has any. With collect,
	// garbage does not count.
	left func(collect bool) int64

	mu        sync.Mutex
	room      int64 // what was left when nothing was taken
	taken     int64
	released  chan struct{} // closed, and replaced, when something is given back
	collected time.Time     // when garbage was collected for this
}

func newBudget() *budget {
	return &budget{left: memoryLeft, released: make(chan struct{})}
}

// acquire takes so many bytes more for a request that has own of them already, at once or
// not at all: it returns noRoom when they cannot be had, even by waiting, and noRoomYet
// when they may be had once other requests have ended.
func (b *budget) acquire(own, bytes int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	alone := b.taken == own
	if b.taken == 0 {
		b.room = b.left(false)
		if bytes > b.room && time.Since(b.collected) >= collectEvery {
			b.room, b.collected = b.left(true), time.Now()
		}
	}
	if b.taken+bytes <= b.room {
		b.taken += bytes
		return nil
	}
	if alone {
		return noRoom{needs: own + bytes, room: b.room}
	}
	return noRoomYet{needs: own + bytes, freed: b.released}
}

// wait waits until so many bytes can be had, and takes them, for a request that has none.
func (b *budget) wait(ctx context.Context, bytes int64) error {
	for {
		err := b.acquire(0, bytes)
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

// release gives bytes back.
func (b *budget) release(bytes int64) {
	if bytes == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken -= bytes
	close(b.released)
	b.released = make(chan struct{})
}

// noRoom says that a request needs more memory than there is.
type noRoom struct{ needs, room int64 }

// Error implements error.
func (e noRoom) Error() string {
	return fmt.Sprintf("the request takes about %d MiB of memory, and the server has %d MiB to spare", e.needs>>20+1, e.room>>20)
}

// noRoomYet says that other requests have the memory that a request needs. freed is
// closed when that may have changed.
type noRoomYet struct {
	needs int64
	freed <-chan struct{}
}

// Error implements error.
func (e noRoomYet) Error() string {
	return fmt.Sprintf("the request takes about %d MiB of memory, which others have at the moment", e.needs>>20+1)
}

// memoryLeft returns how much memory is left below the limit of the process
// (GOMEMLIMIT), with a quarter spared for what nobody counts, or leastMemory.
func memoryLeft(collect bool) int64 {
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

// takeMemory takes memory for what the request is about to need besides what it has
// needed already, until it ends; at once or not at all, as budget.acquire does.
func (x *exchange) takeMemory(bytes int64) error {
	needs := x.needs + bytes
	if missing := needs - x.taken; needs > smallRequest && missing > 0 {
		if err := x.tenant.budget.acquire(x.taken, missing); err != nil {
			return err
		}
		x.taken = needs
	}
	x.needs = needs
	return nil
}

// withMemory does something that takes memory. Where others have it, what was begun is
// given up and done again once the memory is there. What the request really holds, such
// as a large body, cannot be given back meanwhile, so that it is answered 503 then.
func (x *exchange) withMemory(do func() error) error {
	needed := x.needs
	for {
		err := do()
		busy, answer := noRoomYet{}, (*scim.Error)(nil)
		if !errors.As(err, &busy) || errors.As(err, &answer) {
			return err
		}
		if needed > smallRequest {
			return fmt.Errorf("%w: %w", tooManyLarge(), err)
		}
		x.tenant.budget.release(x.taken)
		x.needs, x.taken = needed, 0
		if err := x.tenant.budget.wait(x.ctx, busy.needs); err != nil {
			return err
		}
		x.taken = busy.needs
	}
}

// releaseMemory gives back what the request has taken.
func (x *exchange) releaseMemory() {
	x.tenant.budget.release(x.taken)
	x.needs, x.taken = 0, 0
}
