package result

import (
	"math"
	"slices"
	"time"
)

// NewSample sums up the latencies of a window, which are sorted, and the time that it took.
func NewSample(latencies []time.Duration, took time.Duration) Sample {
	if len(latencies) == 0 || took <= 0 {
		return Sample{}
	}
	return Sample{
		Operations: len(latencies),
		Rate:       float64(len(latencies)) / took.Seconds(),
		P50:        milliseconds(percentile(latencies, 50)),
		P99:        milliseconds(percentile(latencies, 99)),
		Max:        milliseconds(latencies[len(latencies)-1]),
	}
}

// percentile returns the smallest of the sorted values that is not below p percent of them (nearest rank).
func percentile(sorted []time.Duration, p float64) time.Duration {
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Median returns the median; 0 for no values.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// Quantity is what is compared of a sample.
type Quantity func(Sample) float64

// Quantities of a sample.
var (
	Rate Quantity = func(s Sample) float64 { return s.Rate }
	P50  Quantity = func(s Sample) float64 { return s.P50 }
	P99  Quantity = func(s Sample) float64 { return s.P99 }
	Max  Quantity = func(s Sample) float64 { return s.Max }
)

// Median returns the median of a quantity over the windows; 0 when there are none.
func (s *Series) Median(q Quantity) float64 {
	if s == nil {
		return 0
	}
	values := make([]float64, len(s.Windows))
	for i, window := range s.Windows {
		values[i] = q(window)
	}
	return Median(values)
}

// Failures returns how many operations failed, and how one of them did.
func (s *Series) Failures() (count int, example string) {
	if s == nil {
		return 0, ""
	}
	for _, window := range s.Windows {
		if window.Failures > 0 {
			count += window.Failures
			example = window.Failure
		}
	}
	return count, example
}

// Ratio is how two subjects compare. A machine is not equally fast at all times, so each round gives a ratio of
// its own.
type Ratio struct {
	// Median is the median of the ratios of the rounds, Least and Most the ends of their range.
	Median, Least, Most float64
}

// Compare divides a quantity of one series by that of another, round by round; false when there is no round that
// has both.
func Compare(of, by *Series, q Quantity) (Ratio, bool) {
	if of == nil || by == nil {
		return Ratio{}, false
	}
	var ratios []float64
	for i := range min(len(of.Windows), len(by.Windows)) {
		if divisor := q(by.Windows[i]); divisor > 0 {
			ratios = append(ratios, q(of.Windows[i])/divisor)
		}
	}
	if len(ratios) == 0 {
		return Ratio{}, false
	}
	return Ratio{Median: Median(ratios), Least: slices.Min(ratios), Most: slices.Max(ratios)}, true
}
