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
		return "in " + duration.HumanDuration(then.Sub(now))
	}
}

// Date writes a time as the API does.
func Date(then time.Time) string { return then.UTC().Format(time.RFC3339) }
