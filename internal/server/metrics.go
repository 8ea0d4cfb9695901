package server

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the metrics of one tenant.
type Metrics struct {
	duration *prometheus.HistogramVec
	refused  *prometheus.CounterVec
	shed     prometheus.Counter
	dropped  prometheus.Counter
}

// NewMetrics registers the metrics of a tenant.
func NewMetrics(registerer prometheus.Registerer, tenant string) *Metrics {
	labels := prometheus.Labels{"tenant": tenant}
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:        "scim_request_duration_seconds",
		Help:        "Time from the arrival of a SCIM request to its answer.",
		ConstLabels: labels,
		Buckets:     []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"method", "resource", "code"})
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}
	}
	m := &Metrics{
		duration: duration,
		refused: prometheus.NewCounterVec(counter("scim_credentials_refused_total",
			"Requests without a good token, by what was wrong with it."), []string{"reason"}),
		shed: prometheus.NewCounter(counter("scim_connections_shed_total",
			"Connections that were closed because there were too many: those without a good token first.")),
		dropped: prometheus.NewCounter(counter("scim_members_dropped_total",
			"Members that groups were written without, since the tenant does not know their ids.")),
	}
	registerer.MustRegister(m.duration, m.refused, m.shed, m.dropped)
	return m
}

// of returns where requests of a kind are counted. The labels are bounded: a URL that is
// not SCIM's counts under one name.
func (m *Metrics) of(k kind) prometheus.Observer {
	if k.resource == "" {
		k.resource = "none"
	}
	return m.duration.WithLabelValues(k.method, k.resource, strconv.Itoa(k.status))
}

// methodOf returns the method of a request for the log and the metrics: "other" for one
// that a client has made up, of which there is no end.
func methodOf(r *http.Request) string {
	if standard(r.Method) {
		return r.Method
	}
	return "other"
}

// standard reports whether the method is one of those that SCIM has (RFC 7644
// section 3.2) or HEAD.
func standard(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	}
	return false
}
