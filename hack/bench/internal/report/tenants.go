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
	verdicts := run.Verdicts()
	if len(verdicts) == 0 {
		return nil
	}
	return verdictTable(w, verdicts, "tenants")
}

// Tenants writes a run with many tenants in Markdown.
func Tenants(run *result.TenantsRun) string {
	var parts []string
	for _, s := range []*result.Setup{run.Largest(true), run.Largest(false)} {
		if s != nil {
			parts = append(parts, carried(s, run.UsersEach))
		}
	}
	parts = append(parts, measured(run.Started, run.Seconds, run.Machine), markdown(sideBySide(run)))
	if rows := writes(run); len(rows) > 1 {
		parts = append(parts, "What operator and servers write at rest:", markdown(rows))
	}
	if verdicts := run.Verdicts(); len(verdicts) > 0 {
		parts = append(parts, targets(verdicts, "tenants"))
		for _, note := range notes(verdicts, "tenants") {
			parts = append(parts, "- "+note)
		}
	}
	return strings.Join(parts, "\n\n") + "\n"
}

// carried says in a sentence what tenants need.
func carried(s *result.Setup, users int) string {
	who := fmt.Sprintf("**%s tenants with %d users each and a server of their own**", result.Thousands(s.Tenants), users)
	if s.Shared {
		who = fmt.Sprintf("**%s tenants with %d users each on one shared server**", result.Thousands(s.Tenants), users)
	}
	text := fmt.Sprintf("%s take %d pods with %s of memory, and an operator with %s", who, s.Pods(),
		dash(mega(sum(s.Servers.Resident))), dash(mega(most(s.Operator.Resident))))
	if s.Rest != nil && len(s.Rest.By) > 0 && s.Rest.Seconds > 0 {
		all := s.Rest.Of(result.Operator).Count() + s.Rest.Of(result.Servers).Count()
		text += fmt.Sprintf("; at rest, these write %s times a second", result.Figure(float64(all)/s.Rest.Seconds))
	}
	if len(s.NextReady) > 0 {
		text += fmt.Sprintf("; one more is Ready after %s", median(s.NextReady))
	}
	return text + "."
}

// sideBySide has a row for each figure that was measured anywhere, and a column for each setup.
func sideBySide(run *result.TenantsRun) [][]string {
	head := []string{"tenants"}
	for i := range run.Setups {
		head = append(head, run.Setups[i].Name())
	}
	rows := [][]string{head}
	for _, f := range figures() {
		row, measured := []string{f.name}, false
		for i := range run.Setups {
			text := f.of(&run.Setups[i])
			row, measured = append(row, dash(text)), measured || text != ""
		}
		if measured {
			rows = append(rows, row)
		}
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
		{"restarts of containers in server pods", func(s *result.Setup) string { return atRest(s, strconv.Itoa(s.Restarts)) }},
		{"memory that server pods request", func(s *result.Setup) string { return mega(s.Servers.RequestedMemory) }},
		{"CPU that they request", func(s *result.Setup) string { return milli(s.Servers.RequestedCPU) }},
		{"CPU that they use at rest", func(s *result.Setup) string { return atRest(s, milli(s.Servers.CPU)) }},
		{"resident memory of the operator", func(s *result.Setup) string { return mega(most(s.Operator.Resident)) }},
		{"CPU that it uses at rest", func(s *result.Setup) string { return atRest(s, milli(s.Operator.CPU)) }},
		{"API server, etcd, etcd's database", func(s *result.Setup) string {
			return strings.Join([]string{dash(mega(s.APIServer)), dash(mega(s.Etcd)), dash(mega(s.Database))}, ", ")
		}},
	}
	list = append(list, figure{"time after the load until at rest", func(s *result.Setup) string { return atRest(s, result.Figure(s.Settled)+" s") }})
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
	list = append(list, figure{"requests of these floods that were refused", func(s *result.Setup) string {
		if len(s.Refused) == 0 {
			return ""
		}
		return strings.Join([]string{share(s.Refused, result.FloodOfOne), share(s.Refused, result.FloodOfMany)}, " and ")
	}})
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

// share is how many of the requests of a flood were refused, in percent.
func share(refused map[string]result.Share, subject string) string {
	of := refused[subject]
	if of.Of == 0 {
		return "–"
	}
	return strconv.Itoa(100*of.Part/of.Of) + " %"
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
