package scim

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/kubescim/kubescim/internal/scim/internal/appendjson"
)

// ErrorType is the scimType of an error: the keyword that tells a client what
// was wrong (RFC 7644 section 3.12, table 9, and RFC 9865 section 2.2).
type ErrorType string

// The error types of RFC 7644 section 3.12 and, last, of RFC 9865.
const (
	// InvalidFilter is a filter whose grammar is wrong, or whose comparison
	// the attribute does not allow.
	InvalidFilter ErrorType = "invalidFilter"
	// TooMany is a request that asks for more work or results than the server is
	// willing to do.
	TooMany ErrorType = "tooMany"
	// Uniqueness is a value that another resource has already.
	Uniqueness ErrorType = "uniqueness"
	// Mutability is a change that the attribute's mutability forbids.
	Mutability ErrorType = "mutability"
	// InvalidSyntax is a body that is not the JSON or not the message that the
	// request calls for.
	InvalidSyntax ErrorType = "invalidSyntax"
	// InvalidPath is a PATCH path that is malformed or names no attribute.
	InvalidPath ErrorType = "invalidPath"
	// NoTarget is a PATCH path that names nothing to operate on.
	NoTarget ErrorType = "noTarget"
	// InvalidValue is a value that is missing or does not fit its attribute.
	InvalidValue ErrorType = "invalidValue"
	// InvalidVers is a SCIM protocol version that the server does not speak.
	InvalidVers ErrorType = "invalidVers"
	// Sensitive is a request that would put confidential data into a URI.
	Sensitive ErrorType = "sensitive"
	// InvalidCursor is a cursor that the server did not issue.
	InvalidCursor ErrorType = "invalidCursor"
	// ExpiredCursor is a cursor that the server no longer honours.
	ExpiredCursor ErrorType = "expiredCursor"
	// InvalidCount is a count that cursor pagination does not allow.
	InvalidCount ErrorType = "invalidCount"
)

// Reason is why something is not permitted, or not at once.
type Reason string

// What is not permitted.
const (
	// NotForToken is what the token of the request is not for.
	NotForToken Reason = "NotForToken"
	// SeatsTaken is a user who would be active beyond how many may be.
	SeatsTaken Reason = "SeatsTaken"
	// LimitReached is a user or a group beyond how many there may be.
	LimitReached Reason = "LimitReached"
	// StorageFull is a write beyond how many bytes there may be.
	StorageFull Reason = "StorageFull"
	// Denied is what a rule of those who run the server denies.
	Denied Reason = "Denied"
	// Guarded is what would take more users' access away than may be without somebody allowing it.
	Guarded Reason = "DeactivationsGuarded"
)

// Error is a failure that the client is told about. Every error that this
// package returns for a client's input is an *Error. Details say what was wrong
// and how to mend it, and never contain a value that the client sent for an
// attribute, so they may be logged.
type Error struct {
	// Status is the HTTP status code.
	Status int
	// Type is the scimType; empty where RFC 7644 has none for the case.
	Type ErrorType
	// Detail is for a human.
	Detail string
	// Reason is what a 403, or a 503 on purpose, is for, which status and type do not say. It is for logs: no
	// client is sent it.
	Reason Reason
	// RetryAfter is how long a client is to wait before it tries again; zero for the usual time.
	RetryAfter time.Duration
}

// Errorf makes an Error.
func Errorf(status int, t ErrorType, format string, args ...any) *Error {
	return &Error{Status: status, Type: t, Detail: fmt.Sprintf(format, args...)}
}

// Forbidden is an Error with status 403.
func Forbidden(reason Reason, format string, args ...any) *Error {
	err := Errorf(http.StatusForbidden, "", format, args...)
	err.Reason = reason
	return err
}

// Error implements error.
func (e *Error) Error() string {
	if e.Type == "" {
		return fmt.Sprintf("%d: %s", e.Status, e.Detail)
	}
	return fmt.Sprintf("%d %s: %s", e.Status, e.Type, e.Detail)
}

// MarshalJSON is the body of an error answer (RFC 7644 section 3.12). The status
// is a string there.
func (e *Error) MarshalJSON() ([]byte, error) {
	b := append([]byte(nil), `{"schemas":["`+URNError+`"]`...)
	if e.Type != "" {
		b = appendjson.String(append(b, `,"scimType":`...), string(e.Type))
	}
	if e.Detail != "" {
		b = appendjson.String(append(b, `,"detail":`...), e.Detail)
	}
	b = appendjson.String(append(b, `,"status":`...), strconv.Itoa(e.Status))
	return append(b, '}'), nil
}

// BadRequest is an Error with status 400.
func BadRequest(t ErrorType, format string, args ...any) *Error {
	return Errorf(http.StatusBadRequest, t, format, args...)
}
