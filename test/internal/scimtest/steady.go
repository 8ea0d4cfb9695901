package scimtest

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// mostRepeats is how often a request is repeated that is answered 503.
const mostRepeats = 5

// SteadyClients send requests over connections that they keep open, at a modest
// rate, and never try one again: every failure counts.
type SteadyClients struct {
	// Repeating makes them repeat a request that is answered 503, as identity
	// providers do, up to five times. What is repeated is counted.
	Repeating bool
	// Token is the token of the next request; nil for that of the tenant.
	Token func() string
	// Prefix tells their users from those of others.
	Prefix string

	quit chan struct{}
	done sync.WaitGroup
	once sync.Once

	lock     sync.Mutex
	count    int
	repeated int
	failures []string
}

// Start begins to send requests to a tenant: so many clients, each one request
// in the time.
func (s *SteadyClients) Start(t *Tenant, clients int, every time.Duration) {
	s.quit = make(chan struct{})
	for i := range clients {
		c, closeIdle := t.Service.Lasting()
		s.done.Go(func() {
			defer closeIdle()
			s.run(c, fmt.Sprintf("steady-%s%d", s.Prefix, i), every)
		})
	}
}

func (s *SteadyClients) run(c *Client, name string, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	id := ""
	for n := 0; ; n++ {
		method, path, body, expected := http.MethodGet, Users+"?count=1", "", http.StatusOK
		switch {
		case id == "":
			method, path, body, expected = http.MethodPost, Users, PlainUser(name+"@example.com"), http.StatusCreated
		case n%3 == 1:
			method, path, body = http.MethodPatch, Users+"/"+id, Patch(fmt.Sprintf(`{"op":"replace","path":"displayName","value":"%d"}`, n))
		case n%3 == 2:
			path = Filter(Users, "userName eq %q", name+"@example.com")
		}
		if s.Token != nil {
			c = c.WithToken(s.Token())
		}
		r, err := c.Try(method, path, body)
		for range mostRepeats {
			if !s.Repeating || err != nil || r.Status != http.StatusServiceUnavailable {
				break
			}
			s.noteRepeat()
			<-tick.C
			r, err = c.Try(method, path, body)
		}
		s.note(r, err, expected)
		if err == nil && id == "" {
			id, _ = r.At("id").(string)
		}
		select {
		case <-s.quit:
			return
		case <-tick.C:
		}
	}
}

func (s *SteadyClients) note(r *Response, err error, expected int) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.count++
	switch {
	case err != nil:
		s.failures = append(s.failures, fmt.Sprintf("%s: %v", time.Now().Format(time.StampMilli), err))
	case r.Status != expected:
		s.failures = append(s.failures, fmt.Sprintf("%s: %s", time.Now().Format(time.StampMilli), r))
	}
}

func (s *SteadyClients) noteRepeat() {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.repeated++
}

// Repeated is how many requests were sent again.
func (s *SteadyClients) Repeated() int {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.repeated
}

// Sent is how many requests were answered, or not.
func (s *SteadyClients) Sent() int {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.count
}

// Failures tell of the requests that got no answer or another than they should.
func (s *SteadyClients) Failures() []string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return append([]string(nil), s.failures...)
}

// Stop ends the requests. It may be called again.
func (s *SteadyClients) Stop() {
	s.once.Do(func() {
		close(s.quit)
		s.done.Wait()
	})
}
