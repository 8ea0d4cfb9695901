package oauth

import (
	"encoding/json"
	"net/http"
)

// Code is what a client learns from an answer that is no token, by program (RFC 6749
// section 5.2).
type Code string

// The codes of this endpoint. The last two are registered for another endpoint (section
// 4.1.2.1), and say what no code of this one does.
const (
	InvalidRequest         Code = "invalid_request"
	InvalidClient          Code = "invalid_client"
	UnsupportedGrantType   Code = "unsupported_grant_type"
	InvalidScope           Code = "invalid_scope"
	TemporarilyUnavailable Code = "temporarily_unavailable"
	ServerError            Code = "server_error"
)

// Error is the answer to a request that gets no token.
type Error struct {
	// Status is that of HTTP.
	Status int
	Code   Code
	// Description says what to do, to the person who has set the client up. It has none of
	// what the client sent in it, and neither " nor \ (section 5.2).
	Description string
	// Cause is what has failed on this side, for the log; nil for what the client has done.
	Cause error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Cause != nil {
		return string(e.Code) + ": " + e.Cause.Error()
	}
	return string(e.Code) + ": " + e.Description
}

// Unwrap returns what has failed on this side.
func (e *Error) Unwrap() error { return e.Cause }

// MarshalJSON implements json.Marshaler: the body of the answer.
func (e *Error) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Code        Code   `json:"error"`
		Description string `json:"error_description"`
	}{e.Code, e.Description})
}

// NoSuchClient returns the error for a client whose id, secret or assertion is wrong. It is
// the same whatever is wrong with them.
func NoSuchClient() *Error {
	return newError(http.StatusUnauthorized, InvalidClient,
		"the client id, the client secret or the assertion is missing or wrong, or has expired, was revoked or must not be used from here; check that they are those that were agreed on for this URL, and ask who runs this service what the log has of it")
}

// NotReady returns the error for a moment at which there is no key to sign with.
func NotReady() *Error {
	return newError(http.StatusServiceUnavailable, TemporarilyUnavailable, "no access tokens can be issued at the moment; try again later")
}

// Failed returns the error for what has failed on this side.
func Failed(cause error) *Error {
	err := newError(http.StatusInternalServerError, ServerError, "internal error, which has been logged; ask who runs this service what the log has of it")
	err.Cause = cause
	return err
}

// TooManyRequests returns the error for one of too many requests that get no token.
func TooManyRequests() *Error {
	return newError(http.StatusTooManyRequests, TemporarilyUnavailable,
		"too many requests come that are wrong or have a wrong client id, client secret or assertion; one with a good secret or assertion is not held up by them")
}

// TooSoon returns the error for a good request that comes too soon after others.
func TooSoon(description string) *Error {
	return newError(http.StatusTooManyRequests, TemporarilyUnavailable, description)
}

// BadRequest returns the error for a request that cannot be read as one for a token.
func BadRequest(description string) *Error {
	return newError(http.StatusBadRequest, InvalidRequest, description)
}

// TooLarge returns the error for a body of more than MaxBodyBytes.
func TooLarge() *Error {
	return newError(http.StatusRequestEntityTooLarge, InvalidRequest, "the body is larger than a request for an access token can be")
}

// NotAllowed returns the error for a method that a URL does not have.
func NotAllowed(methods string) *Error {
	return newError(http.StatusMethodNotAllowed, InvalidRequest, "the URL does not have this method; it has "+methods)
}

func newError(status int, code Code, description string) *Error {
	return &Error{Status: status, Code: code, Description: description}
}
