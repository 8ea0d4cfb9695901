package result

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// fullSetup is what meets every target.
func fullSetup() Setup {
	measurement := func(name string, series ...Series) Measurement { return Measurement{Name: name, Series: series} }
	series := func(subject string, rate, p99 float64) Series {
		return Series{Subject: subject, Windows: []Sample{{Operations: 1, Rate: rate, P99: p99}}}
	}
	return Setup{
		Shared: true, Tenants: fullTenants, Replicas: 3,
		Servers:   Need{Resident: []float64{300e6, 390e6, 310e6}},
		Operator:  Need{Resident: []float64{140e6}},
		NextReady: []float64{1, 9, 2}, ColdStarts: []float64{10, 30, 12},
		Rest: &Interval{Seconds: 60, By: []Requests{
			{Who: Operator, Requests: 40, Writes: map[string]int{"update leases": 30}},
			{Who: Servers, Requests: 80, Writes: map[string]int{"patch leases": 30}},
		}},
		Restart: &Restart{Objects: 3000, Interval: Interval{By: []Requests{
			{Who: Operator, Writes: map[string]int{"update leases": 3, "create events": 1}},
		}}},
		Measurements: []Measurement{
			measurement(Get, series(One, 900, 1), series(All, 950, 1), series(Alone, 1000, 1)),
			measurement(UserNameEq, series(One, 900, 1), series(All, 950, 1), series(Alone, 1000, 1)),
			measurement(FloodedGet, series(FloodOfOne, 100, 3), series(FloodOfMany, 100, 2)),
			measurement(FloodedUpdate, series(FloodOfOne, 20, 30), series(FloodOfMany, 20, 20)),
		},
	}
}

func TestTenantsVerdicts(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Setup)
		fails  string
	}{
		"all that is wanted":  {func(*Setup) {}, ""},
		"a large replica":     {func(s *Setup) { s.Servers.Resident[1] = 410e6 }, "memory of a server pod"},
		"a large operator":    {func(s *Setup) { s.Operator.Resident[0] = 160e6 }, "memory of the operator"},
		"writes at rest":      {func(s *Setup) { s.Rest.By[1].Writes["update leases"] = 100 }, "writes at rest of operator and servers"},
		"statuses at rest":    {func(s *Setup) { s.Rest.By[0].Writes["patch scimtenants/status"] = 1 }, "writes at rest of the operator, but for Leases"},
		"slow to be Ready":    {func(s *Setup) { s.NextReady = []float64{4, 4, 1} }, "apply of one more tenant until it is Ready"},
		"slow reads of many":  {func(s *Setup) { s.Measurements[0].Series[1].Windows[0].Rate = 800 }, "get, all tenants at random"},
		"slow to start":       {func(s *Setup) { s.ColdStarts = []float64{30, 30, 1} }, "deleted pod until the next is Ready"},
		"objects rewritten":   {func(s *Setup) { s.Restart.Count = 1 }, "objects rewritten after a restart of the operator"},
		"slow beside a flood": {func(s *Setup) { s.Measurements[3].Series[0].Windows[0].P99 = 50 }, "p99 of update, beside a flood"},
		"an error":            {func(s *Setup) { s.Measurements[2].Series[0].Windows[0].Failures = 1 }, "failures at other tenants than the one that is flooded"},
	} {
		t.Run(name, func(t *testing.T) {
			setup := fullSetup()
			test.change(&setup)
			run := &TenantsRun{Setups: []Setup{{Shared: true, Tenants: 1}, setup, {Tenants: 5000}}}
			for _, v := range run.Verdicts() {
				want := Met
				if v.Target == test.fails {
					want = NotMet
				}
				if v.Outcome != want || v.Size != fullTenants {
					t.Errorf("%s (%s) at %d is %s, want %s", v.Target, v.Value, v.Size, v.Outcome, want)
				}
			}
		})
	}
}

func TestTenantsVerdictsAreForFullSize(t *testing.T) {
	setup := fullSetup()
	setup.Tenants = 10
	for _, v := range (&TenantsRun{Setups: []Setup{setup}}).Verdicts() {
		if v.Outcome != NotJudged {
			t.Errorf("%s is %s with 10 tenants, want it not judged", v.Target, v.Outcome)
		}
	}
	for _, v := range (&TenantsRun{Setups: []Setup{{Shared: true, Tenants: fullTenants}}}).Verdicts() {
		if v.Outcome != NotMeasured {
			t.Errorf("%s is %s though nothing was measured", v.Target, v.Outcome)
		}
	}
	if got := (&TenantsRun{Setups: []Setup{{Tenants: 15}}}).Verdicts(); got != nil {
		t.Errorf("got %v of tenants with servers of their own, want none", got)
	}
}

func TestRestartTellsWritesThatChangedNothing(t *testing.T) {
	setup := fullSetup()
	setup.Restart.By[0].Writes["patch scimtenants"] = 1000
	for _, v := range (&TenantsRun{Setups: []Setup{setup}}).Verdicts() {
		if strings.HasPrefix(v.Target, "objects rewritten") && !strings.Contains(v.Note, "1,000 writes") {
			t.Errorf("the note is %q, want it to say how many writes there were", v.Note)
		}
	}
}

func TestWriteAndReadTenants(t *testing.T) {
	run := &TenantsRun{UsersEach: 100, Setups: []Setup{fullSetup()}}
	var file bytes.Buffer
	if err := run.Write(&file); err != nil {
		t.Fatal(err)
	}
	got, err := ReadTenants(&file)
	if err != nil || !reflect.DeepEqual(got, run) {
		t.Errorf("got %+v and %v, want what was written", got, err)
	}
}
