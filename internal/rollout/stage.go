package rollout

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Policy is how fast a release reaches all servers.
type Policy struct {
	// MaxConcurrent is how many servers may be in the middle of it at the same time.
	MaxConcurrent int
	// Pause is how long one that has become ready still keeps its place.
	Pause time.Duration
}

// Turn is whether a server's turn has come.
type Turn struct {
	// Now is true if the server may get the release.
	Now bool
	// Halted is true if the others fail that got the release before, so that no more get it.
	Halted bool
	// Again is when to ask again; zero if a Deployment changes before the answer does.
	Again time.Time
}

// Stage is how far a release has come.
type Stage struct {
	waiting []types.UID
	free    int
	halted  bool
	again   time.Time
}

// StageOf judges how far a release has come with the servers.
//
// A server takes a place from when its turn comes until it is ready. One that fails gives
// its place back only once more servers run with the release than fail with it: a release
// that is bad stops with the first servers, and a few that fail for reasons of their own
// stop nobody.
func (p Policy) StageOf(release string, servers []Server, now time.Time) Stage {
	var stage Stage
	var moving, failing, running int
	for i := range servers {
		s := &servers[i]
		switch {
		case s.Idle:
		case s.Record.Staged && !s.Settled && s.Stuck && s.Record.Release == release:
			failing++
		case s.Record.Staged && !s.Settled:
			moving++
		case s.Record.Release != release:
			stage.waiting = append(stage.waiting, s.UID)
		case s.Record.Staged && now.Before(s.SettledAt.Add(p.Pause)):
			moving++
			stage.again = earlier(stage.again, s.SettledAt.Add(p.Pause))
		case s.Record.Staged && s.Settled:
			running++
		}
	}
	if failing < running {
		failing = 0
	}
	stage.free = p.MaxConcurrent - moving - failing
	stage.halted = stage.free <= 0 && failing > 0 && moving == 0
	slices.SortFunc(stage.waiting, cmp.Compare)
	return stage
}

// TurnOf says whether the turn of a server has come that has not got the release.
func (s Stage) TurnOf(server Server) Turn {
	place, waits := slices.BinarySearch(s.waiting, server.UID)
	// One that is in the middle of another release has its place already.
	if !waits || place < s.free {
		return Turn{Now: true}
	}
	return Turn{Halted: s.halted, Again: s.again}
}

// Next returns the servers whose turn has come.
func (s Stage) Next() []types.UID {
	return s.waiting[:max(0, min(s.free, len(s.waiting)))]
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
