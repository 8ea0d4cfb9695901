package requests

import (
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/kubescim/kubescim/test/internal/history"
)

// Family is a few users of a tenant whose userNames begin alike.
type Family struct {
	Prefix string

	lock sync.Mutex
	ids  []string // all that an answer showed
}

// Names are the userNames of the family.
func (f *Family) Names() []string {
	var names []string
	for _, letter := range []string{"a", "b", "c"} {
		names = append(names, f.Prefix+letter+"@example.com")
	}
	return names
}

// Met remembers the ids that answers show.
func (f *Family) Met(shown []history.User) {
	f.lock.Lock()
	defer f.lock.Unlock()
	for _, user := range shown {
		if !slices.Contains(f.ids, user.ID) {
			f.ids = append(f.ids, user.ID)
		}
	}
}

// Known is one of the ids that were met last; empty when none was.
func (f *Family) Known(random *rand.Rand) string {
	f.lock.Lock()
	defer f.lock.Unlock()
	if len(f.ids) == 0 {
		return ""
	}
	last := f.ids[max(0, len(f.ids)-5):]
	return last[random.IntN(len(last))]
}

// Everything are the requests that read all of the family, each in every way.
func (f *Family) Everything() []history.Request {
	f.lock.Lock()
	defer f.lock.Unlock()
	requests := []history.Request{{Kind: history.List}}
	for _, name := range f.Names() {
		requests = append(requests, history.Request{Kind: history.ReadByName, UserName: name})
	}
	for _, id := range f.ids {
		requests = append(requests, history.Request{Kind: history.ReadByID, ID: id})
	}
	return requests
}
