package accesslog

import (
	"math/bits"
	"net/http"
	"sync"
)

const (
	// recentRequests is how many requests say whether most of them fail, and fewestRequests how
	// many there must have been.
	recentRequests = 50
	fewestRequests = 20
)

// recent is what came of the last requests with a good token. It is counted by requests and not by
// time, so that it says the same of a provider that sends many at once and then pauses.
type recent struct {
	// failed has a bit for each of them, the last one lowest, and seen is how many there were, up
	// to recentRequests.
	failed uint64
	seen   int
	// mostly is whether most of them fail. It begins when more than half do, and ends when less
	// than a quarter do.
	mostly bool
}

// with returns what there is after one more request.
func (r recent) with(failed bool) recent {
	r.failed <<= 1
	if failed {
		r.failed |= 1
	}
	r.failed &= 1<<recentRequests - 1
	r.seen = min(r.seen+1, recentRequests)
	switch failing := bits.OnesCount64(r.failed); {
	case r.seen < fewestRequests:
	case 2*failing > r.seen:
		r.mostly = true
	case 4*failing < r.seen:
		r.mostly = false
	}
	return r
}

// isRefusal reports whether an answer with the status is no success for who has sent the request:
// that nobody is found is what a provider often asks for.
func isRefusal(status int) bool {
	return status >= http.StatusBadRequest && status != http.StatusNotFound
}

// outlook is a recent for concurrent use.
type outlook struct {
	mu     sync.Mutex
	recent recent
}

func (o *outlook) note(status int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.recent = o.recent.with(isRefusal(status))
}

// MostlyFailing reports whether most of the last requests with a good token were refused or failed;
// known is false while there were too few.
func (l *Log) MostlyFailing() (failing, known bool) {
	l.outlook.mu.Lock()
	defer l.outlook.mu.Unlock()
	return l.outlook.recent.mostly, l.outlook.recent.seen >= fewestRequests
}
