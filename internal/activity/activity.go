// Package activity decides when an identity provider has gone silent: it has sent nothing for much
// longer than it usually does. It goes by how long the gaps between requests were, which it counts
// by length, so that what it knows of a tenant is some numbers in that one's status, whatever
// restarts.
package activity

import (
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

const (
	// fewestMinutes is in how many minutes requests must have come for it to be known how often
	// they do: at least as many requests.
	fewestMinutes = 50
	// shortestGap is how long it takes for a pause to be a gap. Providers send many requests in a row,
	// with pauses that say nothing about when they come again.
	shortestGap = 5 * time.Minute
	// period is for how long gaps are counted until the counts begin anew. Those of the period before
	// count as well, so that a gap counts for 3.5 to 7 days.
	period = 84 * time.Hour
	// shortestSilence is for how long nothing must have come at least.
	shortestSilence = time.Hour
	// silenceFactor is how often the usual gap fits into a silence, and usualPercent how many of
	// all gaps are not longer than the usual one.
	silenceFactor = 3
	usualPercent  = 95
)

// lengths are up to how long the gaps are that are counted together.
var lengths = [...]time.Duration{
	20 * time.Minute, 30 * time.Minute, 45 * time.Minute, time.Hour, 90 * time.Minute,
	2 * time.Hour, 3 * time.Hour, 4 * time.Hour, 6 * time.Hour, 8 * time.Hour, 12 * time.Hour, 16 * time.Hour,
	24 * time.Hour, 2 * 24 * time.Hour, 4 * 24 * time.Hour, 7 * 24 * time.Hour,
}

// Observe returns the gaps after a request came at next, when the one before had come at last; zero
// when there was none. It changes nothing of what it gets.
func Observe(gaps scimv1alpha1.RequestGaps, last, next time.Time) scimv1alpha1.RequestGaps {
	if !next.After(last) {
		return gaps
	}
	gaps.Minutes = min(gaps.Minutes+1, fewestMinutes)
	switch age := next.Sub(gaps.SinceTime.Time); {
	case age >= 2*period:
		gaps.FormerCounts, gaps.Counts, gaps.SinceTime = nil, nil, metav1.NewTime(next)
	case age >= period:
		gaps.FormerCounts, gaps.Counts, gaps.SinceTime = gaps.Counts, nil, metav1.NewTime(next)
	}
	if gap := next.Sub(last); !last.IsZero() && gap >= shortestGap {
		gaps.Counts = increased(gaps.Counts, rangeOf(gap))
	}
	return gaps
}

// rangeOf returns with which gaps one is counted.
func rangeOf(gap time.Duration) int {
	at, _ := slices.BinarySearch(lengths[:], gap)
	return min(at, len(lengths)-1)
}

func increased(counts []int32, at int) []int32 {
	next := make([]int32, max(len(counts), at+1))
	copy(next, counts)
	next[at]++
	return next
}

// SilentAfter returns for how long nothing must come from a provider for it to be silent: an hour, or
// three times the gap that 95 % of its gaps do not exceed, if that is longer. known is false while
// there were too few requests.
func SilentAfter(gaps scimv1alpha1.RequestGaps) (silence time.Duration, known bool) {
	if gaps.Minutes < fewestMinutes {
		return 0, false
	}
	return max(shortestSilence, silenceFactor*usualGap(gaps)), true
}

// usualGap is the length that 95 % of the gaps do not exceed; 0 without any.
func usualGap(gaps scimv1alpha1.RequestGaps) time.Duration {
	var counts [len(lengths)]int64
	var all int64
	for _, part := range [][]int32{gaps.Counts, gaps.FormerCounts} {
		for at, count := range part[:min(len(part), len(lengths))] {
			counts[at] += int64(count)
			all += int64(count)
		}
	}
	var up int64
	for at, count := range counts {
		if up += count; up > 0 && 100*up >= usualPercent*all {
			return lengths[at]
		}
	}
	return 0
}
