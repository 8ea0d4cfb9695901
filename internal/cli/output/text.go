package output

import (
	"strings"
	"time"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
)

const (
	// None stands for what there is not.
	None = "-"
	// Expired is said of a time that has passed.
	Expired = "expired"
)

// Safe returns a text that somebody else has written, such as the name of a user, without what a
// terminal would act on: control characters, and those that turn the direction of writing.
func Safe(text string) string {
	return strings.Map(func(r rune) rune {
		if isActedOn(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, text)
}

// isActedOn reports whether a terminal acts on a character, and does not show it.
func isActedOn(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

// OrNone returns a text, or what stands for none.
func OrNone(text string) string {
	if text == "" {
		return None
	}
	return Safe(text)
}

// Ago says how long ago a time is, as kubectl does; None for no time.
func Ago(now, then time.Time) string {
	if then.IsZero() {
		return None
	}
	return duration.HumanDuration(now.Sub(then))
}

// Left says how long it is until a time, and whether that has passed; never for no time.
func Left(now time.Time, then metav1.Time) string {
	switch {
	case then.IsZero():
		return "never"
	case !then.After(now):
		return Expired
	default:
		return "in " + duration.HumanDuration(rounded(then.Sub(now)))
	}
}

// rounded rounds a time to what HumanDuration writes of it, which cuts the rest off: what is made for 24
// hours is not over in 23.
func rounded(left time.Duration) time.Duration {
	const day = 24 * time.Hour
	switch {
	case left < 10*time.Minute:
		return left.Round(time.Second)
	case left < 8*time.Hour:
		return left.Round(time.Minute)
	case left < 8*day:
		return left.Round(time.Hour)
	default:
		return left.Round(day)
	}
}

// Minute writes a time of which no more than the minute is known.
func Minute(then time.Time) string { return then.UTC().Format("2006-01-02T15:04Z") }

// Date writes a time as the API does.
func Date(then time.Time) string { return then.UTC().Format(time.RFC3339) }
