package activity

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

var monday = time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)

// play returns the gaps after requests that come at all these times after monday.
func play(offsets ...time.Duration) (gaps scimv1alpha1.RequestGaps) {
	var last time.Time
	for _, offset := range offsets {
		next := monday.Add(offset)
		gaps = Observe(gaps, last, next)
		last = next
	}
	return gaps
}

// cycles are the times of requests that come in each minute of a burst, once in an interval.
func cycles(count int, interval, burst time.Duration) (offsets []time.Duration) {
	for cycle := range count {
		for minute := time.Duration(0); minute < burst; minute += time.Minute {
			offsets = append(offsets, time.Duration(cycle)*interval+minute)
		}
	}
	return offsets
}

func TestSilentAfter(t *testing.T) {
	const day = 24 * time.Hour
	for name, tc := range map[string]struct {
		offsets []time.Duration
		want    time.Duration
		known   bool
	}{
		"nothing came":                             {nil, 0, false},
		"49 minutes with requests":                 {cycles(49, 40*time.Minute, time.Minute), 0, false},
		"50 minutes with requests":                 {cycles(50, 40*time.Minute, time.Minute), 3 * 45 * time.Minute, true},
		"all the time":                             {cycles(1, 0, day), time.Hour, true},
		"every 15 minutes":                         {cycles(60, 15*time.Minute, time.Minute), time.Hour, true},
		"every 40 minutes, some minutes long":      {cycles(50, 40*time.Minute, 3*time.Minute), 3 * 45 * time.Minute, true},
		"every 6 hours, half an hour long":         {cycles(20, 6*time.Hour, 30*time.Minute), 3 * 6 * time.Hour, true},
		"once a day":                               {cycles(60, day, time.Minute), 3 * day, true},
		"once a week":                              {cycles(60, 7*day, time.Minute), 3 * 7 * day, true},
		"once a month":                             {cycles(60, 30*day, time.Minute), 3 * 7 * day, true},
		"one long gap of many":                     {append(cycles(100, 40*time.Minute, time.Minute), 5*day), 3 * 45 * time.Minute, true},
		"what was more than 7 days ago is no more": {slices.Concat(cycles(60, day, time.Minute), shifted(60*day, cycles(600, 40*time.Minute, time.Minute))), 3 * 45 * time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, known := SilentAfter(play(tc.offsets...))
			if got != tc.want || known != tc.known {
				t.Errorf("silent after %s, known = %t; want %s, %t", got, known, tc.want, tc.known)
			}
		})
	}
}

func shifted(by time.Duration, offsets []time.Duration) (later []time.Duration) {
	for _, offset := range offsets {
		later = append(later, by+offset)
	}
	return later
}

func TestObserve(t *testing.T) {
	t.Run("a request that is not later changes nothing", func(t *testing.T) {
		gaps := play(cycles(60, time.Hour, time.Minute)...)
		if after := Observe(gaps, monday, monday); !equal(after, gaps) {
			t.Errorf("it makes %+v of %+v", after, gaps)
		}
	})
	t.Run("what it gets stays as it is", func(t *testing.T) {
		gaps := play(0, time.Hour)
		before := slices.Clone(gaps.Counts)
		Observe(gaps, monday, monday.Add(time.Hour))
		if !slices.Equal(gaps.Counts, before) {
			t.Errorf("it was changed to %v", gaps.Counts)
		}
	})
	t.Run("it has room for all gaps", func(t *testing.T) {
		var offsets []time.Duration
		at := time.Duration(0)
		for gap := time.Minute; gap < 30*24*time.Hour; gap *= 2 {
			at += gap
			offsets = append(offsets, at)
		}
		if gaps := play(offsets...); len(gaps.Counts) > len(lengths) || len(gaps.FormerCounts) > len(lengths) {
			t.Errorf("there are %d and %d counts", len(gaps.Counts), len(gaps.FormerCounts))
		}
	})
	t.Run("counts of somebody else are not trusted", func(t *testing.T) {
		if after, known := SilentAfter(scimv1alpha1.RequestGaps{Minutes: 50, Counts: make([]int32, 100)}); after != time.Hour || !known {
			t.Errorf("silent after %s, known = %t", after, known)
		}
	})
}

func equal(a, b scimv1alpha1.RequestGaps) bool {
	return a.Minutes == b.Minutes && a.SinceTime.Equal(ptrTo(b.SinceTime)) && slices.Equal(a.Counts, b.Counts) && slices.Equal(a.FormerCounts, b.FormerCounts)
}

func ptrTo(t metav1.Time) *metav1.Time { return &t }
