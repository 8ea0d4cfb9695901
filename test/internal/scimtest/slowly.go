package scimtest

import (
	"context"
	"io"
	"net/http/httptrace"
	"strings"
	"sync"
)

// Slow is a request whose body is sent later than its beginning.
type Slow struct {
	begun, rest chan struct{}
	answer      func() (*Response, error)
}

// Begin sends the beginning of a request. End must be called in the end.
func (c *Client) Begin(ctx context.Context, method, path, body string) (*Slow, error) {
	request, err := c.request(method, path, body)
	if err != nil {
		return nil, err
	}
	s := &Slow{begun: make(chan struct{}), rest: make(chan struct{})}
	trace := &httptrace.ClientTrace{Got100Continue: sync.OnceFunc(func() { close(s.begun) })}
	request = request.WithContext(httptrace.WithClientTrace(ctx, trace))
	request.Header.Set("Expect", "100-continue") // Servers say so when they begin to read the body.
	request.Body = io.NopCloser(io.MultiReader(strings.NewReader(body[:5]), &waiting{s.rest, strings.NewReader(body[5:])}))
	request.GetBody = nil
	var response *Response
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		response, err = c.send(request, path, body)
	}()
	s.answer = sync.OnceValues(func() (*Response, error) {
		close(s.rest)
		<-answered
		return response, err
	})
	return s, nil
}

// Begun is closed once the server has let the request in and begins to read its body.
func (s *Slow) Begun() <-chan struct{} { return s.begun }

// End sends the rest of the body and returns the answer.
func (s *Slow) End() (*Response, error) { return s.answer() }

// waiting is a reader that has nothing until the channel is closed.
type waiting struct {
	until <-chan struct{}
	io.Reader
}

// Read implements io.Reader.
func (w *waiting) Read(p []byte) (int, error) {
	<-w.until
	return w.Reader.Read(p)
}
