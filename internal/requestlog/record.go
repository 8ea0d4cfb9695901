// Package requestlog has what is kept of a request and of what came of it, for those who look after
// a tenant. Nothing in it is a value of an attribute, a filter or a token: names, ids, and messages
// of this software.
package requestlog

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

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
	Time time.Time     `json:"time"`
	Took time.Duration `json:"-"`
	// RequestID leads to it in the server's log.
	RequestID string `json:"requestID"`
	// KeyID is that of the key that it was sent with, or of the one that a token which is no good
	// claims to be; empty when there is no such key.
	KeyID string `json:"keyID,omitempty"`
	// Method is that of the request, and "other" for one that a client has made up.
	Method    string    `json:"method"`
	Operation Operation `json:"operation,omitempty"`
	// Resource is the endpoint, as in Users; "unknown" for a URL that is none of SCIM's, and empty of a
	// request that is not let in.
	Resource string `json:"resource,omitempty"`
	// ID is that of the resource, if it is one that a server has given.
	ID     string `json:"id,omitempty"`
	Status int    `json:"status"`
	// ScimType is that of the error, and empty where that has none.
	ScimType string `json:"scimType,omitempty"`
	// Reason is why the token is no good, or what is not permitted; empty where neither is so. Hint is what
	// to look at then.
	Reason string `json:"reason,omitempty"`
	Hint   string `json:"hint,omitempty"`
	// Detail is what the client was told, without what it had sent; empty of what succeeded.
	Detail string `json:"detail,omitempty"`
	// TurnedAway is true of one that is refused on purpose, since the tenant is paused or served
	// elsewhere: nobody has to do anything about it.
	TurnedAway bool `json:"-"`
	// Source is the address that the request came from.
	Source string `json:"-"`
	// Dropped is how many members a group was written without.
	Dropped int64 `json:"droppedMembers,omitempty"`
	// Pod is the one that answered, where the records of several are together.
	Pod string `json:"pod,omitempty"`
}

// Refused reports whether who has sent the request did not get what it asks for. That a user is not
// found is an answer, which providers ask for before they create one.
func (r Record) Refused() bool {
	reads := r.Operation == Get || r.Operation == List
	return r.Status >= http.StatusBadRequest && (r.Status != http.StatusNotFound || !reads)
}

// Failed reports whether the cause is on this side.
func (r Record) Failed() bool {
	return r.Status >= http.StatusInternalServerError && r.Status != http.StatusNotImplemented
}

// Sort puts records in the order of time. That of those which several pods have answered is as exact
// as their clocks.
func Sort(records []Record) {
	slices.SortStableFunc(records, func(a, b Record) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.RequestID, b.RequestID))
	})
}
