package readindex

import (
	"errors"
	"time"
)

// When etcd is restored to an older state and goes on from there, resourceVersions are
// given out a second time, and those of before say nothing any more. Each replica counts
// how often that has happened, as far as it knows, and says so with each question and
// each answer. Whoever hears of a higher count than its own begins anew before it
// believes any Revisions, or any of its own memory.

var errRewritten = errors.New("etcd has been restored to an older state, and everything is read anew")

// history is what is known of rewritten histories.
type history struct {
	count uint64
	// restarting is true from when one was found until the API server's latest
	// resourceVersions have been got.
	restarting bool
}

// syncs are the reasons for which the API server's latest resourceVersions are needed.
// While any is pending, nobody reads from memory.
type syncs struct {
	// pending counts them, done those for which they have been got.
	pending, done int64
	// handedOver are the Revisions of peers that have left, until they have been got.
	handedOver Revisions

	running bool
	at      time.Duration // not before then
	// What was pending when the one that runs began.
	covers           int64
	coversHandedOver Revisions
	coversHistory    uint64
	coversRestarting bool
}

func (s *syncs) needed() bool { return s.pending > s.done || s.handedOver != Revisions{} }

// begin asks the API server, if that is needed.
func (s *syncs) begin(c *Core) {
	if s.needed() && !s.running && s.at <= c.now {
		s.running = true
		s.covers, s.coversHandedOver = s.pending, s.handedOver
		s.coversHistory, s.coversRestarting = c.history.count, c.history.restarting
		c.emit(Sync{})
	}
}

func (e Synced) apply(c *Core) {
	s := &c.syncs
	s.running = false
	if c.leaving {
		return
	}
	err := e.Err
	if err == nil && !s.coversRestarting && e.Latest.Max(e.Before) != e.Latest {
		c.rewrite(s.coversHistory + 1)
	}
	if err == nil && c.history.count != s.coversHistory {
		err = errRewritten // It is not known what of before was read.
	}
	if err != nil {
		s.at = c.now + c.config.Probe
		c.log(Warn, "asking the API server how new everything is failed and is tried again", "error", err)
		return
	}
	if s.handedOver == s.coversHandedOver { // As much of it as was true is covered.
		s.handedOver = Revisions{}
	}
	s.done, c.history.restarting = s.covers, false
	c.raise, c.changed = &e.Latest, true
}

func (Rewound) apply(c *Core) {
	if !c.history.restarting {
		c.rewrite(c.history.count + 1)
	}
}

func (e HistoryHeard) apply(c *Core) { c.rewrite(e.Count) }

// rewrite begins anew unless this replica knows of as many rewritten histories.
func (c *Core) rewrite(count uint64) {
	if c.history.count >= count {
		return
	}
	c.history = history{count: count, restarting: true}
	c.promises.rewrite(count)
	c.syncs.handedOver = Revisions{}
	c.syncs.pending++
	c.changed = true
	c.emit(Restart{})
	c.log(Warn, "etcd seems to have been restored to an older state: everything is read anew, and from the API server until then", "times", count)
}
