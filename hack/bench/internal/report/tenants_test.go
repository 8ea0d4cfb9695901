package report

import (
	"strings"
	"testing"

	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// manyTenants is a run with setups of both kinds, of which the first was hardly measured.
func manyTenants() *result.TenantsRun {
	return &result.TenantsRun{UsersEach: 100, Seconds: 61, Machine: result.Machine{CPUs: 2, MemoryMB: 8000, Kubernetes: "v1"}, Setups: []result.Setup{
		{Tenants: 1},
		{
			Shared: true, Tenants: 1000, Replicas: 3,
			Servers:   result.Need{Resident: []float64{200e6, 300e6, 250e6}, CPU: 0.012, RequestedCPU: 0.15},
			NextReady: []float64{1, 2, 3},
			Rest: &result.Interval{Seconds: 120, By: []result.Requests{
				{Who: result.Servers, Requests: 60, Writes: map[string]int{"patch leases": 20, "create events": 10}},
			}},
			Measurements: []result.Measurement{{Name: result.Get, Series: []result.Series{
				{Subject: result.All, Windows: []result.Sample{{Rate: 5000, P50: 1, P99: 9}}},
			}}},
		},
	}}
}

func TestInsertTenants(t *testing.T) {
	document := "# Scale\n\n" + tenantsBegin + "\nold\n" + tenantsEnd + "\n\n" + begin + "\nkept\n" + end + "\n"
	text, err := InsertTenants(document, manyTenants())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| tenants | 1 dedicated | 1,000 shared |", "| server pods | 0 | 3 |", "| of the largest | – | 300 MB |",
		"| CPU that they use at rest | – | 12m |", "| apply of one more until it is Ready | – | 2.00 s |",
		"| get, all tenants at random | – | 5000/s, 1.00 and 9.00 ms |",
		"| requests and writes a minute at rest: servers | – | 30.0, 15.0 |",
		"| 1,000 shared | servers | patch leases | 10.0 |", "kept",
		"**1,000 tenants with 100 users each on one shared server** take 3 pods with 750 MB of memory, and an operator with –; " +
			"at rest, these write 0.25 times a second; one more is Ready after 2.00 s.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the document lacks %q:\n%s", want, text)
		}
	}
	for _, not := range []string{"old", "until it answers"} {
		if strings.Contains(text, not) {
			t.Errorf("the document has %q, which is over or was not measured", not)
		}
	}
	if _, err := InsertTenants(begin+end, manyTenants()); err == nil {
		t.Error("results were put into a document without their markers")
	}
}

func TestTenantsTable(t *testing.T) {
	var text strings.Builder
	if err := TenantsTable(&text, manyTenants()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1,000 shared", "memory of a server pod", "≤ 400 MB"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, text.String())
		}
	}
}
