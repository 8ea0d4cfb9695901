package signingkey

import (
	"slices"
	"time"
)

const (
	// Period is how long a key signs before the next one does.
	Period = 30 * 24 * time.Hour
	// PublishedBefore is how long a key is in the file before it signs. A kubelet brings
	// a change of a Secret to its pods within about two minutes.
	PublishedBefore = 10 * time.Minute
	// TokenLifetime is how long a signature has to be checked: the lifetime of an access
	// token. Entra ID wants one to last for 60 to 360 minutes.
	TokenLifetime = time.Hour
	// Leeway is how far the clocks of the operator and of pods may be apart.
	Leeway = 5 * time.Minute
	// keptAfter is how long a key stays after its successor has begun to sign: until
	// nothing that it has signed can be good any more.
	keptAfter = TokenLifetime + 2*Leeway
)

// Reason is why a key is to be made.
type Reason string

// Why a key is to be made.
const (
	// NoneSigns: there is no key that signs. The one that is made signs at once: nothing
	// that pods have signed can be checked any more anyway, or no pod was started yet.
	NoneSigns Reason = "NoneSigns"
	// PeriodOver: the newest key has signed for the Period. The one that is made signs once
	// every pod must have it.
	PeriodOver Reason = "PeriodOver"
)

// Decision is what is to be done about the keys of a tenant.
type Decision struct {
	// Keep are the keys that stay.
	Keep Set
	// Add is why a key is to be made; empty when none is.
	Add Reason
	// SignsFrom is from when on the key that is made signs.
	SignsFrom time.Time
	// Again is when to decide again, if nothing else happens.
	Again time.Time
}

// Changes reports whether there is anything to be done to the keys.
func (d Decision) Changes(keys Set) bool { return d.Add != "" || len(d.Keep) != len(keys) }

// Decide returns what is to be done about the keys at a time.
func Decide(keys Set, now time.Time) Decision {
	decision := Decision{Keep: kept(keys, now)}
	newest, signs := decision.Keep.Signer(now)
	switch {
	case !signs:
		decision.Add, decision.SignsFrom = NoneSigns, now
	case newest.ID == decision.Keep[0].ID && !now.Before(newest.SignsFrom.Add(Period-PublishedBefore)):
		decision.Add, decision.SignsFrom = PeriodOver, now.Add(PublishedBefore)
	}
	decision.Again = again(decision, now)
	return decision
}

// Rotate does what was decided, and returns the keys that there are to be.
func (d Decision) Rotate(now time.Time) (Set, error) {
	if d.Add == "" {
		return d.Keep, nil
	}
	key, err := New(now, d.SignsFrom)
	if err != nil {
		return nil, err
	}
	return append(slices.Clone(d.Keep), key).sorted(), nil
}

// kept returns the keys that are still needed. Not among them are those whose successor has
// signed for so long that nothing of theirs is good any more, and those that were made in the
// future, by a clock that was wrong: such a one would keep all others from signing for good.
func kept(keys Set, now time.Time) Set {
	sane := slices.DeleteFunc(keys.sorted(), func(key Key) bool {
		return key.Created.After(now.Add(Leeway)) || key.SignsFrom.After(now.Add(Leeway+PublishedBefore))
	})
	for i := 1; i < len(sane); i++ {
		if !now.Before(sane[i-1].SignsFrom.Add(keptAfter)) {
			return sane[:i]
		}
	}
	return sane
}

// again returns when the next key is due or another one is over, whichever is sooner.
func again(decision Decision, now time.Time) time.Time {
	var starts []time.Time
	if decision.Add != "" {
		starts = append(starts, decision.SignsFrom)
	}
	for _, key := range decision.Keep {
		starts = append(starts, key.SignsFrom)
	}
	slices.SortFunc(starts, func(a, b time.Time) int { return b.Compare(a) })
	next := starts[0].Add(Period - PublishedBefore)
	for _, successor := range starts[:len(starts)-1] {
		if over := successor.Add(keptAfter); over.After(now) && over.Before(next) {
			next = over
		}
	}
	return next
}
