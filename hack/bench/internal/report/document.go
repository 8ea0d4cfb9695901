package report

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// Markers of the parts of the document that are generated.
const (
	begin        = "<!-- results: written by `make bench-docs`, do not edit -->"
	end          = "<!-- end of results -->"
	tenantsBegin = "<!-- tenants: written by `make bench-docs`, do not edit -->"
	tenantsEnd   = "<!-- end of tenants -->"
)

// Insert puts the results of a run between the markers of a document. plots is the folder of the plots, as seen from
// the document.
func Insert(document string, run *result.Run, plots string) (string, error) {
	return insert(document, begin, Results(run, plots), end)
}

// InsertTenants puts the results of a run with many tenants between their markers.
func InsertTenants(document string, run *result.TenantsRun) (string, error) {
	return insert(document, tenantsBegin, Tenants(run), tenantsEnd)
}

// insert puts a text between two markers.
func insert(document, begin, text, end string) (string, error) {
	before, rest, ok := strings.Cut(document, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", errors.New("the document lacks the markers between which results go: " + begin + " and " + end)
	}
	return before + begin + "\n\n" + text + "\n" + end + after, nil
}

// measured says when and on what a run took place.
func measured(started time.Time, seconds float64, m result.Machine) string {
	return fmt.Sprintf("Measured on %s in %s, on %d CPUs and %d GB of memory (%s), Kubernetes %s, Kubescim at %s.",
		started.UTC().Format("2 January 2006"), (time.Duration(seconds) * time.Second).String(),
		m.CPUs, (m.MemoryMB+512)/1024, m.System, m.Kubernetes, m.Kubescim)
}

// Results writes a run in Markdown.
func Results(run *result.Run, plots string) string {
	parts := []string{measured(run.Started, run.Seconds, run.Machine)}
	parts = append(parts, "#### Targets", targets(run.Verdicts(), "users"))
	for _, note := range notes(run.Verdicts(), "users") {
		parts = append(parts, "- "+note)
	}
	parts = append(parts, "#### Requests", requests(run))
	parts = append(parts, "#### Memory, disk and start", footprints(run))
	parts = append(parts, "#### Plots")
	for _, plot := range Plots(run) {
		parts = append(parts, fmt.Sprintf("![%s](%s/%s)", plot.Text, plots, plot.File))
	}
	return strings.Join(parts, "\n\n") + "\n"
}

// targets is the table of verdicts at numbers of users, or of what else there are many.
func targets(verdicts []result.Verdict, of string) string {
	rows := [][]string{{"target", of, "Kubescim", "compared with", "ratio (range), or value", "wanted", "outcome"}}
	for _, v := range verdicts {
		rows = append(rows, []string{
			v.Target, result.Thousands(v.Size), dash(v.Kubescim), dash(v.Other), dash(v.Value), v.Wanted, string(v.Outcome),
		})
	}
	return markdown(rows)
}

// requests is the table of all measurements with requests.
func requests(run *result.Run) string {
	rows := [][]string{{"request", "users", "pods", "clients", "server", "its users, or members", "rate", "p50", "p99"}}
	for i := range run.Measurements {
		m := &run.Measurements[i]
		for j := range m.Series {
			s := &m.Series[j]
			row := []string{m.Name, result.Thousands(m.Users), fmt.Sprint(m.Replicas), fmt.Sprint(m.Concurrency), s.Subject, "–"}
			if s.Size > 0 {
				row[5] = result.Thousands(s.Size)
			}
			if s.NotMeasured != "" {
				row = append(row, "not measured", "–", "–")
			} else {
				row = append(row, rate(m, s), result.Figure(s.Median(result.P50))+" ms", result.Figure(s.Median(result.P99))+" ms")
			}
			rows = append(rows, row)
		}
	}
	return markdown(rows)
}

// rate writes the rate of a series. A single client does more than what is measured, so that its rate says nothing.
func rate(m *result.Measurement, s *result.Series) string {
	if m.Concurrency == 1 {
		return "–"
	}
	return result.Figure(s.Median(result.Rate)) + "/s"
}

// footprints is the table of what servers and Kubernetes need.
func footprints(run *result.Run) string {
	rows := [][]string{{"users", "server pods after creation", "after all reads", "API server", "etcd", "etcd's database", "Ready after"}}
	for _, f := range run.Footprints {
		rows = append(rows, []string{
			result.Thousands(f.Users), megabytes(f.Servers...), megabytes(f.ServersLater...), megabytes(f.APIServer),
			megabytes(f.Etcd), megabytes(f.Database), seconds(f.ColdStarts),
		})
	}
	return markdown(rows)
}

// megabytes writes sizes in bytes; a dash stands for what was not measured.
func megabytes(sizes ...float64) string {
	var parts []string
	for _, size := range sizes {
		if size > 0 {
			parts = append(parts, fmt.Sprintf("%.0f", size/1e6))
		}
	}
	if len(parts) == 0 {
		return "–"
	}
	return strings.Join(parts, ", ") + " MB"
}

// seconds writes times.
func seconds(times []float64) string {
	var parts []string
	for _, t := range times {
		parts = append(parts, fmt.Sprintf("%.1f", t))
	}
	if len(parts) == 0 {
		return "–"
	}
	return strings.Join(parts, ", ") + " s"
}

// markdown writes rows as a table, of which the first is the head.
func markdown(rows [][]string) string {
	var b strings.Builder
	for i, row := range rows {
		cells := make([]string, len(row))
		for j, cell := range row {
			cells[j] = strings.ReplaceAll(cell, "|", `\|`)
		}
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
		if i == 0 {
			b.WriteString("|" + strings.Repeat("---|", len(row)) + "\n")
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}
