package transport

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/prometheus/client_golang/prometheus"
)

func TestCircuit(t *testing.T) {
	g := NewWithT(t)
	var (
		status atomic.Int64
		calls  atomic.Int64
	)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(int(status.Load()))
	}))
	defer server.Close()
	circuit := NewCircuit(prometheus.NewRegistry(), "acme", slog.New(slog.DiscardHandler))
	caller := &http.Client{Transport: circuit.Wrap(http.DefaultTransport)}
	call := func(ctx context.Context) (int, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		g.Expect(err).NotTo(HaveOccurred())
		answer, err := caller.Do(request)
		if err != nil {
			return 0, err
		}
		g.Expect(answer.Body.Close()).To(Succeed())
		return answer.StatusCode, nil
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()

	for _, answer := range []int64{http.StatusTooManyRequests, http.StatusConflict, http.StatusInternalServerError} {
		status.Store(answer)
		for range 2 * circuitFailures {
			g.Expect(call(t.Context())).To(BeEquivalentTo(answer), "an answer keeps the circuit closed")
			_, err := call(canceled)
			g.Expect(errors.Is(err, context.Canceled)).To(BeTrue())
		}
	}

	status.Store(http.StatusServiceUnavailable)
	for range circuitFailures {
		g.Expect(call(t.Context())).To(Equal(http.StatusServiceUnavailable))
	}
	before := calls.Load()
	_, err := call(t.Context())
	g.Expect(NotSent(err)).To(BeTrue())
	g.Expect(calls.Load()).To(Equal(before))

	status.Store(http.StatusOK)
	g.Eventually(func() (int, error) { return call(t.Context()) }, 5*time.Second).Should(Equal(http.StatusOK))
	g.Expect(call(t.Context())).To(Equal(http.StatusOK))
}
