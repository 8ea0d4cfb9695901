package conditions

import "time"

const (
	// longestNotice is how long before its end it is said at the soonest that something ends.
	longestNotice = 14 * 24 * time.Hour
	// noticeShare is the part of its life that is its notice, if that is shorter.
	noticeShare = 10
)

// Notice returns from when it is said that something is about to end: 14 days before, or in the last
// tenth of its life, whichever is later.
func Notice(start, end time.Time) time.Time {
	return end.Add(-max(0, min(longestNotice, end.Sub(start)/noticeShare)))
}
