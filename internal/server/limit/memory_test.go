package limit

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
)

func TestMemory(t *testing.T) {
	g := NewWithT(t)
	ctx, cancel := context.WithCancel(t.Context())
	var asked []bool
	m := NewMemory(func(collect bool) int64 {
		asked = append(asked, collect)
		if collect {
			return 100
		}
		return 50
	})
	g.Expect(m.acquire(0, 80)).To(Succeed(), "garbage is none of it")
	g.Expect(m.acquire(80, 20)).To(Succeed())
	g.Expect(m.acquire(100, 20)).To(MatchError(NoRoom{needs: 120, room: 100}), "it is the only one")
	waited := make(chan error)
	go func() { waited <- m.wait(ctx, 30) }()
	g.Consistently(waited, "50ms").ShouldNot(Receive())
	m.release(50)
	g.Eventually(waited).Should(Receive(Succeed()))
	g.Expect(m.acquire(50, 30)).To(BeAssignableToTypeOf(noRoomYet{}), "who has some does not wait for more")
	go func() { waited <- m.wait(ctx, 30) }()
	cancel()
	var err error
	g.Eventually(waited).Should(Receive(&err))
	var protocol *scim.Error
	g.Expect(errors.As(err, &protocol)).To(BeTrue())
	g.Expect(protocol.Status).To(Equal(http.StatusServiceUnavailable))
	m.release(80)
	g.Expect(m.acquire(0, 80)).To(MatchError(NoRoom{needs: 80, room: 50}), "garbage was collected a moment ago")
	g.Expect(asked).To(Equal([]bool{false, true, false}))
}

// Two requests that each have a part of the memory and need more never wait for each
// other: one of them is told to come again, and the other goes on.
func TestNobodyWaitsWithMemory(t *testing.T) {
	const deadline = 20 * time.Second
	g := NewWithT(t)
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	m := NewMemory(func(bool) int64 { return 1_000_000 })
	holding := func() *Share {
		share := m.Share()
		g.Expect(share.With(ctx, func() error { return share.Acquire(500_000) })).To(Succeed())
		return &share
	}
	one, other := holding(), holding()
	began := time.Now()
	err := one.With(ctx, func() error { return one.Acquire(100_000) })
	var protocol *scim.Error
	g.Expect(errors.As(err, &protocol)).To(BeTrue())
	g.Expect(protocol.Status).To(Equal(http.StatusServiceUnavailable))
	g.Expect(time.Since(began)).To(BeNumerically("<", deadline/2))
	one.Release()
	g.Expect(other.With(ctx, func() error { return other.Acquire(100_000) })).To(Succeed())
	other.Release()
	g.Expect(m.Acquired()).To(BeZero())
}

func TestMemoryLeft(t *testing.T) {
	g := NewWithT(t)
	g.Expect(MemoryLeft(false)).To(BeEquivalentTo(unlimitedMemory), "the process has no limit")
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(1 << 30))
	before := MemoryLeft(true)
	g.Expect(before).To(BeNumerically("~", 3<<28, 1<<27))
	used := make([]byte, 200<<20)
	g.Expect(MemoryLeft(true)).To(BeNumerically("~", before-150<<20, 10<<20))
	runtime.KeepAlive(used)
	g.Expect(MemoryLeft(true)).To(BeNumerically("~", before, 10<<20))
	debug.SetMemoryLimit(1 << 20)
	g.Expect(MemoryLeft(false)).To(BeEquivalentTo(leastMemory), "there is less than nothing")
}

// A tenant whose requests take all that they can get leaves something to the others, and a
// request that needs more than a fair part waits until it is alone.
func TestMemoryOfSeveralTenants(t *testing.T) {
	g := NewWithT(t)
	process := NewProcessMemory(func(bool) int64 { return 120 })
	first, second := process.Part(), process.Part()
	for range 6 {
		g.Expect(first.acquire(0, 10)).To(Succeed())
	}
	g.Expect(first.acquire(0, 10)).To(BeAssignableToTypeOf(noRoomYet{}))
	g.Expect(second.acquire(0, 30)).To(Succeed())
	g.Expect(second.acquire(0, 10)).To(BeAssignableToTypeOf(noRoomYet{}))
	g.Expect([]int64{first.Acquired(), second.Acquired()}).To(Equal([]int64{60, 30}))

	waited := make(chan error)
	go func() { waited <- second.wait(t.Context(), 100) }()
	first.release(60)
	g.Consistently(waited, "50ms").ShouldNot(Receive())
	second.release(30)
	g.Eventually(waited).Should(Receive(Succeed()))
	g.Expect(second.Acquired()).To(BeEquivalentTo(100))
	g.Expect(first.acquire(0, 11)).To(BeAssignableToTypeOf(noRoomYet{}))
	g.Expect(second.acquire(100, 30)).To(MatchError(NoRoom{needs: 130, room: 120}))
}
