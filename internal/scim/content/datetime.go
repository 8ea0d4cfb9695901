package content

import (
	"strconv"
	"strings"
	"time"
)

// ParseDateTime reads an xsd:dateTime (RFC 7643 section 2.3.5). The time zone,
// which XML Schema leaves optional, is required: without it the value is no
// instant, and could not be compared.
func ParseDateTime(s string) (time.Time, bool) {
	date, clock, ok := strings.Cut(s, "T")
	if !ok {
		return time.Time{}, false
	}
	clock, offset, ok := cutZone(clock)
	if !ok {
		return time.Time{}, false
	}
	year, month, day, ok := parseDate(date)
	if !ok {
		return time.Time{}, false
	}
	since, ok := parseClock(clock)
	if !ok {
		return time.Time{}, false
	}
	midnight := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return midnight.Add(since - offset), true
}

func parseDate(s string) (year, month, day int, ok bool) {
	s, negative := strings.CutPrefix(s, "-")
	parts := strings.Split(s, "-")
	if len(parts) != 3 || len(parts[0]) < 4 || len(parts[0]) > 6 || len(parts[0]) > 4 && parts[0][0] == '0' {
		return 0, 0, 0, false
	}
	year, okYear := digits(parts[0], len(parts[0]))
	month, okMonth := digits(parts[1], 2)
	day, okDay := digits(parts[2], 2)
	if !okYear || !okMonth || !okDay || year == 0 || month < 1 || month > 12 || day < 1 {
		return 0, 0, 0, false
	}
	if negative {
		year = -year
	}
	lastDay := time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return year, month, day, day <= lastDay
}

// parseClock reads hh:mm:ss with an optional fraction as the time since midnight.
// 24:00:00 is the end of the day; there are no leap seconds in XML Schema.
func parseClock(s string) (time.Duration, bool) {
	whole, fraction, hasFraction := strings.Cut(s, ".")
	parts := strings.Split(whole, ":")
	if len(parts) != 3 {
		return 0, false
	}
	h, okH := digits(parts[0], 2)
	m, okM := digits(parts[1], 2)
	sec, okS := digits(parts[2], 2)
	if !okH || !okM || !okS || m > 59 || sec > 59 {
		return 0, false
	}
	nanos := 0
	if hasFraction {
		if _, ok := digits(fraction, len(fraction)); !ok {
			return 0, false
		}
		nanos, _ = digits((fraction + "000000000")[:9], 9)
	}
	if h > 24 || h == 24 && (m > 0 || sec > 0 || nanos > 0) {
		return 0, false
	}
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second + time.Duration(nanos), true
}

// cutZone takes the time zone off the end, and gives its offset from UTC.
func cutZone(s string) (rest string, offset time.Duration, ok bool) {
	if rest, utc := strings.CutSuffix(s, "Z"); utc {
		return rest, 0, true
	}
	i := strings.LastIndexAny(s, "+-")
	if i < 0 || len(s)-i != len("+00:00") || s[i+3] != ':' {
		return "", 0, false
	}
	h, okH := digits(s[i+1:i+3], 2)
	m, okM := digits(s[i+4:], 2)
	if !okH || !okM || m > 59 || h > 14 || h == 14 && m > 0 {
		return "", 0, false
	}
	offset = time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if s[i] == '-' {
		offset = -offset
	}
	return s[:i], offset, true
}

// digits reads exactly n decimal digits; any number of them for a fraction is
// checked only, since the value is not used.
func digits(s string, n int) (int, bool) {
	if len(s) != n || n == 0 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	if n > 9 {
		return 0, true
	}
	v, err := strconv.Atoi(s)
	return v, err == nil
}

// Instant is the time that a dateTime value stands for.
func Instant(v any) (t time.Time, ok bool) {
	switch v := v.(type) {
	case time.Time:
		return v, true
	case string:
		return ParseDateTime(v)
	}
	return time.Time{}, false
}
