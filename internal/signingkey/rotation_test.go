package signingkey

import (
	"testing"
	"time"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// signing makes keys that were created PublishedBefore they sign, by how long ago that was.
func signing(t testing.TB, ago ...time.Duration) Set {
	t.Helper()
	var set Set
	for _, since := range ago {
		key, err := New(now.Add(-since-PublishedBefore), now.Add(-since))
		if err != nil {
			t.Fatal(err)
		}
		set = append(set, key)
	}
	return set.sorted()
}

func TestDecide(t *testing.T) {
	const day = 24 * time.Hour
	due := Period - PublishedBefore
	for name, tc := range map[string]struct {
		signing []time.Duration // how long each key has signed
		keep    int
		add     Reason
		from    time.Duration // after now
		again   time.Duration // after now
	}{
		"no key":                                     {nil, 0, NoneSigns, 0, due},
		"a new key":                                  {[]time.Duration{0}, 1, "", 0, due},
		"a key in use":                               {[]time.Duration{day}, 1, "", 0, due - day},
		"just before the next one is due":            {[]time.Duration{due - time.Second}, 1, "", 0, time.Second},
		"the next one is due":                        {[]time.Duration{due}, 1, PeriodOver, PublishedBefore, PublishedBefore + keptAfter},
		"nobody was there to make it":                {[]time.Duration{400 * day}, 1, PeriodOver, PublishedBefore, PublishedBefore + keptAfter},
		"the next one is published":                  {[]time.Duration{Period, -time.Minute}, 2, "", 0, time.Minute + keptAfter},
		"the next one has begun to sign":             {[]time.Duration{Period, time.Minute}, 2, "", 0, keptAfter - time.Minute},
		"nothing is good any more of the one before": {[]time.Duration{Period, keptAfter}, 1, "", 0, due - keptAfter},
		"none but one that signs soon":               {[]time.Duration{-time.Minute}, 1, NoneSigns, 0, time.Minute + keptAfter},
		"made by a clock that was wrong":             {[]time.Duration{day, -9 * day}, 1, "", 0, due - day},
		"made by a clock a little ahead":             {[]time.Duration{Period, -PublishedBefore - Leeway}, 2, "", 0, PublishedBefore + Leeway + keptAfter},
		"restored from long ago":                     {[]time.Duration{90 * day, 60 * day}, 1, PeriodOver, PublishedBefore, PublishedBefore + keptAfter},
	} {
		t.Run(name, func(t *testing.T) {
			keys := signing(t, tc.signing...)
			got := Decide(keys, now)
			if len(got.Keep) != tc.keep || got.Add != tc.add || !got.Again.Equal(now.Add(tc.again)) {
				t.Errorf("%d keys stay, one is added for %q, and again %s later; want %d, %q, %s",
					len(got.Keep), got.Add, got.Again.Sub(now), tc.keep, tc.add, tc.again)
			}
			if tc.add != "" && !got.SignsFrom.Equal(now.Add(tc.from)) {
				t.Errorf("the key signs from %s later, want %s", got.SignsFrom.Sub(now), tc.from)
			}
			if want := tc.add != "" || tc.keep != len(keys); got.Changes(keys) != want {
				t.Errorf("Changes = %v", !want)
			}
		})
	}
}

// Over a year, at whatever moments the operator looks: there is always a key that signs, no
// pod is asked to sign with one that it may not have, and what was signed can be checked for
// as long as it is good.
func TestRotationOverAYear(t *testing.T) {
	for _, step := range []time.Duration{7 * time.Minute, time.Hour, 5 * 24 * time.Hour} {
		var keys Set
		published, signers := map[string]time.Time{}, 0
		lastSigned := map[string]time.Time{}
		for at := now; at.Before(now.Add(365 * 24 * time.Hour)); at = at.Add(step) {
			first := keys == nil
			var err error
			if keys, err = Decide(keys, at).Rotate(at); err != nil {
				t.Fatal(err)
			}
			if Decide(keys, at).Changes(keys) {
				t.Fatal("what was done is to be done again")
			}
			present := map[string]bool{}
			for _, key := range keys {
				present[key.ID] = true
				if _, known := published[key.ID]; !known {
					published[key.ID] = at
				}
			}
			key, signs := keys.Signer(at)
			switch {
			case !signs:
				t.Fatalf("no key signs after %s", at.Sub(now))
			case !first && published[key.ID].After(at.Add(-PublishedBefore)) && !published[key.ID].Equal(now):
				t.Fatalf("a key signs %s after it was published", at.Sub(published[key.ID]))
			}
			if lastSigned[key.ID].IsZero() {
				signers++
			}
			lastSigned[key.ID] = at
			for id, signed := range lastSigned {
				if !present[id] && at.Sub(signed) < TokenLifetime {
					t.Fatalf("a key is gone %s after it has signed", at.Sub(signed))
				}
			}
		}
		if signers < 10 || signers > 13 {
			t.Errorf("%d keys have signed in a year", signers)
		}
	}
}
