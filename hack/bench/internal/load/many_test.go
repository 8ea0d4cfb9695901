package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

func TestRequestsToManyHaveThePathAndTheTokenOfTheirTarget(t *testing.T) {
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.URL.Path+" "+r.Header.Get("Authorization"))
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	var targets []Target
	for i := range 3 {
		targets = append(targets, Target{Base: fmt.Sprintf("%s/tenant-%d/scim/v2", server.URL, i), Token: fmt.Sprintf("token-%d", i)})
	}
	turn := -1
	read := 0
	worker, err := RequestsToMany(targets, func() (int, Request) {
		turn++
		return turn % 3, Request{Method: http.MethodGet, Path: "/Users", Status: http.StatusOK}
	}, func(i int, body []byte) error {
		read++
		if want := fmt.Sprintf("/tenant-%d/scim/v2/Users Bearer token-%d", i, i); string(body) != want {
			return fmt.Errorf("got %q, want %q", body, want)
		}
		return nil
	})()
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Close()
	for range 6 {
		if _, err := worker.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if read != 6 || connections.Load() != 1 {
		t.Errorf("%d answers were read over %d connections, want 6 over 1", read, connections.Load())
	}
}

func TestRequestsToManyGoToLoopbackOnly(t *testing.T) {
	targets := []Target{{Base: "http://127.0.0.1:1"}, {Base: "http://192.0.2.1"}}
	if _, err := RequestsToMany(targets, nil, nil)(); err == nil {
		t.Error("a target elsewhere was accepted")
	}
}

func TestPaced(t *testing.T) {
	var done, closed atomic.Int64
	window := Window{Concurrency: 4, Duration: 500 * time.Millisecond}
	sample, err := window.Run(t.Context(), Paced(40, func() (Worker, error) { return counter{done: &done, closed: &closed}, nil }))
	if err != nil {
		t.Fatal(err)
	}
	// Each worker has one operation before it counts, and one that had begun when time was up.
	if sample.Operations == 0 || sample.Operations > 20+4 || closed.Load() != 4 {
		t.Errorf("%d operations in half a second at 40/s, and %d workers closed", sample.Operations, closed.Load())
	}
}

func TestRefusalsAreAnswers(t *testing.T) {
	answers := []error{nil, &StatusError{Status: 429}, &StatusError{Status: 503}, errors.New("connection reset")}
	turn := -1
	var refusals Refusals
	worker, err := refusals.Of(func() (Worker, error) {
		return workerFunc(func() error { turn++; return answers[turn] }), nil
	})()
	if err != nil {
		t.Fatal(err)
	}
	for i, fails := range []bool{false, false, true, true} {
		if _, err := worker.Do(t.Context()); (err != nil) != fails {
			t.Errorf("answer %d: got %v", i, err)
		}
	}
	if refusals.Count() != 1 {
		t.Errorf("%d refusals, want 1", refusals.Count())
	}
}

// workerFunc is a Worker that takes no time.
type workerFunc func() error

func (f workerFunc) Do(context.Context) (time.Duration, error) { return 0, f() }
func (f workerFunc) Close()                                    {}
