package oauth

import (
	"encoding/json"
	"net/http"
)

// Code is what a client learns from an answer that is no token, by program (RFC 6749
// section 5.2).
type Code string

// The codes of this endpoint. TemporarilyUnavailable is registered for another endpoint
// (section 4.1.2.1), and says what no code of this one does.
const (
	InvalidRequest         Code = "invalid_request"
	InvalidClient          Code = "invalid_client"
	UnsupportedGrantType   Code = "unsupported_grant_type"
	InvalidScope           Code = "invalid_scope"
	TemporarilyUnavailable Code = "temporarily_unavailable"
)

// Error is the answer to a request that gets no token.
type Error struct {
	// Status is that of HTTP.
	Status int
	Code   Code
	// Description says what to do, to the person who has set the client up. It has none of
	// what the client sent in it, and neither " nor \ (section 5.2).
	Description string
}

// Error implements error.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Description }

// MarshalJSON implements json.Marshaler: the body of the answer.
func (e *Error) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Code        Code   `json:"error"`
		Description string `json:"error_description"`
	}{e.Code, e.Description})
}

// NoSuchClient returns the error for a client whose id or secret is wrong. It is the same
// whatever is wrong with them.
func NoSuchClient() *Error {
	return &Error{http.StatusUnauthorized, InvalidClient,
		"the client id or the client secret is missing or wrong, or the secret has expired or was revoked; check that both are as they were given out for this URL"}
}

// NotReady returns the error for a moment at which there is no key to sign with.
func NotReady() *Error {
	return &Error{http.StatusServiceUnavailable, TemporarilyUnavailable, "no access tokens can be issued at the moment; try again later"}
}

// TooManyRequests returns the error for a client that sends too many wrong secrets.
func TooManyRequests() *Error {
	return &Error{http.StatusTooManyRequests, TemporarilyUnavailable,
		"too many requests come with a client id or a client secret that is wrong; one with a good secret is answered at any time"}
}

// BadRequest returns the error for a request that cannot be read as one for a token.
func BadRequest(description string) *Error {
	return &Error{http.StatusBadRequest, InvalidRequest, description}
}
