package scimtest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// CheckingClients write and read users over connections that they keep open, and check that no
// read misses what any of them was answered before it began. They never try a request again.
type CheckingClients struct {
	// Anew has them connect for each request, where something before the server closes open connections: nginx does so when it
	// reads its configuration again, also those on which a request is under way to it.
	Anew bool

	quit chan struct{}
	done sync.WaitGroup

	lock  sync.Mutex
	users []checkedUser
	// reads and writes count those that were answered as they should be; failed tells of the others,
	// and stale of the reads that missed something.
	reads, writes int
	failed, stale []string
}

// checkedUser is a user whose displayName is a number that grows.
type checkedUser struct {
	id, userName string
	written      int  // last, as a write was answered
	writing      bool // now
}

// Start begins to send requests by several clients, each in the time one write and one read, about
// users by their ids. userNames has theirs.
func (c *CheckingClients) Start(service *Client, clients int, every time.Duration, userNames map[string]string) {
	c.quit = make(chan struct{})
	for id, name := range userNames {
		c.users = append(c.users, checkedUser{id: id, userName: name})
	}
	connect := service.Lasting
	if c.Anew {
		connect = func() (*Client, func()) { return service, func() {} }
	}
	for range clients {
		writer, closeWriter := connect()
		reader, closeReader := connect()
		c.done.Go(func() {
			defer closeWriter()
			c.repeat(every, func() { c.write(writer) })
		})
		c.done.Go(func() {
			defer closeReader()
			c.repeat(every, func() { c.read(reader) })
		})
	}
}

func (c *CheckingClients) repeat(every time.Duration, do func()) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		do()
		select {
		case <-c.quit:
			return
		case <-tick.C:
		}
	}
}

// write raises the number of a user whom no other client is writing.
func (c *CheckingClients) write(with *Client) {
	c.lock.Lock()
	user := &c.users[rand.IntN(len(c.users))]
	if user.writing {
		c.lock.Unlock()
		return
	}
	user.writing = true
	next := user.written + 1
	c.lock.Unlock()

	r, err := with.Try(http.MethodPatch, Users+"/"+user.id, Patch(fmt.Sprintf(`{"op":"replace","path":"displayName","value":"%d"}`, next)))

	c.lock.Lock()
	defer c.lock.Unlock()
	user.writing = false
	if c.wentWrong(r, err) {
		return
	}
	c.writes++
	user.written = next
}

// read reads a user by id or by userName.
func (c *CheckingClients) read(with *Client) {
	c.lock.Lock()
	user := c.users[rand.IntN(len(c.users))]
	c.lock.Unlock()
	path := Users + "/" + user.id
	if rand.IntN(2) == 0 {
		path = Filter(Users, "userName eq %q", user.userName)
	}

	r, err := with.Try(http.MethodGet, path, "")

	c.lock.Lock()
	defer c.lock.Unlock()
	if c.wentWrong(r, err) {
		return
	}
	c.reads++
	document := any(r.Document)
	if resources, isList := r.At("Resources").([]any); isList && len(resources) == 1 {
		document = resources[0]
	}
	text, _ := Dig(document, "displayName").(string)
	if number, _ := strconv.Atoi(text); number < user.written {
		c.stale = append(c.stale, fmt.Sprintf("%s: %d was written before, and read is %s", time.Now().Format(time.StampMilli), user.written, r))
	}
}

// wentWrong notes a request that was not answered with success. The lock is held.
func (c *CheckingClients) wentWrong(r *Response, err error) bool {
	at := time.Now().Format(time.StampMilli)
	switch {
	case err != nil:
		c.failed = append(c.failed, fmt.Sprintf("%s: %v", at, err))
	case r.Status != http.StatusOK:
		c.failed = append(c.failed, fmt.Sprintf("%s: %s", at, r))
	default:
		return false
	}
	return true
}

// Stop ends the requests, and returns what came of them.
func (c *CheckingClients) Stop() (reads, writes int, failed, stale []string) {
	close(c.quit)
	c.done.Wait()
	return c.reads, c.writes, c.failed, c.stale
}
