package result

import "strconv"

// Figure writes a number with as many digits as say something.
func Figure(value float64) string {
	switch {
	case value >= 100:
		return strconv.FormatFloat(value, 'f', 0, 64)
	case value >= 10:
		return strconv.FormatFloat(value, 'f', 1, 64)
	default:
		return strconv.FormatFloat(value, 'f', 2, 64)
	}
}

// Thousands writes a count with a comma after every three digits.
func Thousands(count int) string {
	text := strconv.Itoa(count)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func perSecond(rate float64) string              { return Thousands(int(rate+0.5)) + "/s" }
func inMilliseconds(milliseconds float64) string { return Figure(milliseconds) + " ms" }
func inSeconds(seconds float64) string           { return Figure(seconds) + " s" }
func inMegabytes(bytes float64) string           { return Thousands(int(bytes/1e6+0.5)) + " MB" }
