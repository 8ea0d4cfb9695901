package kubernetes

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
)

// Metrics count what a store does. The zero pointer counts nothing.
type Metrics struct {
	reads     *prometheus.CounterVec
	conflicts prometheus.Counter
	leftOut   prometheus.Counter
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
		leftOut: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kubescim_store_unreadable_objects_total", ConstLabels: labels,
			Help: "Times that a user, a group or members of a large group were left out of what was read at the API server, since they are not as this version of the API defines them.",
		}),
	}
	registry.MustRegister(m.reads, m.conflicts, m.leftOut)
	return m
}

// MeasureStorage registers metrics of how much the tenant's users and groups take, as
// spec.storageLimit of its ScimTenant counts it, and of how many markers there are.
func MeasureStorage(registry prometheus.Registerer, tenant string, memory *cache.Cache) {
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kubescim_stored_bytes", ConstLabels: prometheus.Labels{"tenant": tenant},
		Help: "About how many bytes the users and groups of the tenant take where they are stored, without markers.",
	}, func() float64 {
		counts := memory.Counts()
		return float64(counts.Bytes - counts.MarkerBytes)
	}), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kubescim_store_markers", ConstLabels: prometheus.Labels{"tenant": tenant},
		Help: "Markers of users and groups of the tenant that were deleted for good.",
	}, func() float64 { return float64(memory.Counts().Markers) }))
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

func (m *Metrics) unreadable() {
	if m != nil {
		m.leftOut.Inc()
	}
}
