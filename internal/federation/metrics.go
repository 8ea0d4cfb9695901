package federation

import "github.com/prometheus/client_golang/prometheus"

// Metrics are about the issuers of a tenant.
type Metrics struct{ fetches *prometheus.CounterVec }

// NewMetrics registers the metrics of a tenant.
func NewMetrics(registerer prometheus.Registerer, tenant string) *Metrics {
	m := &Metrics{fetches: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name:        "kubescim_issuer_key_fetches_total",
		Help:        "How often the keys of an issuer of assertions were fetched, by whether that succeeded.",
		ConstLabels: prometheus.Labels{"tenant": tenant},
	}, []string{"result"})}
	registerer.MustRegister(m.fetches)
	return m
}

// count counts that an issuer was asked.
func (m *Metrics) count(err error) {
	result := "success"
	if err != nil {
		result = "failure"
	}
	m.fetches.WithLabelValues(result).Inc()
}
