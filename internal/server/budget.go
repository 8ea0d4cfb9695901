package server

import (
	"context"
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
// is room for it; one for which there would be no room if it were alone is refused, since
// a process that exceeds the limit of its container is killed. Small ones are not counted.
type budget struct {
	// left returns how many bytes requests may take when none has any. With collect,
	// garbage does not count.
	left func(collect bool) int64

	mu        sync.Mutex
	room      int64 // what was left when nothing was taken
	taken     int64
	given     chan struct{} // closed, and replaced, when something is given back
	collected time.Time     // when garbage was collected for this
}

func newBudget() *budget {
	return &budget{left: memoryLeft, given: make(chan struct{})}
}

// take takes so many bytes more for a request that has own of them already. It
// returns noRoom when they cannot be had, even by waiting.
func (b *budget) take(ctx context.Context, own, bytes int64) error {
	for {
		room, freed, taken := b.tryTake(own, bytes)
		if taken {
			return nil
		}
		if freed == nil {
			return noRoom{needs: own + bytes, room: room}
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for memory: %w: %w",
				scim.Errorf(http.StatusServiceUnavailable, "", "too many large requests are under way; try again"), ctx.Err())
		}
	}
}

// tryTake takes the bytes if there is room. If not, freed is closed when that may
// have changed; it is nil when no other request has anything.
func (b *budget) tryTake(own, bytes int64) (room int64, freed <-chan struct{}, taken bool) {
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
		return b.room, nil, true
	}
	if alone {
		return b.room, nil, false
	}
	return b.room, b.given, false
}

// give gives bytes back.
func (b *budget) give(bytes int64) {
	if bytes == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken -= bytes
	close(b.given)
	b.given = make(chan struct{})
}

// noRoom says that a request needs more memory than there is.
type noRoom struct{ needs, room int64 }

// Error implements error.
func (e noRoom) Error() string {
	return fmt.Sprintf("the request takes about %d MiB of memory, and the server has %d MiB to spare", e.needs>>20+1, e.room>>20)
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
// needed already, until it ends.
func (x *exchange) takeMemory(ctx context.Context, bytes int64) error {
	x.needs += bytes
	missing := x.needs - x.taken
	if x.needs <= smallRequest || missing <= 0 {
		return nil
	}
	if err := x.tenant.budget.take(ctx, x.taken, missing); err != nil {
		return err
	}
	x.taken = x.needs
	return nil
}

// giveMemory gives back what the request has taken.
func (x *exchange) giveMemory() {
	x.tenant.budget.give(x.taken)
	x.needs, x.taken = 0, 0
}
