package upkeep

import "github.com/prometheus/client_golang/prometheus"

// Metrics count what the upkeep does.
type Metrics struct {
	// Repairs are claims that were repaired, by what was wrong.
	Repairs *prometheus.CounterVec
	// Removed are kept users whose retention was over.
	Removed prometheus.Counter
	// Left are memberships that were removed, by the evidence.
	Left *prometheus.CounterVec
	// Labels are labels that were put back, by the label.
	Labels *prometheus.CounterVec
	// Selectable are users whose labels or spec.lookup were written.
	Selectable prometheus.Counter
	// Absent is how many members are absent at the moment.
	Absent prometheus.Gauge
}

func newMetrics(registry prometheus.Registerer, tenant string) Metrics {
	labels := prometheus.Labels{"tenant": tenant}
	m := Metrics{
		Repairs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kubescim_store_claim_repairs_total", ConstLabels: labels,
			Help: "Claims of names that were repaired, by what was wrong: Missing, WrongHolder, Orphan or Duplicate, which is reported and not repaired.",
		}, []string{"repair"}),
		Removed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kubescim_store_kept_users_removed_total", ConstLabels: labels,
			Help: "Kept users that were removed at the end of their retention.",
		}),
		Left: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kubescim_store_members_removed_total", ConstLabels: labels,
			Help: "Memberships that were removed since the member or the group does not exist, by the evidence: Deleted, or Absent for long.",
		}, []string{"evidence"}),
		Labels: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kubescim_store_labels_restored_total", ConstLabels: labels,
			Help: "Labels of users, groups and members of large groups that were missing or wrong and have been put back, by the label.",
		}, []string{"label"}),
		Selectable: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kubescim_store_users_made_selectable_total", ConstLabels: labels,
			Help: "Users who were there already and got labels by their attributes, or spec.lookup.",
		}),
		Absent: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "kubescim_store_absent_members", ConstLabels: labels,
			Help: "Ids that groups list as members and that no user or group has, although nobody has deleted any.",
		}),
	}
	registry.MustRegister(m.Repairs, m.Removed, m.Left, m.Labels, m.Selectable, m.Absent)
	return m
}
