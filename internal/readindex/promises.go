package readindex

import (
	"errors"
	"sync"
	"time"
)

var (
	errNotLinked = errors.New("the replica is not asked by this connection any more")
	errGap       = errors.New("what has changed at the replica cannot be told from what it said")
)

// Message is one half of an exchange between two replicas: a question, or the answer to it.
type Message struct {
	// History is how many rewritten histories the sender knows of.
	History uint64
	// Changes are of the sender's Marks.
	Changes Changes
	// Have is the version of the receiver's Marks that the sender knows; 0 for none.
	Have uint64
	// Promise says of a question that a promise is wanted, and of an answer that it is given.
	Promise bool
}

// Promises are what replicas have promised each other, and what they know of each other's
// Marks. Here is what is decided for each request of a client, so that a Step is not needed for
// that. They are safe for concurrent use. Times are those of the Core.
type Promises struct {
	marks *Marks
	// counts is how long this replica counts on a promise, lasts how long it keeps its own.
	counts, lasts time.Duration

	mu      sync.Mutex
	history uint64
	parties map[PeerID]*party
	links   map[LinkID]*party
}

// party is a peer as the other party of promises.
type party struct {
	// known are its marks, and promised is until when they are all that there is to know.
	known    known
	promised time.Duration
	link     LinkID // by which it is asked; 0 while there is none

	// granted is until when it may count on a promise. If it does, it knows the own marks as
	// of the version confirmed, and the count of histories.
	granted            time.Duration
	confirmed, history uint64
	// stated is the version of the own marks that it said last that it knows.
	stated uint64
}

func newPromises(marks *Marks, counts time.Duration) *Promises {
	// See "Why no reader misses anything": clocks may go at rates that differ by half, and one
	// may stand still for as long as the promise counts.
	return &Promises{
		marks: marks, counts: counts, lasts: 2 * counts, parties: map[PeerID]*party{}, links: map[LinkID]*party{},
	}
}

// add notes that there is another peer.
func (p *Promises) add(peer PeerID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parties[peer] = &party{promised: never, granted: never}
}

// Remove is what Removed wants.
func (p *Promises) Remove(peer PeerID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.parties, peer)
}

// connect notes the link by which a peer is asked from now on.
func (p *Promises) connect(peer PeerID, link LinkID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parties[peer].link = link
	p.links[link] = p.parties[peer]
}

// cut notes that a link is not there any more, nor what was promised by it.
func (p *Promises) cut(link LinkID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if of, is := p.links[link]; is {
		of.link, of.promised = 0, never
		delete(p.links, link)
	}
}

// rewrite notes that history was rewritten so many times: nothing that was said of the former
// ones counts.
func (p *Promises) rewrite(count uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.history = count
	for _, of := range p.parties {
		of.known.forget()
		of.promised = never
	}
}

// Ask returns the question to ask by a link. A promise is wanted when clients read.
func (p *Promises) Ask(link LinkID, promise bool) Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	question := Message{Promise: promise, History: p.history}
	var stated uint64
	if of, is := p.links[link]; is {
		stated, question.Have = of.stated, of.known.have()
	}
	question.Changes = p.marks.Since(stated)
	return question
}

// Answer answers the question of a peer, whose count of histories was heard before. now is not
// before the question came. It returns false when that is no peer any more.
func (p *Promises) Answer(peer PeerID, question Message, now time.Duration) (Message, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of, is := p.parties[peer]
	if !is {
		return Message{}, false
	}
	of.heard(question)
	if question.History == p.history {
		of.known.learn(question.Changes)
	}
	answer := Message{History: p.history, Have: of.known.have(), Promise: question.Promise && of.link != 0}
	first := of.granted <= now
	if answer.Promise {
		of.granted = max(of.granted, now+p.lasts)
	}
	// What is acknowledged without a look at this promise was made part of the marks before,
	// so that it goes with the promise. The marks of a new history come after its count.
	answer.Changes = p.marks.Since(question.Have)
	if answer.Promise && first { // Either it gets this one, or it has none.
		of.confirmed, of.history = max(of.confirmed, answer.Changes.Version), max(of.history, p.history)
	}
	return answer, true
}

// heard notes what a peer says that it knows.
func (of *party) heard(m Message) {
	of.confirmed, of.stated, of.history = max(of.confirmed, m.Have), m.Have, max(of.history, m.History)
}

// Learn notes the answer to a question that was asked by a link, at that time or after. Its
// count of histories was heard before.
func (p *Promises) Learn(link LinkID, asked time.Duration, answer Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	of, is := p.links[link]
	if !is {
		return errNotLinked
	}
	of.heard(answer)
	if answer.History != p.history {
		return errRewritten
	}
	if !of.known.learn(answer.Changes) {
		return errGap
	}
	if answer.Promise {
		of.promised = max(of.promised, asked+p.counts)
	}
	return nil
}

// LearnRevisions notes the answer of a replica that keeps no tenants apart and promises nothing.
// Those that it said before do not count any more.
func (p *Promises) LearnRevisions(link LinkID, revisions Revisions) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	of, is := p.links[link]
	if !is {
		return errNotLinked
	}
	of.known.floor = revisions
	return nil
}

// Promised returns what all peers of the View are known to have acknowledged to clients of a
// tenant, if none of them acknowledges anything else now without this replica knowing before:
// until is how long that lasts, and not after now if it does not. The View may be an earlier one.
func (p *Promises) Promised(v *View, tenant Tenant, now time.Duration) (revisions Revisions, until time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v.History != p.history {
		return Revisions{}, never
	}
	until = now + p.counts
	for _, link := range v.Links {
		of, is := p.links[link]
		if !is {
			return Revisions{}, never
		}
		until = min(until, of.promised)
		revisions = revisions.Max(of.known.of(tenant))
	}
	return revisions, until
}

// Known returns what the peers are known to have acknowledged to clients of a tenant. It fails
// if that is not of the history.
func (p *Promises) Known(tenant Tenant, history uint64) (revisions Revisions, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if history != p.history {
		return Revisions{}, errRewritten
	}
	for _, of := range p.parties {
		revisions = revisions.Max(of.known.of(tenant))
	}
	return revisions, nil
}

// Hidden is something that this replica has in its marks, and may not tell a client yet.
type Hidden struct {
	version uint64
	// Until is when it may do so at the latest.
	Until time.Duration
}

// Hides returns what this replica may not tell clients of a tenant yet of what its marks cover:
// some peer counts on a promise and does not know of it. There is nothing if Until is not after
// now.
func (p *Promises) Hides(tenant Tenant, now time.Duration) Hidden {
	version := p.marks.Version(tenant)
	p.mu.Lock()
	defer p.mu.Unlock()
	return Hidden{version: version, Until: p.hiddenUntil(version, now)}
}

// Disclosed reports whether a client may be told by now. A promise that was given since comes
// with what is hidden.
func (p *Promises) Disclosed(h Hidden, now time.Duration) bool {
	if h.Until <= now {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hiddenUntil(h.version, now) <= now
}

// hiddenUntil returns until when a peer may count on a promise that does not know the own marks
// as of a version, and the history; now if there is none. The mutex is held.
func (p *Promises) hiddenUntil(version uint64, now time.Duration) time.Duration {
	until := now
	for _, of := range p.parties {
		if of.confirmed < version || of.history < p.history {
			until = max(until, of.granted)
		}
	}
	return until
}
