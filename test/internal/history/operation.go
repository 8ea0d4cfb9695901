// Package history checks what SCIM clients were told against the one promise
// that holds for all of it: that the server, however many replicas it has,
// answers as if it were a single one that does one request after the other, each
// at some moment between its being sent and its being answered (linearizability,
// Herlihy and Wing 1990).
//
// A history is a list of requests about users with their answers and times. The
// users are those of a few userNames with a common prefix, which is all that the
// check of one prefix depends on. Searching for an order is the work of
// porcupine; this package says what a single server would answer.
package history

import (
	"fmt"
	"strings"
)

// Kind is a kind of request.
type Kind string

// The kinds of requests.
const (
	Create         Kind = "create"
	ReadByID       Kind = "read by id"
	ReadByName     Kind = "read by userName"
	List           Kind = "list"
	SetDisplayName Kind = "set displayName"
	SetActive      Kind = "set active"
	Rename         Kind = "rename"
	Delete         Kind = "delete"
	// TakeAway and PutBack are what people do past the server: they delete the object of a
	// user, and create it again as it once was. It is Done whatever is there.
	TakeAway Kind = "take away"
	PutBack  Kind = "put back"
)

// IsRead reports whether requests of the kind change nothing.
func (k Kind) IsRead() bool { return k == ReadByID || k == ReadByName || k == List }

// Request is a request about users whose userNames begin with Prefix.
type Request struct {
	Kind Kind
	// Prefix is that of all userNames that the request may concern. Two requests
	// with different prefixes have nothing to do with each other.
	Prefix string
	// ID is the user's: for every kind but Create, ReadByName and List.
	ID string
	// UserName is what Create, Rename and PutBack give, and what ReadByName looks for.
	UserName string
	// DisplayName is what Create, SetDisplayName and PutBack give.
	DisplayName string
	// Active is what SetActive and PutBack give. A user is created active.
	Active bool
	// Revives is set for Create at a tenant where a user who was deleted comes
	// back, with the same id, when one of the same userName is created.
	Revives bool
}

// User is a user as an answer shows it.
type User struct {
	ID, UserName, DisplayName string
	Active                    bool
}

// Outcome is what an answer says about its request.
type Outcome int

// The outcomes.
const (
	// Unknown is no answer, or one that leaves open whether the request is carried
	// out: now, later or never.
	Unknown Outcome = iota
	// Done is a 2xx.
	Done
	// Missing is a 404.
	Missing
	// Taken is a 409 with the scimType uniqueness.
	Taken
	// Unsent is for a request that never left the client. It is in no history.
	Unsent
)

// Answer is the answer to a request.
type Answer struct {
	Outcome Outcome
	// Users are those that a read found, in any order, or the one that a write
	// made, if the answer shows it.
	Users []User
}

// String describes a user in the visualisation of a history.
func (u User) String() string {
	state := ""
	if !u.Active {
		state = ", not active"
	}
	return fmt.Sprintf("%s = %s (%s%s)", u.UserName, short(u.ID), u.DisplayName, state)
}

// describe is a request with its answer, in one line.
func describe(request Request, answer Answer) string {
	var text strings.Builder
	text.WriteString(string(request.Kind))
	for _, part := range []string{short(request.ID), request.UserName, request.DisplayName} {
		if part != "" {
			text.WriteString(" " + part)
		}
	}
	if request.Kind == SetActive || request.Kind == PutBack {
		fmt.Fprintf(&text, " %t", request.Active)
	}
	text.WriteString(" → ")
	switch answer.Outcome {
	case Unknown, Unsent:
		text.WriteString("?")
	case Missing:
		text.WriteString("404")
	case Taken:
		text.WriteString("409")
	case Done:
		text.WriteString("done")
		if request.Kind.IsRead() || len(answer.Users) > 0 {
			fmt.Fprintf(&text, " %v", answer.Users)
		}
	}
	return text.String()
}

// short is enough of an id to tell it from others.
func short(id string) string { return id[:min(len(id), 8)] }
