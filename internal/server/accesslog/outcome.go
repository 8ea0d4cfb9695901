package accesslog

import (
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubescim/kubescim/internal/scim"
)

// class is what requests have in common that are logged and counted alike.
type class struct {
	method, resource string
	status           int
	scimType         scim.ErrorType // empty of what was not refused, or for no reason that has one
}

// outcome is where a request of a class is logged and counted.
type outcome struct {
	log      slog.Handler // has the class in its lines
	duration prometheus.Observer
	requests prometheus.Counter
}

// outcomes keeps the outcome of each class that there has been: to make one for each
// request would be a large part of what a read costs.
type outcomes struct {
	log     slog.Handler
	metrics *Metrics

	mu    sync.RWMutex
	known map[class]outcome
}

func newOutcomes(log slog.Handler, metrics *Metrics) *outcomes {
	return &outcomes{log: log, metrics: metrics, known: map[class]outcome{}}
}

func (o *outcomes) of(c class) outcome {
	o.mu.RLock()
	found, known := o.known[c]
	o.mu.RUnlock()
	if known {
		return found
	}
	found = outcome{
		log: o.log.WithAttrs([]slog.Attr{
			slog.String("method", c.method), slog.String("resource", c.resource), slog.Int("status", c.status),
		}),
		duration: o.metrics.observer(c),
		requests: o.metrics.counter(c),
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.known[c] = found
	return found
}
