package load

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// Worker does one operation after the other, as one of several clients.
type Worker interface {
	// Do does one operation and returns how long the part of it took that is measured.
	Do(ctx context.Context) (time.Duration, error)
	// Close frees what the worker holds.
	Close()
}

// Window is a short, bounded measurement.
type Window struct {
	// Concurrency is the number of workers.
	Concurrency int
	// Warmup is how long the workers work before it counts. Each does at least one operation first, which opens
	// its connection.
	Warmup time.Duration
	// Duration is the longest time to measure for. Operations that have begun are ended.
	Duration time.Duration
	// Count is how many operations to measure at the most; 0 is as many as there is time for.
	Count int
}

// Run measures one window. The error is about making workers; failures of operations are in the sample.
func (w Window) Run(ctx context.Context, newWorker func() (Worker, error)) (result.Sample, error) {
	crew := make([]*crewMember, w.Concurrency)
	for i := range crew {
		worker, err := newWorker()
		if err != nil {
			return result.Sample{}, err
		}
		defer worker.Close()
		crew[i] = &crewMember{worker: worker}
	}
	runtime.GC() // What the last window left must not be collected in this one.

	warmEnd := time.Now().Add(w.Warmup)
	together(crew, func(m *crewMember) { m.warmUp(ctx, warmEnd) })

	began := time.Now()
	var taken atomic.Int64
	together(crew, func(m *crewMember) {
		m.measure(ctx, func() bool {
			return time.Since(began) < w.Duration && (w.Count == 0 || taken.Add(1) <= int64(w.Count))
		})
	})
	took := time.Since(began)

	var latencies []time.Duration
	var failures []error
	for _, m := range crew {
		latencies = append(latencies, m.latencies...)
		failures = append(failures, m.failures...)
	}
	slices.Sort(latencies)
	sample := result.NewSample(latencies, took)
	sample.Failures = len(failures)
	if len(failures) > 0 {
		sample.Failure = failures[0].Error()
	}
	return sample, ctx.Err()
}

// crewMember is a worker with what it has measured.
type crewMember struct {
	worker    Worker
	latencies []time.Duration
	failures  []error
}

// warmUp works until a time, and does one operation at least. What fails here fails again in the measurement,
// and is told then.
func (m *crewMember) warmUp(ctx context.Context, until time.Time) {
	for {
		_, err := m.worker.Do(ctx)
		if err != nil || ctx.Err() != nil || !time.Now().Before(until) {
			return
		}
	}
}

// maxFailures bounds how often a worker fails before it stops: nothing is learnt from more.
const maxFailures = 100

// measure works for as long as there is more to do, and remembers how it went.
func (m *crewMember) measure(ctx context.Context, more func() bool) {
	for ctx.Err() == nil && len(m.failures) < maxFailures && more() {
		took, err := m.worker.Do(ctx)
		switch {
		case err == nil:
			m.latencies = append(m.latencies, took)
		case !errors.Is(err, context.Canceled):
			m.failures = append(m.failures, err)
		}
	}
}

// together calls do for each member at the same time and waits for all.
func together(crew []*crewMember, do func(*crewMember)) {
	var wait sync.WaitGroup
	for _, m := range crew {
		wait.Go(func() { do(m) })
	}
	wait.Wait()
}
