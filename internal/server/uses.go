package server

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// MeasureUses registers a metric of when each key of a tenant was used last, for those that
// were used latest, and at most so many.
func MeasureUses(registry prometheus.Registerer, name string, tenant *Tenant, most int) {
	registry.MustRegister(&uses{tenant: tenant, most: most, last: prometheus.NewDesc(
		"kubescim_key_last_used_timestamp_seconds",
		"When the last request with a token came to this pod, by the token's key id, in seconds since 1970.",
		[]string{"key_id"}, prometheus.Labels{"tenant": name},
	)})
}

// uses is the metric. It is collected when somebody asks: to write it at each request would
// cost more than to note the use, and what was revoked would have to be taken out.
type uses struct {
	tenant *Tenant
	most   int
	last   *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (u *uses) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- u.last }

// Collect implements prometheus.Collector.
func (u *uses) Collect(metrics chan<- prometheus.Metric) {
	for keyID, at := range u.tenant.LastUses(u.most) {
		seconds := float64(at.UnixNano()) / float64(time.Second)
		metrics <- prometheus.MustNewConstMetric(u.last, prometheus.GaugeValue, seconds, keyID)
	}
}
