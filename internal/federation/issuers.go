package federation

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// mostIssuers is of how many issuers the keys are in memory.
	mostIssuers = 32
	// mostAsked is how many issuers are asked at the same time.
	mostAsked = 4
	// askTimeout is how long an issuer may take to answer all that it is asked, and how long
	// it may have to wait for others that are asked.
	askTimeout = 5 * time.Second
	// maxErrorLength is how much the log has of an error, in which there may be what the
	// issuer has sent.
	maxErrorLength = 300
)

// errDefect is what has failed when the fetching of keys panics.
var errDefect = errors.New("a defect of the server, of which the log has another line")

// Fetch gets the keys of an issuer from where they come from.
type Fetch func(ctx context.Context, from Origin) (KeySet, error)

// Issuers has the keys of issuers. It asks for them when an assertion has to be checked, again
// once they are an hour old and when an assertion names another key, and goes on with those
// that it has, for a day, when the issuer does not answer. Make it with NewIssuers; it is safe
// for concurrent use.
type Issuers struct {
	fetch   Fetch
	log     *slog.Logger
	metrics *Metrics
	now     func() time.Time
	slots   *semaphore.Weighted // one for each issuer that may be asked

	mu    sync.Mutex
	known map[Origin]*issuer
	// wanted are the origins of each tenant that has any.
	wanted map[any]map[Origin]struct{}
}

// issuer is what is known of an issuer.
type issuer struct {
	freshness

	keys KeySet
	used time.Time     // when its keys were last wanted
	done chan struct{} // to be closed once it has answered; nil until it is asked
}

// NewIssuers returns what knows the keys of no issuer yet, and gets them by fetch.
func NewIssuers(fetch Fetch, log *slog.Logger, metrics *Metrics) *Issuers {
	return &Issuers{
		fetch: fetch, log: log, metrics: metrics, now: time.Now,
		slots: semaphore.NewWeighted(mostAsked), known: map[Origin]*issuer{}, wanted: map[any]map[Origin]struct{}{},
	}
}

// Keep makes the origins those that one tenant wants keys from, and forgets all issuers that no
// tenant wants any from.
func (i *Issuers) Keep(tenant any, origins map[Origin]struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.wanted[tenant] = origins
	if len(origins) == 0 {
		delete(i.wanted, tenant)
	}
	for origin := range i.known {
		if !i.isWanted(origin) {
			delete(i.known, origin)
		}
	}
}

// isWanted reports whether a tenant wants keys from there. The mutex is held.
func (i *Issuers) isWanted(origin Origin) bool {
	for _, origins := range i.wanted {
		if _, is := origins[origin]; is {
			return true
		}
	}
	return false
}

// Keys returns the keys by which an assertion is to be checked, if its issuer has one that it
// names. It waits while the issuer is asked.
func (i *Issuers) Keys(ctx context.Context, from Origin, assertion *Assertion) (KeySet, Fault) {
	found, there := i.find(from)
	if !there {
		return KeySet{}, Unavailable
	}
	for range 2 { // After the issuer was asked, there is nothing more to wait for.
		seen, next := i.look(found, assertion)
		switch next {
		case use:
			return seen.keys, ""
		case refuse:
			return KeySet{}, UnknownSigner
		case unavailable:
			return KeySet{}, Unavailable
		case ask:
			i.ask(ctx, from, found)
		case wait:
			select {
			case <-ctx.Done():
				return KeySet{}, Unavailable
			case <-seen.done:
			}
		}
	}
	return KeySet{}, Unavailable
}

// find returns what is known of an issuer, if there is room for it.
func (i *Issuers) find(from Origin) (*issuer, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	found, there := i.known[from]
	if !there && len(i.known) >= mostIssuers && !i.makeRoom(now) {
		return nil, false
	}
	if !there {
		found = &issuer{}
		i.known[from] = found
	}
	found.used = now
	return found, true
}

// look returns what is known of an issuer at this moment, and the next step for an assertion
// of it. For the others, an issuer that is to be asked is being asked from now on.
func (i *Issuers) look(found *issuer, assertion *Assertion) (seen issuer, next step) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	if next = found.next(found.keys.has(assertion.KeyID) || found.other(assertion), now); next == ask {
		found.asking, found.asked, found.done = true, now, make(chan struct{})
	}
	return *found, next
}

// other reports whether the assertion is of another issuer than the one whose keys there are,
// which can be of the cluster's only. To ask that one does not help.
func (i *issuer) other(assertion *Assertion) bool {
	return i.keys.Issuer != "" && i.keys.Issuer != assertion.Issuer
}

// makeRoom forgets an issuer, if it can: of those that were not asked lately, who would be
// asked again too soon, the one that has been used the longest time ago.
func (i *Issuers) makeRoom(now time.Time) bool {
	var oldest Origin
	var spare *issuer
	for origin, candidate := range i.known {
		if !candidate.asking && candidate.mayAsk(now) && (spare == nil || candidate.used.Before(spare.used)) {
			oldest, spare = origin, candidate
		}
	}
	delete(i.known, oldest)
	return spare != nil
}

// ask asks an issuer for its keys, whether who wants them stays or not.
func (i *Issuers) ask(ctx context.Context, from Origin, asked *issuer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	keys, err := KeySet{}, errDefect
	defer func() { i.note(from, asked, keys, err) }() // After a panic, too.
	if i.slots.Acquire(ctx, 1) != nil {
		err = errors.New("other issuers are being asked, and answer slowly")
		return
	}
	defer i.slots.Release(1)
	keys, err = i.fetch(ctx, from)
}

// note takes note of what an issuer has answered, whether anybody still wants to know or not.
func (i *Issuers) note(from Origin, asked *issuer, keys KeySet, err error) {
	i.metrics.count(err)
	i.mu.Lock()
	defer i.mu.Unlock()
	close(asked.done)
	asked.asking, asked.failed = false, err != nil
	if err != nil {
		log := i.log.With(slog.String("issuer", from.String()), slog.String("error", clipped(err.Error())))
		if !asked.fetched.IsZero() {
			log = log.With(slog.Time("lastFetched", asked.fetched))
		}
		log.Warn("the keys of an issuer cannot be fetched; those that were fetched in the last 24 hours stay in force, and without them its assertions are refused")
		return
	}
	asked.keys, asked.fetched = keys, asked.asked
	i.log.Info("the keys of an issuer were fetched", slog.String("issuer", from.String()), slog.Int("keys", keys.Len()))
}

func clipped(text string) string {
	if len(text) > maxErrorLength {
		return text[:maxErrorLength] + "…"
	}
	return text
}
