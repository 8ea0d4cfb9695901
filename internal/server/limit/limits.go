// Package limit bounds what the requests of one tenant may cost: the size and time of each,
// the memory that they have together, the bytes that they write, and the answers to those
// without a good token. It sees no request and answers none.
package limit

import "time"

// BulkDeadline is how long a bulk request may take; it replaces Limits.Deadline, which is
// for one operation.
const BulkDeadline = 40 * time.Second

// Limits bound what one request may cost.
type Limits struct {
	// BodyBytes is the size of the largest body; a larger one is answered 413.
	BodyBytes int64
	// Deadline is how long a request may take; then it is answered 503.
	Deadline time.Duration
	// DefaultPage and MaxPage are the numbers of resources in a page of a list
	// when the client names none, and at the most.
	DefaultPage, MaxPage int
	// Requests is how many requests with a good token may be under way; one more
	// is answered 429.
	Requests int
	// BulkOperations is the number of operations in one bulk request.
	BulkOperations int
}

// Defaults are the limits of a tenant that names no others.
func Defaults() Limits {
	return Limits{BodyBytes: 8 << 20, Deadline: 8 * time.Second, DefaultPage: 100, MaxPage: 1000, Requests: 512, BulkOperations: 500}
}
