package result

import (
	"bytes"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestNewSample(t *testing.T) {
	var latencies []time.Duration
	for i := range 200 {
		latencies = append(latencies, time.Duration(i+1)*time.Millisecond)
	}
	got := NewSample(latencies, 4*time.Second)
	want := Sample{Operations: 200, Rate: 50, P50: 100, P99: 198, Max: 200}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := NewSample(nil, time.Second); got != (Sample{}) {
		t.Errorf("of nothing: got %+v, want nothing", got)
	}
	one := NewSample([]time.Duration{time.Second}, time.Second)
	if one.P50 != 1000 || one.P99 != 1000 {
		t.Errorf("of one: got %+v, want 1000 ms throughout", one)
	}
}

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{7}, 7}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 100}, 3}} {
		before := slices.Clone(test.values)
		if got := Median(test.values); got != test.want {
			t.Errorf("Median(%v) = %v, want %v", before, got, test.want)
		}
		if !slices.Equal(before, test.values) {
			t.Errorf("Median changed its argument from %v to %v", before, test.values)
		}
	}
}

// series has windows of these rates, and latencies that are a thousandth of them.
func series(subject string, size int, rates ...float64) Series {
	s := Series{Subject: subject, Size: size}
	for _, rate := range rates {
		s.Windows = append(s.Windows, Sample{Operations: 1, Rate: rate, P50: rate / 1000, P99: rate / 1000, Max: rate / 1000})
	}
	return s
}

func TestCompare(t *testing.T) {
	// The machine was half as fast in the last round, for both.
	of, by := series(Kubescim, 0, 100, 110, 60), series(Raw, 0, 200, 200, 100)
	ratio, ok := Compare(&of, &by, Rate)
	if !ok || math.Abs(ratio.Median-0.55) > 1e-9 || ratio.Least != 0.5 || ratio.Most != 0.6 {
		t.Errorf("got %+v, want the median of the ratios of rounds", ratio)
	}
	none := Series{NotMeasured: "no"}
	zero := series(Raw, 0, 0, 0)
	for name, pair := range map[string][2]*Series{"nil": {nil, &by}, "no windows": {&of, &none}, "division by zero": {&of, &zero}} {
		if ratio, ok := Compare(pair[0], pair[1], Rate); ok {
			t.Errorf("%s: got %+v, want none", name, ratio)
		}
	}
}

// full is a run with everything in it.
func full(users int) *Run {
	at := func(name string, s ...Series) Measurement {
		return Measurement{Name: name, Users: users, Replicas: serverReplicas, Concurrency: 1, Series: s}
	}
	return &Run{
		Sizes: []int{users},
		Measurements: []Measurement{
			at(Create, series(Kubescim, 0, 350, 350, 350), series(Raw, 0, 500, 500, 500)),
			at(Get, series(Kubescim, users, 900), series(Elimity, 5000, 1000), series(Scimmy, 5000, 500), series(Raw, users, 90)),
			at(UserNameEq, series(Kubescim, users, 1000), series(Elimity, 5000, 1000), series(Raw, users, 200)),
			at(UserNameEqTail, series(Kubescim, users, 1400), series(Kubescim, 1000, 1000)),
			at(Page, series(Kubescim, users, 300), Series{Subject: Elimity, NotMeasured: "it is not there"}),
			at(AddMember, series(Kubescim, 10, 10_000), Series{Subject: Kubescim, Size: 100_000, NotMeasured: "too many members"}),
			at(PutGroup, series(FromEmpty, 10_000, 2.5e6), series(OneChanged, 10_000, 0.5e6)),
		},
		Footprints: []Footprint{{
			Users: users, Servers: []float64{100e6, 120e6}, ServersLater: []float64{260e6, 110e6}, ColdStarts: []float64{4, 20, 5},
		}},
	}
}

// outcomes are those of the verdicts, in order.
func outcomes(run *Run) []Outcome {
	var list []Outcome
	for _, v := range run.Verdicts() {
		list = append(list, v.Outcome)
	}
	return list
}

func TestVerdicts(t *testing.T) {
	want := []Outcome{
		Met,         // create: 0.7 of client-go
		NotMet, Met, // get: 0.9 of elimity, 10 times client-go
		Met, NotMet, // userName eq: as elimity, 5 times client-go
		Met,         // p99: 1.4 times that with 1,000
		NotMeasured, // page: elimity was not there
		NotMeasured, // add a member: not supported
		NotMet, Met, // PUT: 2.5 s and 0.5 s
		NotMet, Met, // memory: 260 MB; start: 5 s
	}
	if got := outcomes(full(fullUsers)); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var notes []string
	for _, v := range full(fullUsers).Verdicts() {
		if v.Note != "" {
			notes = append(notes, v.Note)
		}
	}
	wanted := []string{"elimity was not measured: it is not there", "Kubescim was not measured: too many members"}
	if !slices.Equal(notes, wanted) {
		t.Errorf("got the notes %q, want %q", notes, wanted)
	}
}

func TestVerdictsAtAnotherSizeAreNotJudged(t *testing.T) {
	got := outcomes(full(10_000))
	for i, want := range map[int]Outcome{0: Met, 5: NotJudged, 8: NotMet, 10: NotJudged, 11: NotJudged} {
		if got[i] != want {
			t.Errorf("verdict %d is %q, want %q", i, got[i], want)
		}
	}
}

func TestVerdictsOfAnEmptyRun(t *testing.T) {
	for _, v := range (&Run{Sizes: []int{1000}}).Verdicts() {
		if v.Outcome != NotMeasured {
			t.Errorf("%s is %q, want %q", v.Target, v.Outcome, NotMeasured)
		}
	}
	(&Run{}).Verdicts() // It must not panic.
}

func TestVerdictTellsFailures(t *testing.T) {
	run := full(fullUsers)
	run.Measurements[0].Series[0].Windows[1].Failures = 3
	run.Measurements[0].Series[0].Windows[1].Failure = "503"
	if got, want := run.Verdicts()[0].Note, "3 requests to Kubescim failed: 503"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFigures(t *testing.T) {
	for value, want := range map[float64]string{0.604: "0.60", 9.99: "9.99", 12.34: "12.3", 432.1: "432"} {
		if got := Figure(value); got != want {
			t.Errorf("Figure(%v) = %q, want %q", value, got, want)
		}
	}
	for value, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := Thousands(value); got != want {
			t.Errorf("Thousands(%v) = %q, want %q", value, got, want)
		}
	}
}

func TestWriteAndRead(t *testing.T) {
	run := full(1000)
	run.Started = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var text bytes.Buffer
	if err := run.Write(&text); err != nil {
		t.Fatal(err)
	}
	got, err := Read(&text)
	if err != nil || !reflect.DeepEqual(got, run) {
		t.Errorf("got %+v and %v, want what was written", got, err)
	}
	if _, err := Read(bytes.NewBufferString("{")); err == nil {
		t.Error("half a file was read")
	}
}
