// Package requestlog has what is kept of a request and of what came of it, for those who look after
// a tenant. Nothing in it is a value of an attribute, a filter or a token: names, ids, and messages
// of this software.
package requestlog

import "time"

// Operation is what a request was to do, in the words of RFC 7644.
type Operation string

// What requests do. One that is not let in, or is for no URL that there is, has none.
const (
	Create   Operation = "Create"
	Get      Operation = "Get"
	List     Operation = "List" // with a filter or without, by GET or by POST
	Replace  Operation = "Replace"
	Modify   Operation = "Modify"
	Delete   Operation = "Delete"
	Bulk     Operation = "Bulk" // each operation in it has a record of its own
	Discover Operation = "Discover"
	Token    Operation = "Token" // a client asks for an access token
)

// Record is one request and what came of it.
type Record struct {
	// Time is when it was answered, and Took how long that took.
	Time time.Time
	Took time.Duration
	// RequestID leads to it in the server's log.
	RequestID string
	// KeyID is that of the key that it was sent with, or of the one that a token which is no good
	// claims to be; empty when there is no such key.
	KeyID string
	// Method is that of the request, and "other" for one that a client has made up.
	Method    string
	Operation Operation
	// Resource is the endpoint, as in Users; "unknown" for a URL that is none of SCIM's, and empty of a
	// request that is not let in.
	Resource string
	// ID is that of the resource, if it is one that a server has given.
	ID     string
	Status int
	// ScimType is that of the error, and empty where that has none.
	ScimType string
	// Reason is why the token is no good; empty for a good one. Hint is what to look at then.
	Reason, Hint string
	// Detail is what the client was told, without what it had sent; empty of what succeeded.
	Detail string
	// Source is the address that the request came from.
	Source string
	// Dropped is how many members a group was written without.
	Dropped int64
}
