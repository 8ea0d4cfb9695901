package usage

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

func TestUsageIsWrittenNowAndThen(t *testing.T) {
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	pace := &Pace{}
	// acquire asks so many seconds after the start.
	acquire := func(tenant types.UID, second int, want time.Duration) {
		t.Helper()
		if wait := pace.Reserve(tenant, start.Add(time.Duration(second)*time.Second)); wait != want {
			t.Errorf("after %d s, %s waits for %s, want %s", second, tenant, wait, want)
		}
	}
	for second := range tenantBurst {
		acquire("acme", second, 0)
	}
	acquire("acme", 2, 58*time.Second)
	acquire("acme", 20, 40*time.Second)
	acquire("globex", 20, 0)
	acquire("acme", 60, 0)
	acquire("acme", 61, 59*time.Second)
	acquire("acme", 3600, 0)
	pace.Forget("globex")
	for second := range tenantBurst {
		acquire("globex", 3700+second, 0)
	}
}

// A thousand tenants whose usage changes at once are written one after the other, and each
// comes.
func TestUsageOfAllTenantsIsWrittenOnceASecond(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	pace := &Pace{}
	waits := map[types.UID]time.Duration{}
	for _, tenant := range []types.UID{"a", "b", "c"} {
		waits[tenant] = pace.Reserve(tenant, now)
	}
	if waits["a"] != 0 || waits["b"] != time.Second || waits["c"] != 2*time.Second {
		t.Fatalf("they wait for %v", waits)
	}
	for range 2 { // who asks too early keeps its turn
		if wait := pace.Reserve("c", now.Add(time.Second)); wait != time.Second {
			t.Errorf("c waits for another %s", wait)
		}
	}
	if wait := pace.Reserve("b", now.Add(time.Second)); wait != 0 {
		t.Errorf("b waits for another %s", wait)
	}
	if wait := pace.Reserve("c", now.Add(2*time.Second)); wait != 0 {
		t.Errorf("c waits for another %s", wait)
	}
}
