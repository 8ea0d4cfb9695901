package server

import (
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// kind is what requests have in common that are logged and counted alike.
type kind struct {
	method, resource string
	status           int
}

// outcome is where a request of a kind is logged and counted.
type outcome struct {
	log      slog.Handler // has the kind in its lines
	duration prometheus.Observer
}

// outcomes keeps the outcome of each kind that there has been: to make one for each
// request would be a large part of what a read costs.
type outcomes struct {
	log     slog.Handler
	metrics *Metrics

	mu    sync.RWMutex
	known map[kind]outcome
}

func newOutcomes(log slog.Handler, metrics *Metrics) *outcomes {
	return &outcomes{log: log, metrics: metrics, known: map[kind]outcome{}}
}

func (o *outcomes) of(k kind) outcome {
	o.mu.RLock()
	found, known := o.known[k]
	o.mu.RUnlock()
	if known {
		return found
	}
	found = outcome{
		log: o.log.WithAttrs([]slog.Attr{
			slog.String("method", k.method), slog.String("resource", k.resource), slog.Int("status", k.status),
		}),
		duration: o.metrics.of(k),
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.known[k] = found
	return found
}
