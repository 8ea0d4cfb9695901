package accesslog

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the metrics of one tenant.
type Metrics struct {
	duration  *prometheus.HistogramVec
	requests  *prometheus.CounterVec
	refused   *prometheus.CounterVec
	overLimit *prometheus.CounterVec
	dropped   prometheus.Counter
}

// Durations have the time that requests took. They are those of one tenant, or of all tenants of
// a process: a histogram for each of many would take more room than its users do.
type Durations struct{ *prometheus.HistogramVec }

// NewDurations registers the metric; the tenant is empty for all of a process.
func NewDurations(registerer prometheus.Registerer, tenant string) Durations {
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:        "kubescim_request_duration_seconds",
		Help:        "Time from the arrival of a SCIM request to its answer.",
		ConstLabels: prometheus.Labels{"tenant": tenant},
		Buckets:     []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"method", "resource", "code"})
	registerer.MustRegister(duration)
	return Durations{duration}
}

// NewMetrics registers the metrics of a tenant that is alone in its process.
func NewMetrics(registerer prometheus.Registerer, tenant string) *Metrics {
	return NewMetricsWith(NewDurations(registerer, tenant), registerer, tenant)
}

// NewMetricsWith registers the metrics of a tenant but for the durations, which are those.
func NewMetricsWith(durations Durations, registerer prometheus.Registerer, tenant string) *Metrics {
	labels := prometheus.Labels{"tenant": tenant}
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Name: name, Help: help, ConstLabels: labels}
	}
	m := &Metrics{
		duration: durations.HistogramVec,
		requests: prometheus.NewCounterVec(counter("kubescim_requests_total",
			"SCIM requests by the status of the answer, and by its scimType, which is empty where the answer has none."),
			[]string{"code", "scim_type"}),
		refused: prometheus.NewCounterVec(counter("kubescim_credentials_refused_total",
			"Requests without a good token, by what was wrong with it."), []string{"reason"}),
		overLimit: prometheus.NewCounterVec(counter("kubescim_requests_over_limit_total",
			"Requests with a good token that were refused since they came too soon after others, by the limit."), []string{"limit"}),
		dropped: prometheus.NewCounter(counter("kubescim_members_dropped_total",
			"Members that groups were written without, since the tenant does not know their ids.")),
	}
	registerer.MustRegister(m.requests, m.refused, m.overLimit, m.dropped)
	return m
}

// observer returns where the durations of requests of a class go, and counter where these are
// counted. The labels are bounded: a URL that is not SCIM's counts under one name.
func (m *Metrics) observer(c class) prometheus.Observer {
	if c.resource == "" {
		c.resource = "none"
	}
	return m.duration.WithLabelValues(c.method, c.resource, strconv.Itoa(c.status))
}

func (m *Metrics) counter(c class) prometheus.Counter {
	return m.requests.WithLabelValues(strconv.Itoa(c.status), string(c.scimType))
}
