package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
)

const (
	// circuitFailures is how many calls in a row must fail for the circuit to open.
	circuitFailures = 10
	// circuitPause is how long the circuit stays open before a call may try again.
	circuitPause = time.Second
)

// errServerFailed stands for an answer that says that the API server, or a proxy
// before it, cannot work.
var errServerFailed = errors.New("the API server cannot answer")

// Circuit spares a failing API server, and clients the wait for it: after several
// calls in a row without an answer, calls fail at once, and one a second finds
// out whether it is back. That the API server throttles is an answer.
type Circuit struct {
	breaker *gobreaker.CircuitBreaker[struct{}]
}

// NewCircuit returns a closed circuit and registers its metric.
func NewCircuit(registry prometheus.Registerer, tenant string, log *slog.Logger) *Circuit {
	open := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "kubescim_store_circuit_open", ConstLabels: prometheus.Labels{"tenant": tenant},
		Help: "1 while calls to the API server fail at once because it has not answered.",
	})
	registry.MustRegister(open)
	return &Circuit{breaker: gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name:        tenant,
		Timeout:     circuitPause,
		ReadyToTrip: func(counts gobreaker.Counts) bool { return counts.ConsecutiveFailures >= circuitFailures },
		// A client that went away says nothing about the API server.
		IsExcluded: func(err error) bool { return errors.Is(err, context.Canceled) },
		OnStateChange: func(_ string, from, to gobreaker.State) {
			log.Warn("the circuit to the API server has changed", slog.String("from", from.String()), slog.String("to", to.String()))
			if to == gobreaker.StateOpen {
				open.Set(1)
			} else {
				open.Set(0)
			}
		},
	})}
}

// Wrap is a client-go transport wrapper.
func (c *Circuit) Wrap(next http.RoundTripper) http.RoundTripper {
	return guarded{circuit: c, next: next}
}

type guarded struct {
	circuit *Circuit
	next    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t guarded) RoundTrip(request *http.Request) (*http.Response, error) {
	var answer *http.Response
	_, err := t.circuit.breaker.Execute(func() (struct{}, error) {
		var err error
		answer, err = t.next.RoundTrip(request) //nolint:bodyclose // The caller closes it.
		if err != nil {
			return struct{}{}, err
		}
		switch answer.StatusCode {
		case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return struct{}{}, errServerFailed
		}
		return struct{}{}, nil
	})
	switch {
	case answer != nil:
		return answer, nil
	case NotSent(err):
		return nil, fmt.Errorf("the API server has not answered of late and is left alone for a moment: %w", err)
	default:
		return nil, err
	}
}

// NotSent reports whether the error is that of a call that the circuit kept back.
func NotSent(err error) bool {
	return errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests)
}
