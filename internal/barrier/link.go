package barrier

import (
	"crypto/tls"
	"time"
)

// link is a connection to a peer, by which this replica asks. It has one user at a
// time.
type link struct {
	peer     *peer
	conn     *tls.Conn
	protocol protocol // that both speak; set once TLS is agreed on
	buffer   [frameMax]byte
	// asked is what became of the question of this round.
	asked error
}

// ask sends the question for the peer's Mark, whose answer is to be there by the
// deadline. rewritten is how often history was, as far as this replica knows.
func (l *link) ask(deadline time.Time, rewritten uint64) {
	if l.asked = l.conn.SetDeadline(deadline); l.asked == nil {
		l.asked = writeFrame(l.conn, l.buffer[:], frameQuestion, l.protocol.encodeCount(rewritten))
	}
}

// answer returns the Mark that the peer was asked for, and how often history was
// rewritten, as far as the peer knows.
func (l *link) answer() (rewritten uint64, m Mark, err error) {
	if l.asked != nil {
		return 0, Mark{}, l.asked
	}
	content, err := l.protocol.expect(l.conn, l.buffer[:], frameMark)
	if err != nil {
		return 0, Mark{}, err
	}
	rewritten, m = l.protocol.decodeMark(content)
	return rewritten, m, nil
}

// leave tells the peer that this replica leaves, and waits until it knows.
func (l *link) leave(deadline time.Time, rewritten uint64, last Mark) error {
	if err := l.conn.SetDeadline(deadline); err != nil {
		return err
	}
	if err := writeFrame(l.conn, l.buffer[:], frameLeave, l.protocol.encodeMark(rewritten, last)); err != nil {
		return err
	}
	_, err := l.protocol.expect(l.conn, l.buffer[:], frameLeft)
	return err
}

// close closes the connection, also under somebody who is using it. Nothing that
// it would say at its end matters.
func (l *link) close() { _ = l.conn.NetConn().Close() }
