package driver

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of one tenant's replica.
type metrics struct {
	answered  prometheus.Counter
	failed    prometheus.Counter
	duration  prometheus.Histogram
	fallbacks prometheus.Counter
}

// newMetrics registers the metrics of a replica.
func newMetrics(registerer prometheus.Registerer, tenant string, n *node) (*metrics, error) {
	labels := prometheus.Labels{"tenant": tenant}
	rounds := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name:        "kubescim_barrier_rounds_total",
		Help:        "Rounds in which the other replicas were asked how far their answers go, by outcome.",
		ConstLabels: labels,
	}, []string{"outcome"})
	m := &metrics{
		answered: rounds.WithLabelValues("answered"),
		failed:   rounds.WithLabelValues("failed"),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:        "kubescim_barrier_round_duration_seconds",
			Help:        "Time that one round took.",
			ConstLabels: labels,
			Buckets:     []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1},
		}),
		fallbacks: prometheus.NewCounter(prometheus.CounterOpts{
			Name:        "kubescim_barrier_fallbacks_total",
			Help:        "Times that a reader could not learn how new its store must be, and was left to the API server.",
			ConstLabels: labels,
		}),
	}
	members := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "kubescim_barrier_members",
		Help:        "Replicas of the tenant that this one knows, itself included.",
		ConstLabels: labels,
	}, func() float64 { return float64(n.view.Load().Members) })
	member := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "kubescim_barrier_member",
		Help:        "1 while this replica may answer clients.",
		ConstLabels: labels,
	}, func() float64 {
		if n.member() {
			return 1
		}
		return 0
	})
	var errs []error
	for _, collector := range []prometheus.Collector{rounds, m.duration, m.fallbacks, members, member} {
		errs = append(errs, registerer.Register(collector))
	}
	return m, errors.Join(errs...)
}

// observe counts one round.
func (m *metrics) observe(began time.Time, err error) {
	if err != nil {
		m.failed.Inc()
	} else {
		m.answered.Inc()
	}
	m.duration.Observe(time.Since(began).Seconds())
}
