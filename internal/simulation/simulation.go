// Package simulation has the time of tests in which replicas, networks and clients are played in
// one goroutine: it goes from one thing that happens to the next, so that hours pass in
// milliseconds, and the same in each run.
package simulation

import (
	"container/heap"
	"time"
)

// Timeline is what is to happen, in order. Its zero value is at 0, with nothing to happen.
type Timeline struct {
	now   time.Duration
	queue queue
	order uint64
}

// Now returns how much time has passed.
func (t *Timeline) Now() time.Duration { return t.now }

// After does something later. What is to happen at the same time happens in the order of the calls.
func (t *Timeline) After(pause time.Duration, do func()) {
	t.order++
	heap.Push(&t.queue, happening{at: t.now + max(0, pause), order: t.order, do: do})
}

// Run lets time pass. It stops early, where it is, as soon as goesOn, which it asks after each
// thing that has happened, is false.
func (t *Timeline) Run(d time.Duration, goesOn func() bool) {
	until := t.now + d
	for len(t.queue) > 0 && t.queue[0].at <= until {
		next := heap.Pop(&t.queue).(happening)
		t.now = next.at
		next.do()
		if !goesOn() {
			return
		}
	}
	t.now = until
}

// happening is something that happens at a time.
type happening struct {
	at    time.Duration
	order uint64
	do    func()
}

// queue is a heap of what happens next.
type queue []happening

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].order < q[j].order
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *queue) Push(x any) { *q = append(*q, x.(happening)) }

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
