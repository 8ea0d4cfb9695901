package report

import (
	"math"
	"strconv"
	"strings"
)

// scale places the values of an axis between 0 and 1.
type scale struct {
	low, high   float64
	logarithmic bool
	ticks       []float64
}

// linear is an axis from 0 to a round number above the largest value.
func linear(values []float64) scale {
	most := 0.0
	for _, v := range values {
		most = max(most, v)
	}
	if most == 0 {
		most = 1
	}
	step := roundStep(most / 5)
	s := scale{high: math.Ceil(most/step) * step}
	for i := 0; float64(i)*step <= s.high+step/2; i++ {
		s.ticks = append(s.ticks, float64(i)*step)
	}
	return s
}

// roundStep is the smallest of 1, 2 and 5 times a power of ten that is not below the value.
func roundStep(value float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(value)))
	for _, factor := range []float64{1, 2, 5} {
		if factor*power >= value*(1-1e-9) {
			return factor * power
		}
	}
	return 10 * power
}

// logarithmic is an axis over whole powers of ten. Values that are not positive have no place on it.
func logarithmic(values []float64) scale {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v > 0 {
			low, high = min(low, math.Floor(math.Log10(v)+1e-9)), max(high, math.Ceil(math.Log10(v)-1e-9))
		}
	}
	if low > high {
		low, high = 0, 1
	}
	if low == high {
		high++
	}
	s := scale{low: math.Pow(10, low), high: math.Pow(10, high), logarithmic: true}
	for exponent := low; exponent <= high; exponent++ {
		s.ticks = append(s.ticks, math.Pow(10, exponent))
	}
	return s
}

// place is where a value is: 0 at the low end and 1 at the high one.
func (s scale) place(value float64) float64 {
	if s.logarithmic {
		return math.Log10(value/s.low) / math.Log10(s.high/s.low)
	}
	return (value - s.low) / (s.high - s.low)
}

// tickLabel writes the value of a tick, with k and M for thousands and millions.
func tickLabel(value float64) string {
	switch {
	case value >= 1e6:
		return trimmed(value/1e6) + "M"
	case value >= 1e3:
		return trimmed(value/1e3) + "k"
	default:
		return trimmed(value)
	}
}

// trimmed writes a number without trailing zeros.
func trimmed(value float64) string {
	text := strconv.FormatFloat(value, 'f', 4, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// roundTo3 rounds to three digits that say something.
func roundTo3(value float64) float64 {
	if value == 0 {
		return 0
	}
	power := math.Pow(10, math.Floor(math.Log10(math.Abs(value)))-2)
	return math.Round(value/power) * power
}
