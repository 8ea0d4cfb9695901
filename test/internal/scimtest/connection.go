package scimtest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"sync"
)

// countingTransport makes an error of what Go's own client would hide: that it
// sent a request a second time, because the connection that it used first was
// closed under it.
type countingTransport struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (c *countingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	var lock sync.Mutex
	connections := 0
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		lock.Lock()
		defer lock.Unlock()
		connections++
	}}
	answer, err := c.next.RoundTrip(request.WithContext(httptrace.WithClientTrace(context.WithoutCancel(request.Context()), trace)))
	lock.Lock()
	defer lock.Unlock()
	if err == nil && connections > 1 {
		_ = answer.Body.Close()
		return nil, fmt.Errorf("the connection was closed under the request, which took %d connections", connections)
	}
	return answer, err
}
