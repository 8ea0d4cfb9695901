package history

import (
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// Recorder writes a history down while it happens. Its methods may be called by
// several clients at the same time.
type Recorder struct {
	began time.Time

	lock       sync.Mutex
	operations []porcupine.Operation
	clients    int
}

// NewRecorder returns a recorder of an empty history.
func NewRecorder() *Recorder { return &Recorder{began: time.Now()} }

// At returns the moment of the history that a time is, in nanoseconds.
func (r *Recorder) At(t time.Time) int64 { return t.Sub(r.began).Nanoseconds() }

// Client is one of the clients of a history: it sends one request after the other.
type Client struct {
	recorder *Recorder
	number   int
}

// NewClient returns another client of the history.
func (r *Recorder) NewClient() *Client {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.clients++
	return &Client{recorder: r, number: r.clients - 1}
}

// Do sends a request and writes it down with its answer. The note, for a person
// who looks at the history, is what send returns beside the answer. A request that
// was not sent, or a read that got no answer, says nothing and is left out.
func (c *Client) Do(request Request, send func() (answer Answer, note string)) Answer {
	called := c.recorder.At(time.Now())
	answer, note := send()
	returned := c.recorder.At(time.Now())
	if answer.Outcome == Unsent || answer.Outcome == Unknown && request.Kind.IsRead() {
		return answer
	}
	c.recorder.add(porcupine.Operation{
		ClientId: c.number, Input: request, Output: answer, Metadata: note,
		Call: called, Return: returned,
	})
	if answer.Outcome == Unknown {
		// The request goes on, so that what this client does next is another's.
		c.number = c.recorder.NewClient().number
	}
	return answer
}

func (r *Recorder) add(operation porcupine.Operation) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.operations = append(r.operations, operation)
}

// Operations returns what has been recorded. The writes of which nothing is known
// last to the end.
func (r *Recorder) Operations() []porcupine.Operation {
	r.lock.Lock()
	defer r.lock.Unlock()
	operations := slices.Clone(r.operations)
	end := r.At(time.Now())
	for i := range operations {
		if operations[i].Output.(Answer).Outcome == Unknown {
			operations[i].Return = end
		}
	}
	return operations
}
