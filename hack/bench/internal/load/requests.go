package load

import (
	"context"
	"time"
)

// Requests makes workers that send one request after the other to a SCIM server, over a connection each. next
// says what to send, and read, unless it is nil, gets the body of the answer outside of the time that is measured.
// Both are called by several workers at the same time.
func Requests(target Target, next func() Request, read func(body []byte) error) func() (Worker, error) {
	return func() (Worker, error) {
		conn, err := NewConn(target)
		if err != nil {
			return nil, err
		}
		return &requester{conn: conn, next: next, read: read}, nil
	}
}

// requester is a Worker that sends requests.
type requester struct {
	conn *Conn
	next func() Request
	read func([]byte) error
}

// Do sends a request.
func (r *requester) Do(ctx context.Context) (time.Duration, error) {
	request := r.next()
	began := time.Now()
	body, err := r.conn.Do(ctx, request)
	took := time.Since(began)
	if err == nil && r.read != nil {
		err = r.read(body)
	}
	return took, err
}

// Close closes the connection.
func (r *requester) Close() { r.conn.Close() }
