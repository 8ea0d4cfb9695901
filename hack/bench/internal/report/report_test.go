package report

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// example is a run at two sizes.
func example() *result.Run {
	window := func(rate, p50, p99 float64) []result.Sample {
		return []result.Sample{{Operations: 1, Rate: rate, P50: p50, P99: p99}}
	}
	run := &result.Run{Sizes: []int{1000, 10_000}, Seconds: 61, Machine: result.Machine{CPUs: 2, MemoryMB: 8000, Kubernetes: "v1"}}
	for i, users := range run.Sizes {
		for _, name := range []string{result.Get, result.UserNameEq} {
			run.Measurements = append(run.Measurements, result.Measurement{
				Name: name, Users: users, Replicas: replicas, Concurrency: 16,
				Series: []result.Series{
					{Subject: result.Kubescim, Size: users, Windows: window(12_345, 1+float64(i), 4)},
					{Subject: result.Elimity, Size: 5000, Windows: window(9000, 1, 3)},
					{Subject: result.Scimmy, NotMeasured: "node | is missing"},
				},
			})
		}
		run.Footprints = append(run.Footprints, result.Footprint{
			Users: users, Servers: []float64{50e6}, ServersLater: []float64{60e6, 70e6}, APIServer: 400e6, ColdStarts: []float64{3, 4, 9},
		})
	}
	run.Measurements = append(run.Measurements, result.Measurement{
		Name: result.AddMember, Users: 10_000, Replicas: replicas, Concurrency: 1,
		Series: []result.Series{
			{Subject: result.Kubescim, Size: 10, Windows: window(100, 5, 9)},
			{Subject: result.Kubescim, Size: 1000, Windows: window(100, 6, 9)},
			{Subject: result.Kubescim, Size: 10_000, NotMeasured: "more than 1,000 members are not supported"},
		},
	})
	return run
}

// wellFormed parses an SVG document and checks that all that is drawn is on the page.
func wellFormed(t *testing.T, svg string) (texts []string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatalf("not XML: %v\n%s", err, svg)
		}
		switch token := token.(type) {
		case xml.CharData:
			if text := strings.TrimSpace(string(token)); text != "" {
				texts = append(texts, text)
			}
		case xml.StartElement:
			for _, attribute := range token.Attr {
				limit := map[string]float64{"x": width, "x1": width, "x2": width, "cx": width,
					"y": height, "y1": height, "y2": height, "cy": height, "height": height, "width": width}[attribute.Name.Local]
				if limit == 0 {
					continue
				}
				value, err := strconv.ParseFloat(attribute.Value, 64)
				if err != nil || math.IsNaN(value) || value < 0 || value > limit {
					t.Errorf("%s of %s is %s", attribute.Name.Local, token.Name.Local, attribute.Value)
				}
			}
		default:
		}
	}
}

func TestPlots(t *testing.T) {
	for name, run := range map[string]*result.Run{"a run": example(), "one size": {Sizes: []int{1000}}, "nothing": {}} {
		t.Run(name, func(t *testing.T) {
			for _, plot := range Plots(run) {
				t.Run(plot.File, func(t *testing.T) { wellFormed(t, plot.SVG) })
			}
		})
	}
}

func TestPlotsShowWhatWasMeasured(t *testing.T) {
	plots := map[string]string{}
	for _, plot := range Plots(example()) {
		plots[plot.File] = plot.SVG
	}
	texts := wellFormed(t, plots["reads.svg"])
	for _, want := range []string{"Reads with 10,000 users", "Kubescim", "elimity", "12.3k", "9k", "–"} {
		if !slices.Contains(texts, want) {
			t.Errorf("reads.svg lacks %q: %q", want, texts)
		}
	}
	if got := strings.Count(plots["members.svg"], "<circle"); got != 4 {
		t.Errorf("members.svg has %d points, want p50 and p99 of the 2 groups that were measured", got)
	}
	if got := strings.Count(plots["latency.svg"], "<circle"); got != 8 {
		t.Errorf("latency.svg has %d points, want 4 lines over 2 sizes", got)
	}
}

func TestChartEscapesNames(t *testing.T) {
	c := chart{title: "a < b & c", lines: []line{{name: `"<x>"`, points: []point{{10, 1}}}}}
	if texts := wellFormed(t, c.svg()); !slices.Contains(texts, "a < b & c") || !slices.Contains(texts, `"<x>"`) {
		t.Errorf("got the texts %q", texts)
	}
}

func TestScales(t *testing.T) {
	for _, test := range []struct {
		values []float64
		ticks  []float64
	}{
		{[]float64{3, 9.5}, []float64{0, 2, 4, 6, 8, 10}},
		{[]float64{0.011}, []float64{0, 0.005, 0.01, 0.015}},
		{nil, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
	} {
		got := linear(test.values)
		if !slices.EqualFunc(got.ticks, test.ticks, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
			t.Errorf("linear(%v) has the ticks %v, want %v", test.values, got.ticks, test.ticks)
		}
	}
	for _, test := range []struct {
		values []float64
		ticks  []float64
	}{
		{[]float64{1000, 100_000}, []float64{1000, 10_000, 100_000}},
		{[]float64{0, 40, 2600}, []float64{10, 100, 1000, 10_000}},
		{[]float64{1000}, []float64{1000, 10_000}},
		{nil, []float64{1, 10}},
	} {
		got := logarithmic(test.values)
		if !slices.EqualFunc(got.ticks, test.ticks, func(a, b float64) bool { return math.Abs(a/b-1) < 1e-9 }) {
			t.Errorf("logarithmic(%v) has the ticks %v, want %v", test.values, got.ticks, test.ticks)
		}
		for i, tick := range got.ticks {
			if want := float64(i) / float64(len(got.ticks)-1); math.Abs(got.place(tick)-want) > 1e-9 {
				t.Errorf("the tick %v is at %v, want %v", tick, got.place(tick), want)
			}
		}
	}
}

func TestTickLabel(t *testing.T) {
	for value, want := range map[float64]string{0: "0", 0.5: "0.5", 20: "20", 1500: "1.5k", 100_000: "100k", 2_000_000: "2M"} {
		if got := tickLabel(value); got != want {
			t.Errorf("tickLabel(%v) = %q, want %q", value, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	var b strings.Builder
	if err := Table(&b, example()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"TARGET", "1.37 (1.37 to 1.37)", "≥ 1", "not judged", "more than 1,000 members are not supported"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, b.String())
		}
	}
}

func TestInsert(t *testing.T) {
	document := "# Scale\n\nbefore\n\n" + begin + "\nold\n" + end + "\n\nafter\n"
	once, err := Insert(document, example(), "scale")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"before\n", "after\n", "![", "](scale/reads.svg)", "| 60, 70 MB |", "3.0, 4.0, 9.0 s", "in 1m1s, on 2 CPUs and 8 GB"} {
		if !strings.Contains(once, want) {
			t.Errorf("the document lacks %q:\n%s", want, once)
		}
	}
	if strings.Contains(once, "old") {
		t.Error("the old results are still there")
	}
	for line := range strings.SplitSeq(once, "\n") {
		if strings.HasPrefix(line, "| get") && strings.Count(line, "|") != 10 {
			t.Errorf("a row of requests has other cells than its head: %s", line)
		}
	}
	twice, err := Insert(once, example(), "scale")
	if err != nil || twice != once {
		t.Errorf("a second time, the document is another one: %v", err)
	}
	for _, bad := range []string{"nothing", begin, end + begin} {
		if _, err := Insert(bad, example(), "scale"); err == nil {
			t.Errorf("results were put into %q", bad)
		}
	}
}
