package upkeep

import "time"

// maxAbsences bounds how many ids an absences times at once. Others wait until there is
// room.
const maxAbsences = 20_000

// absences time how long ids have been missing, in rounds: what is not reported in a
// round is not missing any more. The clock is that of this process, which nobody sets,
// and begins anew with it: so what is missing is left alone for longer, never for
// shorter. A record in the cluster would be restored with everything else, and would
// then say of what is only being restored that it has been missing for long.
type absences struct {
	since map[string]time.Time // as of the last round
	round map[string]time.Time
	begun int // of this round, those that are not in the last
}

// missing notes that the id is missing now, and returns for how long it has been.
func (a *absences) missing(id string, now time.Time) time.Duration {
	if a.round == nil {
		a.round = map[string]time.Time{}
	}
	began, known := a.since[id]
	if _, again := a.round[id]; !known && !again {
		if len(a.since)+a.begun >= maxAbsences {
			return 0
		}
		a.begun++
	}
	if !known {
		began = now
	}
	a.round[id] = began
	return now.Sub(began)
}

// end ends a round, and returns how many ids are missing.
func (a *absences) end() int {
	a.since, a.round, a.begun = a.round, nil, 0
	return len(a.since)
}
