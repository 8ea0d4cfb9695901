package load

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serve starts a real HTTP server on loopback.
func serve(t *testing.T, handler http.HandlerFunc) Target {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return Target{Base: server.URL + "/scim/v2", Token: "secret"}
}

func connect(t *testing.T, target Target) *Conn {
	t.Helper()
	conn, err := NewConn(target)
	if err != nil {
		t.Fatalf("NewConn: %v", err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func TestConnSendsWhatItIsTold(t *testing.T) {
	conn := connect(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, strings.Join([]string{
			r.Method, r.URL.RequestURI(), r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(body)}, " "))
	}))
	for range 2 { // The second one goes over the same connection.
		body, err := conn.Do(t.Context(), Request{
			Method: http.MethodPost, Path: "/Users?a=b", Body: []byte(`{"userName":"a"}`), Status: http.StatusCreated, Contains: "userName",
		})
		if err != nil {
			t.Fatalf("Do: %v", err)
		}
		want := `POST /scim/v2/Users?a=b Bearer secret application/scim+json {"userName":"a"}`
		if string(body) != want {
			t.Errorf("the server got %q, want %q", body, want)
		}
	}
}

func TestConnReadsLongAndChunkedAnswers(t *testing.T) {
	long := strings.Repeat("0123456789", 50_000)
	conn := connect(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, long[:10])
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, long[10:])
	}))
	body, err := conn.Do(t.Context(), Request{Method: http.MethodGet, Path: "/", Status: http.StatusOK})
	if err != nil || string(body) != long {
		t.Errorf("got %d bytes and %v, want %d", len(body), err, len(long))
	}
}

func TestConnOpensAnotherOneWhenTheServerCloses(t *testing.T) {
	conn := connect(t, serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }))
	for range 3 {
		if _, err := conn.Do(t.Context(), Request{Method: http.MethodGet, Path: "/", Status: http.StatusOK}); err != nil {
			t.Fatalf("Do: %v", err)
		}
	}
}

func TestConnTellsUnexpectedAnswers(t *testing.T) {
	conn := connect(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/scim/v2/ok" {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, `{"detail":"too many members"}`)
	}))
	_, err := conn.Do(t.Context(), Request{Method: http.MethodGet, Path: "/bad", Status: http.StatusOK})
	var status *StatusError
	if !errors.As(err, &status) || status.Status != http.StatusBadRequest || status.Detail != "too many members" {
		t.Errorf("got %v, want the status and what the server says", err)
	}
	if _, err = conn.Do(t.Context(), Request{Method: http.MethodGet, Path: "/ok", Status: http.StatusOK, Contains: "alice"}); err == nil {
		t.Error("an answer without what it must contain was accepted")
	}
}

func TestConnGoesToLoopbackOnly(t *testing.T) {
	for _, base := range []string{"http://192.0.2.1/scim/v2", "http://example.com", "https://127.0.0.1", "127.0.0.1:80", ""} {
		if _, err := NewConn(Target{Base: base}); err == nil {
			t.Errorf("NewConn accepts %q", base)
		}
	}
	for _, base := range []string{"http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"} {
		if _, err := NewConn(Target{Base: base}); err != nil {
			t.Errorf("NewConn: %v", err)
		}
	}
}

// counter is a worker that counts.
type counter struct {
	done, closed *atomic.Int64
	fails        bool
}

func (c counter) Do(context.Context) (time.Duration, error) {
	n := c.done.Add(1)
	if c.fails {
		return 0, errors.New("no such thing")
	}
	return time.Duration(n) * time.Millisecond, nil
}

func (c counter) Close() { c.closed.Add(1) }

func TestWindow(t *testing.T) {
	for name, test := range map[string]struct {
		window                         Window
		fails                          bool
		operations, failures, attempts int
	}{
		"a count":                            {window: Window{Concurrency: 3, Duration: time.Minute, Count: 10}, operations: 10, attempts: 13},
		"no time but for the first":          {window: Window{Concurrency: 4}, attempts: 4},
		"failures are counted and bounded":   {window: Window{Concurrency: 2, Duration: time.Minute}, fails: true, failures: 2 * maxFailures, attempts: 2 + 2*maxFailures},
		"failures are part of the count too": {window: Window{Concurrency: 2, Duration: time.Minute, Count: 6}, fails: true, failures: 6, attempts: 8},
	} {
		t.Run(name, func(t *testing.T) {
			var done, closed atomic.Int64
			sample, err := test.window.Run(t.Context(), func() (Worker, error) { return counter{&done, &closed, test.fails}, nil })
			if err != nil {
				t.Fatalf("Run: %v", err)
			}
			if sample.Operations != test.operations || sample.Failures != test.failures || done.Load() != int64(test.attempts) {
				t.Errorf("got %+v after %d operations, want %d good and %d bad of %d",
					sample, done.Load(), test.operations, test.failures, test.attempts)
			}
			if closed.Load() != int64(test.window.Concurrency) {
				t.Errorf("%d workers were closed, want %d", closed.Load(), test.window.Concurrency)
			}
		})
	}
}

func TestWindowEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var done, closed atomic.Int64
	_, err := Window{Concurrency: 2, Warmup: time.Hour, Duration: time.Hour}.Run(ctx, func() (Worker, error) {
		return counter{done: &done, closed: &closed}, nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the context was canceled", err)
	}
}

func TestRequestsReadAnswers(t *testing.T) {
	target := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) })
	var sent atomic.Int64
	var got string
	worker, err := Requests(target, func() Request {
		sent.Add(1)
		return Request{Method: http.MethodGet, Path: "/Users", Status: http.StatusOK}
	}, func(body []byte) error {
		got = string(body)
		return errors.New("unreadable")
	})()
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Close()
	took, err := worker.Do(t.Context())
	if err == nil || took <= 0 || got != "/scim/v2/Users" || sent.Load() != 1 {
		t.Errorf("got %q in %s and %v; want the body, a time, and the error of the reader", got, took, err)
	}
}
