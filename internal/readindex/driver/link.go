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

// ask sends a question, whose answer is to be there by the deadline.
func (l *link) ask(deadline time.Time, question *readindex.Message) {
	content := l.protocol.encodeCount(question.History)
	if l.protocol >= protocol4 {
		content = encodeMessage(question)
	}
	if l.asked = l.conn.SetDeadline(deadline); l.asked == nil {
		l.asked = l.protocol.writeFrame(l.conn, l.buffer[:], frameQuestion, content)
	}
}

// answer returns what the peer has answered. One that keeps no tenants apart has a floor and no
// version.
func (l *link) answer() (answer readindex.Message, err error) {
	if l.asked != nil {
		return answer, l.asked
	}
	content, err := l.protocol.expect(l.conn, l.buffer[:], frameAnswer)
	switch {
	case err != nil:
		return answer, err
	case l.protocol >= protocol4:
		return decodeMessage(content), nil
	}
	answer.History, answer.Changes.Floor = l.protocol.decodeRevisions(content)
	return answer, nil
}

// leave tells the peer that this replica leaves, and waits until it knows.
func (l *link) leave(deadline time.Time, history uint64, last readindex.Revisions) error {
	if err := l.conn.SetDeadline(deadline); err != nil {
		return err
	}
	if err := l.protocol.writeFrame(l.conn, l.buffer[:], frameLeave, l.protocol.encodeRevisions(history, last)); err != nil {
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
	return l.protocol.writeFrame(l.conn, l.buffer[:], frameReport, content)
}

// charged waits until the peer has charged what was reported.
func (l *link) charged() error {
	_, err := l.protocol.expect(l.conn, l.buffer[:], frameCharged)
	return err
}

// close closes the connection, also under somebody who is using it. Nothing that
// it would say at its end matters.
func (l *link) close() { _ = l.conn.NetConn().Close() }
