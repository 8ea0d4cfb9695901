package eventsink

import (
	"net/http"
	"strconv"
	"time"
)

const (
	firstPause   = time.Second
	longestPause = time.Minute
	// longestWish is the longest pause that a receiver gets which asks for one.
	longestWish = 10 * time.Minute
)

// Pause returns how long to wait after so many failures in a row, of which the last one asked for a
// pause with Retry-After; empty if it did not (RFC 9110 section 10.2.3).
func Pause(failures int, retryAfter string, now time.Time) time.Duration {
	pause := longestPause
	if failures < 8 {
		pause = min(firstPause<<max(failures-1, 0), longestPause)
	}
	wish := time.Duration(0)
	if seconds, err := strconv.ParseUint(retryAfter, 10, 16); err == nil {
		wish = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(retryAfter); err == nil {
		wish = at.Sub(now)
	}
	return max(pause, min(wish, longestWish))
}
