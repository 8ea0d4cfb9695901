package accesslog

import (
	"net/http"
	"testing"
)

func TestMostlyFailing(t *testing.T) {
	type run struct {
		status, times int
	}
	const good, bad, unknown = http.StatusOK, http.StatusBadRequest, http.StatusNotFound
	for name, tc := range map[string]struct {
		runs           []run
		failing, known bool
	}{
		"nothing came":                        {nil, false, false},
		"too few":                             {[]run{{bad, 19}}, false, false},
		"all fail":                            {[]run{{bad, 20}}, true, true},
		"half fail":                           {[]run{{bad, 10}, {good, 10}}, false, true},
		"more than half of 50 fail":           {[]run{{good, 24}, {bad, 26}}, true, true},
		"of more than 50, the last count":     {[]run{{good, 1000}, {bad, 26}}, true, true},
		"fewer fail, and not few":             {[]run{{bad, 50}, {good, 37}}, true, true},
		"few fail again":                      {[]run{{bad, 50}, {good, 38}}, false, true},
		"fewer than half fail from the start": {[]run{{bad, 9}, {good, 11}}, false, true},
		"nobody is found":                     {[]run{{unknown, 50}}, false, true},
		"the server fails":                    {[]run{{http.StatusServiceUnavailable, 50}}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			log := &Log{}
			for _, run := range tc.runs {
				for range run.times {
					log.outlook.note(run.status)
				}
			}
			if failing, known := log.MostlyFailing(); failing != tc.failing || known != tc.known {
				t.Errorf("failing = %t, known = %t", failing, known)
			}
		})
	}
}
