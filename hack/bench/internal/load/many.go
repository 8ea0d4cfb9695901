package load

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// RequestsToMany makes workers as Requests does, for targets between which each request chooses: next returns the index
// of one too, and read gets it. A worker has one connection to each address, whichever targets are there.
func RequestsToMany(targets []Target, next func() (int, Request), read func(int, []byte) error) func() (Worker, error) {
	return func() (Worker, error) {
		w := &manyRequester{aims: make([]aim, len(targets)), conns: map[string]*Conn{}, next: next, read: read}
		for i, target := range targets {
			var err error
			if w.aims[i], err = newAim(target); err != nil {
				return nil, err
			}
		}
		return w, nil
	}
}

// manyRequester is a Worker that sends requests to many targets.
type manyRequester struct {
	aims  []aim
	conns map[string]*Conn
	next  func() (int, Request)
	read  func(int, []byte) error
}

// Do sends a request.
func (r *manyRequester) Do(ctx context.Context) (time.Duration, error) {
	i, request := r.next()
	at := r.aims[i]
	conn, open := r.conns[at.address]
	if !open {
		conn = newConn(at)
		r.conns[at.address] = conn
	}
	conn.aim = at
	began := time.Now()
	body, err := conn.Do(ctx, request)
	took := time.Since(began)
	if err == nil && r.read != nil {
		err = r.read(i, body)
	}
	return took, err
}

// Close closes the connections.
func (r *manyRequester) Close() {
	for _, conn := range r.conns {
		conn.Close()
	}
}

// Paced makes workers that together do so many operations in a second at the most. What they wait for that is not
// measured.
func Paced(perSecond float64, newWorker func() (Worker, error)) func() (Worker, error) {
	limiter := rate.NewLimiter(rate.Limit(perSecond), 1)
	return wrapped(newWorker, func(ctx context.Context, w Worker) (time.Duration, error) {
		if err := limiter.Wait(ctx); err != nil {
			return 0, context.Cause(ctx)
		}
		return w.Do(ctx)
	})
}

// Refusals counts answers 429.
type Refusals struct{ count atomic.Int64 }

// Count returns how many there were.
func (r *Refusals) Count() int { return int(r.count.Load()) }

// Of makes workers to which 429 is an answer like any other, and counts it.
func (r *Refusals) Of(newWorker func() (Worker, error)) func() (Worker, error) {
	return wrapped(newWorker, func(ctx context.Context, w Worker) (time.Duration, error) {
		took, err := w.Do(ctx)
		var status *StatusError
		if errors.As(err, &status) && status.Status == http.StatusTooManyRequests {
			r.count.Add(1)
			return took, nil
		}
		return took, err
	})
}

// wrapped makes workers that do something around each operation.
func wrapped(newWorker func() (Worker, error), do func(context.Context, Worker) (time.Duration, error)) func() (Worker, error) {
	return func() (Worker, error) {
		w, err := newWorker()
		if err != nil {
			return nil, err
		}
		return &wrapper{Worker: w, do: do}, nil
	}
}

type wrapper struct {
	Worker
	do func(context.Context, Worker) (time.Duration, error)
}

// Do does an operation, and what is around it.
func (w *wrapper) Do(ctx context.Context) (time.Duration, error) { return w.do(ctx, w.Worker) }
