package driver

import (
	"context"
	"slices"
	"time"

	"github.com/kubescim/kubescim/internal/ratelimit"
	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/sleep"
)

const (
	// reportSpacing is how long after another one a report is sent that is due at once.
	reportSpacing = 10 * time.Millisecond
	// mostReports bounds how many reports a peer gets one after another. What has no room in
	// them is for the next time.
	mostReports = 32
)

// reports tell the peers what this replica has let through.
type reports struct {
	node   *node
	asking turn
	rates  *ratelimit.Buckets
	// reporters are for each peer that there is or was a moment ago: one that is asked by
	// another link is still the same process.
	reporters map[readindex.PeerID]*ratelimit.Reporter
}

// reported is what became of one report.
type reported struct {
	link     *link
	reporter *ratelimit.Reporter
	content  []byte
	err      error
}

func newReports(r *Replica) *reports {
	return &reports{
		node: r.node, asking: r.rounds.asking, rates: r.options.Rates, reporters: map[readindex.PeerID]*ratelimit.Reporter{},
	}
}

// run tells them until the context is done.
func (r *reports) run(ctx context.Context) {
	ticker := time.NewTicker(r.node.timing.Report)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-r.rates.Due():
		}
		r.send()
		sleep.For(ctx, reportSpacing)
	}
}

// send sends what there is to report, and nothing to whom there is nothing.
func (r *reports) send() {
	r.rates.Among(r.node.view.Load().Members)
	for range mostReports {
		due := r.due(time.Now())
		if len(due) == 0 {
			return
		}
		r.sendAll(due)
		if !slices.ContainsFunc(due, reported.full) {
			return
		}
	}
}

// full reports whether there may be more to report than there was room for. What was used
// while the report was on its way is for the next time: there always is something.
func (r reported) full() bool { return len(r.content) == ratelimit.ReportSize }

// due returns a report for each peer for which there is one, and which would understand it.
func (r *reports) due(now time.Time) (due []reported) {
	for _, l := range r.node.view.Load().links {
		if l.protocol < protocol3 {
			continue
		}
		reporter, known := r.reporters[l.peer]
		if !known {
			r.forget()
			reporter = r.rates.Reporter(now)
			r.reporters[l.peer] = reporter
		}
		if content := reporter.Report(nil, now); len(content) > 0 {
			due = append(due, reported{link: l, reporter: reporter, content: content})
		}
	}
	return due
}

// forget drops the reporters for who is no peer any more.
func (r *reports) forget() {
	r.node.mu.Lock()
	defer r.node.mu.Unlock()
	for id := range r.reporters {
		if _, is := r.node.peers[id]; !is {
			delete(r.reporters, id)
		}
	}
}

// sendAll sends reports. All are out before the first answer is read.
func (r *reports) sendAll(due []reported) {
	r.asking.lock()
	defer r.asking.unlock()
	deadline := time.Now().Add(r.node.timing.Round)
	for i := range due {
		due[i].err = due[i].link.report(deadline, due[i].content)
	}
	for _, sent := range due {
		if sent.err == nil {
			sent.err = sent.link.charged()
		}
		if sent.err != nil {
			r.node.step(readindex.Disconnected{Link: sent.link.id, Err: sent.err})
			continue
		}
		sent.reporter.Confirm()
	}
}
