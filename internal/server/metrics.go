package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the metrics of one tenant.
type Metrics struct {
	duration *prometheus.HistogramVec
}

// NewMetrics registers the metrics of a tenant.
func NewMetrics(registerer prometheus.Registerer, tenant string) *Metrics {
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:        "scim_request_duration_seconds",
		Help:        "Time from the arrival of a SCIM request to its answer.",
		ConstLabels: prometheus.Labels{"tenant": tenant},
		Buckets:     []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"method", "resource", "code"})
	registerer.MustRegister(duration)
	return &Metrics{duration: duration}
}

// observe counts one request. The labels are bounded: a method or URL that is
// not SCIM's counts under one name.
func (m *Metrics) observe(method, resource string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		method = "other"
	}
	if resource == "" {
		resource = "none"
	}
	m.duration.WithLabelValues(method, resource, strconv.Itoa(status)).Observe(took.Seconds())
}
