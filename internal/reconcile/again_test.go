package reconcile

import (
	"testing"
	"time"
)

func TestSoonest(t *testing.T) {
	for name, tc := range map[string]struct {
		waits []time.Duration
		want  time.Duration
	}{
		"nothing to look at":       {nil, 0},
		"none of them is any":      {[]time.Duration{0, -time.Second}, 0},
		"the shortest":             {[]time.Duration{time.Minute, time.Second, time.Hour}, time.Second},
		"the shortest that is one": {[]time.Duration{0, time.Minute, -time.Hour}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Soonest(tc.waits...); got != tc.want {
				t.Errorf("Soonest(%v) = %v, want %v", tc.waits, got, tc.want)
			}
		})
	}
}
