package contract

import (
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/ptr"
)

func TestServerUsage(t *testing.T) {
	text := string(EncodeServerUsage(ServerUsage{VerifyingKeys: []string{"k1"}, TenantKeys: map[string][]string{"initech": {"k2"}}, Tenants: map[string]TenantUsage{
		"acme": {State: ServingMemory, Usage: &Usage{
			Users: 3, ActiveUsers: 2, LastRequestTime: noon.Add(59 * time.Second), LastUsedTimes: map[string]time.Time{"a": noon.Add(time.Minute)},
		}},
		"globex":  {State: ServingNothing, Message: "its schemas are wrong"},
		"initech": {State: ServingLive, IdleSeconds: new(int64)},
	}}))
	want := `{"tenants":{"acme":{"state":"Memory","usage":{"users":3,"activeUsers":2,"groups":0,"lastRequestTime":"2026-05-01T12:00:00Z",` +
		`"lastUsedTimes":{"a":"2026-05-01T12:00:00Z"}}},"globex":{"state":"Nothing","message":"its schemas are wrong"},` +
		`"initech":{"state":"Live","idleSeconds":0}},"verifyingKeys":["k1"],"tenantKeys":{"initech":["k2"]}}`
	if text != want {
		t.Errorf("EncodeServerUsage = %s, want %s", text, want)
	}
	back, err := DecodeServerUsage(strings.NewReader(text), 3)
	if err != nil || string(EncodeServerUsage(back)) != text {
		t.Errorf("DecodeServerUsage = %+v, %v", back, err)
	}
	for tenant, verified := range map[string][2]bool{"acme": {true, false}, "initech": {true, true}, "other": {true, false}} {
		if back.Verifies(tenant, "k1") != verified[0] || back.Verifies(tenant, "k2") != verified[1] {
			t.Errorf("the pod checks tokens of %s with k1: %t, with k2: %t", tenant, back.Verifies(tenant, "k1"), back.Verifies(tenant, "k2"))
		}
	}
	for _, wrong := range []string{``, `[]`, `{"tenants":{"acme":{"usage":{"users":-1}}}}`, `"` + strings.Repeat("a", usageBytes+3*usageBytesOfTenant) + `"`} {
		if _, err := DecodeServerUsage(strings.NewReader(wrong), 3); err == nil {
			t.Errorf("%.40s can be read", wrong)
		}
	}
}

// All that a pod says of its tenants is read, however much that is, and no more than of those that there are.
func TestServerUsageIsBoundedByTheTenantsThatThereAre(t *testing.T) {
	const tenants = 1000
	used := map[string]time.Time{}
	for i := range MostKeysUsed {
		used[fmt.Sprintf("abcdefghjkmn%04d", i)] = noon
	}
	refused := map[string]int64{}
	for i := range 40 {
		refused[fmt.Sprintf("AttributeConfidential%d", i)] = 1 << 40
	}
	full := ServerUsage{Tenants: map[string]TenantUsage{}, TenantKeys: map[string][]string{}, Refusals: map[string]map[string]int64{}}
	for i := range tenants {
		name := fmt.Sprintf("%s-%04d", strings.Repeat("t", 40), i)
		full.Tenants[name] = TenantUsage{State: ServingMemory, Message: strings.Repeat("m", 1000), Usage: &Usage{LastUsedTimes: used}}
		full.TenantKeys[name], full.Refusals[name] = []string{strings.Repeat("k", 43), strings.Repeat("k", 43)}, refused
	}
	text := string(EncodeServerUsage(full))
	if _, err := DecodeServerUsage(strings.NewReader(text), tenants); err != nil {
		t.Error(err)
	}
	for _, answer := range []struct {
		begins string
		goesOn endless
	}{{text, " "}, {`{"tenants":{"":{}`, `,"a":{}`}, {`{"verifyingKeys":[""`, `,""`}, {`{"refusals":{"a":{"":1`, `,"b":1`}} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		_, err := DecodeServerUsage(io.MultiReader(strings.NewReader(answer.begins), answer.goesOn), 1)
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; err == nil || taken > 1<<20 {
			t.Errorf("of %.30s%s…, %d KiB were taken: %v", answer.begins, answer.goesOn, taken>>10, err)
		}
	}
	many := &strings.Builder{}
	for i := range 1000 {
		fmt.Fprintf(many, `,"%d":{}`, i)
	}
	if _, err := DecodeServerUsage(strings.NewReader(`{"tenants":{`+many.String()[1:]+`}}`), 3); err == nil {
		t.Error("a pod of 3 tenants says something of 1000")
	}
}

func TestUsageOfATenantByWhatItsPodsSay(t *testing.T) {
	pod := func(users int32, requested time.Time, used map[string]time.Time) ServerUsage {
		return ServerUsage{Tenants: map[string]TenantUsage{
			"acme":   {Usage: &Usage{Users: users, LastRequestTime: requested, LastUsedTimes: used}},
			"globex": {Usage: &Usage{Users: 99, LastRequestTime: noon.Add(24 * time.Hour)}},
		}}
	}
	later := noon.Add(time.Hour)
	usage, known := UsageOf("acme", []ServerUsage{
		{}, {Tenants: map[string]TenantUsage{"acme": {State: ServingLive}}},
		pod(3, noon, map[string]time.Time{"a": later, "b": noon}),
		pod(4, later, map[string]time.Time{"a": noon, "b": later}),
		pod(3, time.Time{}, nil),
	})
	if !known || usage.Users != 4 || !usage.LastRequestTime.Equal(later) || !maps.Equal(usage.LastUsedTimes, map[string]time.Time{"a": later, "b": later}) {
		t.Errorf("UsageOf = %+v, %v", usage, known)
	}
	if usage, known := UsageOf("other", []ServerUsage{pod(3, noon, nil)}); known {
		t.Errorf("UsageOf a tenant that no pod knows = %+v", usage)
	}
}

// A request may have come to any pod that had one in the last minute.
func TestMostRequestsFailIfTheyDoWhereTheyCome(t *testing.T) {
	yes, no := true, false
	pod := func(requested time.Time, failing *bool) ServerUsage {
		return ServerUsage{Tenants: map[string]TenantUsage{"acme": {Usage: &Usage{LastRequestTime: requested, MostlyFailing: failing}}}}
	}
	later := noon.Add(time.Minute)
	for name, tc := range map[string]struct {
		pods []ServerUsage
		want *bool
	}{
		"too few requests":            {[]ServerUsage{pod(noon, nil)}, nil},
		"too few at one":              {[]ServerUsage{pod(noon, nil), pod(noon, &no)}, &no},
		"at one of two":               {[]ServerUsage{pod(noon, &yes), pod(noon, &no)}, &yes},
		"at the one that has traffic": {[]ServerUsage{pod(noon, &no), pod(later, &yes)}, &yes},
		"no more":                     {[]ServerUsage{pod(noon, &yes), pod(later, &no)}, &no},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				slices.Reverse(tc.pods)
				if usage, _ := UsageOf("acme", tc.pods); !ptr.Equal(usage.MostlyFailing, tc.want) {
					t.Errorf("most are failing: %v", ptr.Deref(usage.MostlyFailing, false))
				}
			}
		})
	}
}
