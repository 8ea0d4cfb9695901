package federation

import "time"

const (
	// refreshAge is how old keys may be while their issuer can be asked: for as long, a key
	// that the issuer has withdrawn goes on working.
	refreshAge = time.Hour
	// maxAge is how old keys may be at all, while the issuer cannot be asked.
	maxAge = 24 * time.Hour
	// askedAgainAfter is how long an issuer is left alone that has answered. Anybody can
	// send an assertion that names a key which is not there.
	askedAgainAfter = time.Minute
	// triedAgainAfter is how long an issuer is left alone that has not.
	triedAgainAfter = 10 * time.Second
)

// freshness is how new the keys of an issuer are.
type freshness struct {
	// fetched is when the issuer was asked for the keys that there are; zero while there are
	// none.
	fetched time.Time
	// asked is when it was asked last, and failed says that it did not answer then; while it
	// is being asked, that it did not the time before.
	asked  time.Time
	failed bool
	// asking says that it is being asked now.
	asking bool
}

// step is what is to be done about an assertion.
type step int

const (
	use         step = iota // check it with the keys that there are
	wait                    // until the issuer has been asked
	ask                     // ask the issuer
	refuse                  // there is no such key
	unavailable             // the keys are not to be had
)

// next returns what is to be done at a time about an assertion, of which it is known whether
// there is a key that it names.
func (f freshness) next(known bool, now time.Time) step {
	age := now.Sub(f.fetched)
	some := !f.fetched.IsZero() && age < maxAge
	known = known && some
	switch {
	case known && age < refreshAge, known && f.asking && f.failed: // In an outage, one waits and not everybody.
		return use
	case f.asking:
		return wait
	case f.mayAsk(now):
		return ask
	case known:
		return use
	case some:
		return refuse
	default:
		return unavailable
	}
}

// mayAsk reports whether the issuer may be asked at a time.
func (f freshness) mayAsk(now time.Time) bool {
	pause := askedAgainAfter
	if f.failed {
		pause = triedAgainAfter
	}
	return f.asked.IsZero() || now.Sub(f.asked) >= pause
}
