package report

import (
	"slices"

	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// Plot is an SVG document.
type Plot struct {
	// File is its name, Text what it shows.
	File, Text string
	// SVG is the document.
	SVG string
}

// replicas is the number of server pods in the plots.
const replicas = 3

// Plots draws a run.
func Plots(run *result.Run) []Plot {
	return []Plot{
		{File: "reads.svg", Text: "Reads each second on one replica of three, beside the other servers", SVG: reads(run).svg()},
		{File: "latency.svg", Text: "Latency of reads by the number of users", SVG: latency(run).svg()},
		{File: "members.svg", Text: "Time to add one member by the size of the group", SVG: members(run).svg()},
		{File: "memory.svg", Text: "Memory and disk by the number of users", SVG: memory(run).svg()},
		{File: "start.svg", Text: "Time until a new server pod is Ready by the number of users", SVG: start(run).svg()},
	}
}

// reads compares the rates of reads at the largest size.
func reads(run *result.Run) bars {
	b := bars{
		title: "Reads with " + result.Thousands(run.Largest()) + " users", y: "requests/s",
		names: []string{result.Kubescim, result.Elimity, result.Scimmy, result.Raw},
	}
	for _, name := range []string{result.Get, result.UserNameEq} {
		m := run.Find(name, run.Largest(), replicas)
		group := barGroup{label: name}
		if name == result.UserNameEq {
			group.label += " (client-go: get)"
		}
		for _, subject := range b.names {
			group.values = append(group.values, m.Of(subject, 0).Median(result.Rate))
		}
		b.groups = append(b.groups, group)
	}
	return b
}

// latency shows how reads depend on the number of users.
func latency(run *result.Run) chart {
	c := chart{title: "Latency of reads on one replica of three", x: "users", y: "ms"}
	for _, name := range []string{result.Get, result.UserNameEq} {
		for _, q := range []struct {
			name     string
			quantity result.Quantity
		}{{"p50", result.P50}, {"p99", result.P99}} {
			l := line{name: name + ", " + q.name, dashed: q.name == "p99"}
			for _, users := range run.Sizes {
				if y := run.Find(name, users, replicas).Of(result.Kubescim, 0).Median(q.quantity); y > 0 {
					l.points = append(l.points, point{float64(users), y})
				}
			}
			c.lines = append(c.lines, l)
		}
	}
	return c
}

// members shows how adding a member depends on the size of the group.
func members(run *result.Run) chart {
	p50, p99 := line{name: "p50"}, line{name: "p99", dashed: true}
	if m := run.Find(result.AddMember, run.Largest(), replicas); m != nil {
		for i := range m.Series {
			s := &m.Series[i]
			if y := s.Median(result.P50); y > 0 {
				p50.points = append(p50.points, point{float64(s.Size), y})
				p99.points = append(p99.points, point{float64(s.Size), s.Median(result.P99)})
			}
		}
	}
	return chart{title: "Adding one member to a group", x: "members of the group", y: "ms", lines: []line{p50, p99}}
}

// memory shows what the servers and Kubernetes need.
func memory(run *result.Run) chart {
	c := chart{title: "Memory and disk", x: "users", y: "MB", logarithmic: true}
	for _, need := range []struct {
		name string
		of   func(result.Footprint) float64
	}{
		{"server pod", func(f result.Footprint) float64 { return slices.Max(append([]float64{0}, f.ServersLater...)) }},
		{"API server", func(f result.Footprint) float64 { return f.APIServer }},
		{"etcd", func(f result.Footprint) float64 { return f.Etcd }},
		{"etcd's database", func(f result.Footprint) float64 { return f.Database }},
	} {
		l := line{name: need.name}
		for _, f := range run.Footprints {
			if y := need.of(f); y > 0 {
				l.points = append(l.points, point{float64(f.Users), y / 1e6})
			}
		}
		c.lines = append(c.lines, l)
	}
	return c
}

// start shows how long a pod takes to be Ready.
func start(run *result.Run) chart {
	l := line{name: "median of the deletions"}
	for _, f := range run.Footprints {
		if y := result.Median(f.ColdStarts); y > 0 {
			l.points = append(l.points, point{float64(f.Users), y})
		}
	}
	return chart{title: "From the deletion of a pod until the next one is Ready", x: "users", y: "s", lines: []line{l}}
}
