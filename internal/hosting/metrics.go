package hosting

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Gather implements prometheus.Gatherer: the metrics of the process, and those of its tenants. Of
// many tenants, what is 0 is left out, so that one that is at rest takes no room in Prometheus.
func (p *Process) Gather() ([]*dto.MetricFamily, error) {
	all := prometheus.Gatherers{p.Metrics}
	if p.Only == "" {
		for _, one := range p.all() {
			all = append(all, nonZero{one.metrics})
		}
	}
	return all.Gather()
}

// nonZero is a gatherer without what is 0.
type nonZero struct{ prometheus.Gatherer }

// Gather implements prometheus.Gatherer.
func (n nonZero) Gather() ([]*dto.MetricFamily, error) {
	all, err := n.Gatherer.Gather()
	families := all[:0]
	for _, family := range all {
		kept := family.Metric[:0]
		for _, metric := range family.Metric {
			if metric.GetCounter().GetValue() != 0 || metric.GetGauge().GetValue() != 0 {
				kept = append(kept, metric)
			}
		}
		if family.Metric = kept; len(kept) > 0 {
			families = append(families, family)
		}
	}
	return families, err
}
