package federation

import (
	"testing"
	"time"
)

func TestNextStep(t *testing.T) {
	const day = 24 * time.Hour
	ago := func(age time.Duration) time.Time { return now.Add(-age) }
	for name, tc := range map[string]struct {
		freshness
		known bool // whether there is a key of the id
		want  step
	}{
		"never asked":                                 {freshness{}, false, ask},
		"never asked, being asked":                    {freshness{asked: now, asking: true}, false, wait},
		"did not answer just now":                     {freshness{asked: ago(triedAgainAfter - 1), failed: true}, false, unavailable},
		"did not answer":                              {freshness{asked: ago(triedAgainAfter), failed: true}, false, ask},
		"new keys":                                    {freshness{fetched: now, asked: now}, true, use},
		"new keys, being asked":                       {freshness{fetched: ago(askedAgainAfter), asked: now, asking: true}, true, use},
		"new keys, without it":                        {freshness{fetched: ago(askedAgainAfter - 1), asked: ago(askedAgainAfter - 1)}, false, refuse},
		"new keys, without it, a minute old":          {freshness{fetched: ago(askedAgainAfter), asked: ago(askedAgainAfter)}, false, ask},
		"new keys, without it, being asked":           {freshness{fetched: ago(askedAgainAfter), asked: now, asking: true}, false, wait},
		"keys of just an hour":                        {freshness{fetched: ago(refreshAge - 1), asked: ago(refreshAge - 1)}, true, use},
		"old keys":                                    {freshness{fetched: ago(refreshAge), asked: ago(refreshAge)}, true, ask},
		"old keys, being asked":                       {freshness{fetched: ago(refreshAge), asked: now, asking: true}, true, wait},
		"old keys, did not answer, being asked":       {freshness{fetched: ago(refreshAge), asked: now, failed: true, asking: true}, true, use},
		"old keys, without it, being asked again":     {freshness{fetched: ago(refreshAge), asked: now, failed: true, asking: true}, false, wait},
		"keys of a day, did not answer, being asked":  {freshness{fetched: ago(day), asked: now, failed: true, asking: true}, true, wait},
		"old keys, did not answer just now":           {freshness{fetched: ago(refreshAge), asked: now, failed: true}, true, use},
		"old keys, did not answer":                    {freshness{fetched: ago(refreshAge), asked: ago(triedAgainAfter), failed: true}, true, ask},
		"old keys, without it, did not answer":        {freshness{fetched: ago(refreshAge), asked: now, failed: true}, false, refuse},
		"keys of just a day, did not answer":          {freshness{fetched: ago(day - 1), asked: now, failed: true}, true, use},
		"keys of a day, did not answer":               {freshness{fetched: ago(day), asked: now, failed: true}, true, unavailable},
		"keys of a day, without it":                   {freshness{fetched: ago(day), asked: now, failed: true}, false, unavailable},
		"keys of a day, was not asked since":          {freshness{fetched: ago(day), asked: ago(day)}, true, ask},
		"keys of a month, did not answer for an hour": {freshness{fetched: ago(30 * day), asked: ago(time.Hour), failed: true}, true, ask},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.next(tc.known, now); got != tc.want {
				t.Errorf("the next step is %d, want %d", got, tc.want)
			}
		})
	}
}
