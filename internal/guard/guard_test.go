package guard_test

import (
	"testing"
	"time"

	"github.com/kubescim/kubescim/internal/guard"
)

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func TestOpenAndSince(t *testing.T) {
	if !(*guard.Guard)(nil).Open(now) {
		t.Error("no guard is not open")
	}
	for name, tc := range map[string]struct {
		until time.Time
		open  bool
		since time.Time
	}{
		"nobody has opened it":           {time.Time{}, false, now.Add(-time.Hour)},
		"it is open":                     {now.Add(time.Minute), true, now.Add(-time.Hour)},
		"it is open, for as long as can": {now.Add(24 * time.Hour), true, now.Add(-time.Hour)},
		"it is to be open, later":        {now.Add(24*time.Hour + time.Second), false, now.Add(-time.Hour)},
		"it was open until now":          {now, false, now},
		"it was open until lately":       {now.Add(-time.Minute), false, now.Add(-time.Minute)},
		"it was open long ago":           {now.Add(-2 * time.Hour), false, now.Add(-time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			g := &guard.Guard{Window: time.Hour, AllowUntil: tc.until}
			if open := g.Open(now); open != tc.open {
				t.Errorf("open is %t", open)
			}
			if since := g.Since(now); !since.Equal(tc.since) {
				t.Errorf("it counts since %s", since)
			}
		})
	}
}

func TestExceeded(t *testing.T) {
	g := &guard.Guard{MaxPercent: 30, MinUsers: 5}
	for name, tc := range map[string]struct {
		going, active int
		want          bool
	}{
		"few of few":           {5, 5, false},
		"one more than few":    {6, 19, true},
		"just the share":       {6, 20, false},
		"one more than that":   {7, 20, true},
		"very many":            {900_001, 3_000_000, true},
		"not quite very many":  {900_000, 3_000_000, false},
		"nobody of nobody":     {0, 0, false},
		"more than were there": {6, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := g.Exceeded(tc.going, tc.active); got != tc.want {
				t.Errorf("exceeded is %t", got)
			}
			if allowed := g.Allowed(tc.active); tc.want != (allowed < tc.going) {
				t.Errorf("%d may go", allowed)
			}
		})
	}
}
