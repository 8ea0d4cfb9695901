package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// TenantsTable writes a run with many tenants for a terminal: the setups side by side, and the targets.
func TenantsTable(w io.Writer, run *result.TenantsRun) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range sideBySide(run) {
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	fmt.Fprintln(table)
	if err := table.Flush(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	return verdictTable(w, run.Verdicts(), "tenants")
}

// Tenants writes a run with many tenants in Markdown.
func Tenants(run *result.TenantsRun) string {
	parts := []string{
		measured(run.Started, run.Seconds, run.Machine) + fmt.Sprintf(" Each tenant has %d users.", run.UsersEach),
		markdown(sideBySide(run)),
		"What operator and servers write at rest:",
		markdown(writes(run)),
		targets(run.Verdicts(), "tenants"),
	}
	for _, note := range notes(run.Verdicts(), "tenants") {
		parts = append(parts, "- "+note)
	}
	return strings.Join(parts, "\n\n") + "\n"
}

// sideBySide has a row for each figure and a column for each setup.
func sideBySide(run *result.TenantsRun) [][]string {
	head := []string{"tenants"}
	for i := range run.Setups {
		head = append(head, run.Setups[i].Name())
	}
	rows := [][]string{head}
	for _, f := range figures() {
		row := []string{f.name}
		for i := range run.Setups {
			row = append(row, dash(f.of(&run.Setups[i])))
		}
		rows = append(rows, row)
	}
	return rows
}

// figure is one thing that is told about each setup; nothing where it was not measured.
type figure struct {
	name string
	of   func(*result.Setup) string
}

// figures are all of them, in order.
func figures() []figure {
	list := []figure{
		{"server pods", func(s *result.Setup) string { return fmt.Sprint(s.Pods()) }},
		{"resident memory of all server pods", func(s *result.Setup) string { return mega(sum(s.Servers.Resident)) }},
		{"of the largest", func(s *result.Setup) string { return mega(most(s.Servers.Resident)) }},
		{"memory that server pods request", func(s *result.Setup) string { return mega(s.Servers.RequestedMemory) }},
		{"CPU that they request", func(s *result.Setup) string { return milli(s.Servers.RequestedCPU) }},
		{"CPU that they use at rest", func(s *result.Setup) string { return atRest(s, milli(s.Servers.CPU)) }},
		{"resident memory of the operator", func(s *result.Setup) string { return mega(most(s.Operator.Resident)) }},
		{"CPU that it uses at rest", func(s *result.Setup) string { return atRest(s, milli(s.Operator.CPU)) }},
		{"API server, etcd, etcd's database", func(s *result.Setup) string {
			return strings.Join([]string{dash(mega(s.APIServer)), dash(mega(s.Etcd)), dash(mega(s.Database))}, ", ")
		}},
	}
	for _, who := range result.Programs {
		list = append(list, figure{"requests and writes a minute at rest: " + who, func(s *result.Setup) string { return perMinute(s.Rest, who) }})
	}
	list = append(list,
		figure{"apply of one more until it is Ready", func(s *result.Setup) string { return median(s.NextReady) }},
		figure{"until it answers", func(s *result.Setup) string { return median(s.NextServed) }})
	for _, name := range []string{result.Get, result.UserNameEq, result.Update} {
		for _, subject := range []string{result.One, result.All, result.Alone} {
			list = append(list, figure{name + ", " + subject, func(s *result.Setup) string { return speed(s.Find(name).Of(subject, 0)) }})
		}
	}
	for _, name := range []string{result.FloodedGet, result.FloodedUpdate} {
		for _, subject := range []string{result.FloodOfOne, result.FloodOfMany} {
			list = append(list, figure{name + ": " + subject, func(s *result.Setup) string { return speed(s.Find(name).Of(subject, 0)) }})
		}
	}
	return append(list,
		figure{"deleted pod until the next is Ready", func(s *result.Setup) string { return median(s.ColdStarts) }},
		figure{"restart of the operator until all is looked at", func(s *result.Setup) string {
			if s.Restart == nil {
				return ""
			}
			return result.Figure(s.Restart.Seconds) + " s"
		}},
		figure{"objects rewritten then", func(s *result.Setup) string {
			if s.Restart == nil {
				return ""
			}
			return fmt.Sprintf("%s of %s", result.Thousands(s.Restart.Count), result.Thousands(s.Restart.Objects))
		}})
}

// writes says what operator and servers wrote at rest.
func writes(run *result.TenantsRun) [][]string {
	rows := [][]string{{"tenants", "who", "what", "a minute"}}
	for i := range run.Setups {
		s := &run.Setups[i]
		for _, who := range []string{result.Operator, result.Servers} {
			of := s.Rest.Of(who)
			names := make([]string, 0, len(of.Writes))
			for name := range of.Writes {
				names = append(names, name)
			}
			slices.Sort(names)
			for _, name := range names {
				rows = append(rows, []string{s.Name(), who, name, result.Figure(float64(of.Writes[name]) / s.Rest.Seconds * 60)})
			}
		}
	}
	return rows
}

// perMinute is how many requests somebody sends in a minute, and how many of them are writes.
func perMinute(i *result.Interval, who string) string {
	if i == nil || len(i.By) == 0 || i.Seconds == 0 {
		return ""
	}
	of := i.Of(who)
	return result.Figure(float64(of.Requests)/i.Seconds*60) + ", " + result.Figure(float64(of.Count())/i.Seconds*60)
}

// speed is the rate of a series with its latencies.
func speed(s *result.Series) string {
	switch {
	case s == nil:
		return ""
	case s.NotMeasured != "":
		return "not measured"
	default:
		return fmt.Sprintf("%s/s, %s and %s ms", result.Figure(s.Median(result.Rate)),
			result.Figure(s.Median(result.P50)), result.Figure(s.Median(result.P99)))
	}
}

// atRest is a figure of what was measured at rest.
func atRest(s *result.Setup, figure string) string {
	if s.Rest == nil {
		return ""
	}
	return figure
}

func mega(bytes float64) string {
	if bytes == 0 {
		return ""
	}
	return result.Thousands(int(bytes/1e6+0.5)) + " MB"
}

func milli(processors float64) string {
	return strconv.FormatFloat(processors*1000, 'f', 0, 64) + "m"
}

func median(seconds []float64) string {
	if len(seconds) == 0 {
		return ""
	}
	return result.Figure(result.Median(seconds)) + " s"
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}

func most(values []float64) float64 { return slices.Max(append([]float64{0}, values...)) }
