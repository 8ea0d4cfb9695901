package barrier

import (
	"crypto/tls"
	"time"
)

// link is a connection to a peer, by which this replica asks. It has one user at a
// time.
type link struct {
	peer   *peer
	conn   *tls.Conn
	buffer [frameMax]byte
	// asked is what became of the question of this round.
	asked error
}

// ask sends the question for the peer's Mark, whose answer is to be there by the
// deadline.
func (l *link) ask(deadline time.Time) {
	if l.asked = l.conn.SetDeadline(deadline); l.asked == nil {
		l.asked = writeFrame(l.conn, l.buffer[:], frameQuestion, nil)
	}
}

// answer returns the Mark that the peer was asked for.
func (l *link) answer() (Mark, error) {
	if l.asked != nil {
		return Mark{}, l.asked
	}
	content, err := expect(l.conn, l.buffer[:], frameMark)
	if err != nil {
		return Mark{}, err
	}
	return decodeMark(content), nil
}

// leave tells the peer that this replica leaves, and waits until it knows.
func (l *link) leave(deadline time.Time, last Mark) error {
	if err := l.conn.SetDeadline(deadline); err != nil {
		return err
	}
	content := encodeMark(last)
	if err := writeFrame(l.conn, l.buffer[:], frameLeave, content[:]); err != nil {
		return err
	}
	_, err := expect(l.conn, l.buffer[:], frameLeft)
	return err
}

// close closes the connection, also under somebody who is using it. Nothing that
// it would say at its end matters.
func (l *link) close() { _ = l.conn.NetConn().Close() }
