package exchange

import (
	"net/http"
	"strconv"

	"github.com/kubescim/kubescim/internal/server/request"
)

// Headers of most answers, as SetHeader wants them spelt.
const (
	headerRequestID       = "X-Request-Id"
	headerContentType     = "Content-Type"
	headerContentLength   = "Content-Length"
	HeaderContentLocation = "Content-Location"
	HeaderETag            = "Etag"
	headerAuthenticate    = "Www-Authenticate"
)

// mostHeaders is how many headers an answer has that this package sets.
const mostHeaders = 6

// SetHeader sets a header of the answer whose name is spelt in net/http's canonical
// form. http.Header.Set would check that each time, and allocate for each value.
func (x *Exchange) SetHeader(name, value string) {
	if x.values == nil {
		x.values = x.room[:0]
	}
	n := len(x.values)
	x.values = append(x.values, value)
	x.W.Header()[name] = x.values[n : n+1 : n+1]
}

// Answer sends a SCIM message; a nil body sends the status alone.
func (x *Exchange) Answer(status int, body []byte) { x.answer(status, request.MediaType, body) }

// AnswerJSON sends what is no SCIM message.
func (x *Exchange) AnswerJSON(status int, body []byte) { x.answer(status, "application/json", body) }

func (x *Exchange) answer(status int, mediaType string, body []byte) {
	x.Entry.Status = status
	if body != nil {
		x.SetHeader(headerContentType, mediaType)
		x.SetHeader(headerContentLength, strconv.Itoa(len(body)))
	}
	x.W.WriteHeader(status)
	if body != nil && x.R.Method != http.MethodHead {
		// An error here means that the client is gone, and there is nobody to tell.
		_, _ = x.W.Write(body)
	}
}
