package driver

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// roundBuckets are of what takes about as long as a round, in seconds.
var roundBuckets = []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1}

// metrics are those of one tenant's replica.
type metrics struct {
	answered  prometheus.Counter
	failed    prometheus.Counter
	duration  prometheus.Histogram
	promised  prometheus.Counter
	disclosed prometheus.Histogram
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
			Buckets:     roundBuckets,
		}),
		promised: prometheus.NewCounter(prometheus.CounterOpts{
			Name:        "kubescim_barrier_promised_reads_total",
			Help:        "Times that a reader asked no other replica, since all had promised to tell of news first.",
			ConstLabels: labels,
		}),
		disclosed: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:        "kubescim_barrier_disclosure_duration_seconds",
			Help:        "Time that answers waited until other replicas knew what they had been promised to be told first.",
			ConstLabels: labels,
			Buckets:     roundBuckets,
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
	for _, collector := range []prometheus.Collector{rounds, m.duration, m.promised, m.disclosed, m.fallbacks, members, member} {
		errs = append(errs, registerer.Register(collector))
	}
	return m, errors.Join(errs...)
}

// disclosure counts one.
func (m *metrics) disclosure(began time.Time) { m.disclosed.Observe(time.Since(began).Seconds()) }

// observe counts one round.
func (m *metrics) observe(began time.Time, err error) {
	if err != nil {
		m.failed.Inc()
	} else {
		m.answered.Inc()
	}
	m.duration.Observe(time.Since(began).Seconds())
}
