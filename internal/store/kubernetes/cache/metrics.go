package cache

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Measure registers metrics of how far the streams are behind what their readers need. The tenant
// is the only one; empty for all of a namespace.
func (s *Streams) Measure(registry prometheus.Registerer, tenant string) {
	labels := prometheus.Labels{"tenant": tenant}
	lag := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "kubescim_cache_lag_seconds", ConstLabels: labels,
		Help:    "Time that reads waited until memory had what some replica had acknowledged, or gave up; without those that found it there.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1},
	})
	s.waited = func(lasting time.Duration) { lag.Observe(lasting.Seconds()) }
	registry.MustRegister(lag, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kubescim_cache_synced", ConstLabels: labels,
		Help: "1 while memory shows a state of the API server for every kind, and 0 while it begins anew.",
	}, func() float64 {
		if s.Synced() {
			return 1
		}
		return 0
	}))
}
