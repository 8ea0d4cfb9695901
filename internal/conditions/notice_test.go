package conditions

import (
	"testing"
	"time"
)

func TestNotice(t *testing.T) {
	const day = 24 * time.Hour
	end := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for life, want := range map[time.Duration]time.Duration{
		365 * day: 14 * day, 140 * day: 14 * day, 90 * day: 9 * day, 6 * day: 14*time.Hour + 24*time.Minute, 0: 0, -day: 0,
	} {
		if got := end.Sub(Notice(end.Add(-life), end)); got != want {
			t.Errorf("of %s, the last %s are its notice, want %s", life, got, want)
		}
	}
}
