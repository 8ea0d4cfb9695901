package driver

import (
	"crypto/tls"
	"time"

	"github.com/kubescim/kubescim/internal/readindex"
)

// link is a connection to a peer, by which this replica asks. It has one user at a
// time.
type link struct {
	id       readindex.LinkID
	peer     readindex.PeerID
	conn     *tls.Conn
	protocol protocol // that both speak; set once TLS is agreed on
	buffer   [frameMax]byte
	// asked is what became of the question of this round.
	asked error
}

// ask sends the question for the peer's Revisions, whose answer is to be there by the
// deadline. history is how often it was rewritten, as far as this replica knows.
func (l *link) ask(deadline time.Time, history uint64) {
	if l.asked = l.conn.SetDeadline(deadline); l.asked == nil {
		l.asked = writeFrame(l.conn, l.buffer[:], frameQuestion, l.protocol.encodeCount(history))
	}
}

// answer returns what the peer was asked for.
func (l *link) answer() readindex.Answer {
	answer := readindex.Answer{Link: l.id, NoHistory: l.protocol == protocol1, Err: l.asked}
	if answer.Err != nil {
		return answer
	}
	content, err := l.protocol.expect(l.conn, l.buffer[:], frameRevisions)
	if err != nil {
		answer.Err = err
		return answer
	}
	answer.History, answer.Revisions = l.protocol.decodeRevisions(content)
	return answer
}

// leave tells the peer that this replica leaves, and waits until it knows.
func (l *link) leave(deadline time.Time, history uint64, last readindex.Revisions) error {
	if err := l.conn.SetDeadline(deadline); err != nil {
		return err
	}
	if err := writeFrame(l.conn, l.buffer[:], frameLeave, l.protocol.encodeRevisions(history, last)); err != nil {
		return err
	}
	_, err := l.protocol.expect(l.conn, l.buffer[:], frameLeft)
	return err
}

// report sends a report, whose answer is to be there by the deadline.
func (l *link) report(deadline time.Time, content []byte) error {
	if err := l.conn.SetDeadline(deadline); err != nil {
		return err
	}
	return writeFrame(l.conn, l.buffer[:], frameReport, content)
}

// charged waits until the peer has charged what was reported.
func (l *link) charged() error {
	_, err := l.protocol.expect(l.conn, l.buffer[:], frameCharged)
	return err
}

// close closes the connection, also under somebody who is using it. Nothing that
// it would say at its end matters.
func (l *link) close() { _ = l.conn.NetConn().Close() }
