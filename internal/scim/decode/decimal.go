package decode

import (
	"math"
	"strconv"
	"strings"
)

// decimal reads a number that is kept as a float64, which must not change it: what is read
// back is the same decimal number, however it is written. So 0.1, 1.50 and 1e3 are kept,
// and so is every number of up to 15 digits.
func decimal(text string) (value float64, kept bool) {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(value, 0) {
		return 0, false
	}
	digits, exponent, ok := decimalParts(text)
	back, backExponent, _ := decimalParts(strconv.FormatFloat(value, 'e', -1, 64))
	return value, ok && digits == back && exponent == backExponent
}

// decimalParts takes a number of JSON apart: it is the digits, of which neither the first
// nor the last is 0, times a power of ten. Of zero there are none. The sign is left out. It
// is not ok if nobody can count the power.
func decimalParts(text string) (digits string, exponent int, ok bool) {
	mantissa, power, hasPower := strings.Cut(strings.ToLower(strings.TrimPrefix(text, "-")), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits = strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "", 0, true
	}
	if hasPower {
		var err error
		if exponent, err = strconv.Atoi(power); err != nil {
			return "", 0, false
		}
	}
	exponent -= len(fraction)
	significant := strings.TrimRight(digits, "0")
	return significant, exponent + len(digits) - len(significant), true
}
