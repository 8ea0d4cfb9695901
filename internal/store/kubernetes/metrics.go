package kubernetes

import "github.com/prometheus/client_golang/prometheus"

// Metrics count what a store does. The zero pointer counts nothing.
type Metrics struct {
	reads     *prometheus.CounterVec
	conflicts prometheus.Counter
}

// NewMetrics registers the metrics of a tenant's store.
func NewMetrics(registry prometheus.Registerer, tenant string) *Metrics {
	labels := prometheus.Labels{"tenant": tenant}
	m := &Metrics{
		reads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kubescim_store_reads_total", ConstLabels: labels,
			Help: "Reads by where they were served from: memory, or the API server while memory could not be known to be current.",
		}, []string{"source"}),
		conflicts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kubescim_store_conflicts_total", ConstLabels: labels,
			Help: "Writes that were repeated because somebody else wrote the same object first.",
		}),
	}
	registry.MustRegister(m.reads, m.conflicts)
	return m
}

func (m *Metrics) read(fromMemory bool) {
	if m == nil {
		return
	}
	source := "api"
	if fromMemory {
		source = "memory"
	}
	m.reads.WithLabelValues(source).Inc()
}

func (m *Metrics) conflict() {
	if m != nil {
		m.conflicts.Inc()
	}
}
