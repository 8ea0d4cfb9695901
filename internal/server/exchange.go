package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// contentType is the media type of SCIM messages (RFC 7644 section 8.1).
const contentType = "application/scim+json"

// retryAfter is what clients are told to wait after an error that passes, and
// retryPaused what they are told to wait while the tenant is paused, which somebody has to
// end.
const (
	retryAfter  = 2 * time.Second
	retryPaused = 5 * time.Minute
)

// discarded is how much of the body of a refused request is read, in bytes. A client
// that sends more loses its connection. Of one without a good token no more than
// discardedUnknown is read, in no more than discardUnknown.
const (
	discarded        = 32 << 20
	discardedUnknown = 256 << 10
	discardUnknown   = 2 * time.Second
)

// exchange is one request and its answer.
type exchange struct {
	tenant    *Tenant
	settings  *Settings
	w         http.ResponseWriter
	r         *http.Request
	requestID string
	began     time.Time
	verifier  apikey.Verifier // zero until the request is authenticated
	refused   credential      // that is not good; zero for one that is
	// ctx has the request's deadline and says who asks. That of r has neither: it
	// lasts as long as the client stays.
	ctx context.Context //nolint:containedctx // It is the request's own.

	parameters url.Values // of SCIM, in the URL; read by route

	needs, taken int64 // bytes of memory; little is not taken
	within       bool  // it is an operation of a bulk request

	retry    time.Duration // what Retry-After says of an error that passes; retryAfter when zero
	unlogged bool          // its log line is left out
	dropped  atomic.Int64  // members that a group was written without

	// For the log and the metrics: what was asked for, and what came of it.
	resource string
	id       string
	status   int
	err      error

	values []string            // of the headers of the answer
	room   [mostHeaders]string // for values
}

// Headers of most answers, as setHeader wants them spelt.
const (
	headerRequestID       = "X-Request-Id"
	headerContentType     = "Content-Type"
	headerContentLength   = "Content-Length"
	headerContentLocation = "Content-Location"
	headerETag            = "Etag"
	headerAuthenticate    = "Www-Authenticate"
)

// mostHeaders is how many headers an answer has that this package sets.
const mostHeaders = 6

// setHeader sets a header of the answer whose name is spelt in net/http's canonical
// form. http.Header.Set would check that each time, and allocate for each value.
func (x *exchange) setHeader(name, value string) {
	if x.values == nil {
		x.values = x.room[:0]
	}
	n := len(x.values)
	x.values = append(x.values, value)
	x.w.Header()[name] = x.values[n : n+1 : n+1]
}

// answer sends a SCIM message; a nil body sends the status alone.
func (x *exchange) answer(status int, body []byte) {
	x.status = status
	if body != nil {
		x.setHeader(headerContentType, contentType)
		x.setHeader(headerContentLength, strconv.Itoa(len(body)))
	}
	x.w.WriteHeader(status)
	if body != nil && x.r.Method != http.MethodHead {
		// An error here means that the client is gone, and there is nobody to tell.
		_, _ = x.w.Write(body)
	}
}

// fail sends the SCIM Error that err wraps (RFC 7644 section 3.12). An error
// that wraps none is ours: the client learns the request id, the log the rest.
func (x *exchange) fail(err error) {
	x.err = err
	protocol := x.protocolError(err)
	if passes(protocol.Status) {
		retry := max(x.retry, retryAfter)
		x.w.Header().Set("Retry-After", strconv.Itoa(int(retry.Seconds())))
	}
	// json.Marshal would write "<token>" as "\u003ctoken\u003e".
	body, marshalErr := protocol.MarshalJSON()
	if marshalErr != nil {
		x.err = errors.Join(err, marshalErr)
		body = nil
	}
	x.status = protocol.Status
	x.discardBody()
	x.answer(protocol.Status, body)
}

// discardBody reads what is left of the body, up to discarded. Most clients read the
// answer only after they have sent everything, and a connection that is closed before
// is reset, which takes the answer with it. A client that expects "100 Continue" has
// not begun to send.
func (x *exchange) discardBody() {
	switch {
	case x.r.ContentLength == 0 || x.r.Header.Get("Expect") != "":
	case x.verifier.KeyID != "":
		_, _ = io.CopyN(io.Discard, x.r.Body, discarded) // The answer is an error already.
	default:
		deadline := http.NewResponseController(x.w)
		_ = deadline.SetReadDeadline(x.began.Add(discardUnknown)) // Without it, ReadTimeout holds.
		_, err := io.CopyN(io.Discard, x.r.Body, discardedUnknown)
		if errors.Is(err, net.ErrClosed) {
			panic(http.ErrAbortHandler) // For another connection. net/http would wait before it lets go.
		}
		if !errors.Is(err, io.EOF) {
			x.w.Header().Set("Connection", "close")
			_ = deadline.SetReadDeadline(x.began) // net/http would read on.
		}
	}
}

// passes reports whether an error with the status may be gone when the client
// tries again.
func passes(status int) bool {
	return status == http.StatusTooManyRequests || isFailure(status)
}

// isFailure reports whether an answer with the status means that something failed on this
// side. What is not implemented is not meant to be: that 501 is the whole answer.
func isFailure(status int) bool {
	return status >= 500 && status != http.StatusNotImplemented
}

// protocolError returns the error that the client gets. Its detail has the request id,
// which leads to the log, since most clients show and keep nothing else.
func (x *exchange) protocolError(err error) *scim.Error {
	protocol := *x.cause(err)
	protocol.Detail += " (request id " + x.requestID + ")"
	return &protocol
}

// cause returns the SCIM Error that err wraps or stands for.
func (x *exchange) cause(err error) *scim.Error {
	var (
		protocol *scim.Error
		tooLarge *http.MaxBytesError
	)
	switch {
	case errors.As(err, &protocol):
		return protocol
	case errors.As(err, &tooLarge):
		return scim.Errorf(http.StatusRequestEntityTooLarge, "",
			"the body is larger than the %d bytes that are allowed; send less at a time", tooLarge.Limit)
	case errors.Is(err, context.DeadlineExceeded):
		return x.tookTooLong()
	case errors.Is(err, context.Canceled):
		return scim.Errorf(http.StatusServiceUnavailable, "", "the connection ended before the request did; nothing more will be done of it, send it again")
	default:
		return scim.Errorf(http.StatusInternalServerError, "", "internal error, which has been logged; ask who runs this service what the log has of it")
	}
}

// tookTooLong is the error for a request of which something is left to do when its time is
// up.
func (x *exchange) tookTooLong() *scim.Error {
	limit := "the request took longer than the " + x.tenant.limits.Deadline.String() + " that it may"
	if x.within {
		limit += ", or the bulk request that it is in longer than " + bulkDeadline.String()
	}
	return scim.Errorf(http.StatusServiceUnavailable, "", "%s; nothing more will be done of it, send it again, or less at a time", limit)
}

// writing is the context of a write.
func (x *exchange) writing() context.Context { return store.WithDropped(x.ctx, &x.dropped) }

// body reads a SCIM message from the request, which may take a while, so that whether the
// request still may be answered is looked at again.
func (x *exchange) body() ([]byte, error) {
	body, err := x.message()
	if err != nil {
		return nil, err
	}
	return body, x.permitted()
}

// message reads a SCIM message from the request.
func (x *exchange) message() ([]byte, error) {
	if err := x.refuseEncoding(); err != nil {
		return nil, err
	}
	if header := x.r.Header.Get("Content-Type"); header != "" {
		media, _, err := mime.ParseMediaType(header)
		if err != nil || (media != contentType && media != "application/json") {
			return nil, scim.Errorf(http.StatusUnsupportedMediaType, "",
				"the body must be %s or application/json; set Content-Type accordingly", contentType)
		}
	}
	limit := x.tenant.limits.BodyBytes
	if x.r.ContentLength > limit {
		return nil, &http.MaxBytesError{Limit: limit}
	}
	return x.read(http.MaxBytesReader(x.w, x.r.Body, limit), limit)
}

// read reads the body, for which memory is taken first. The size of one that comes in
// chunks is not known before: it takes what a body may have at the most, unless its
// beginning, which takes little, is all of it.
func (x *exchange) read(from io.Reader, limit int64) ([]byte, error) {
	body, size := &bytes.Buffer{}, x.r.ContentLength*bodyFactor
	if x.r.ContentLength < 0 {
		size = limit
		_, err := io.CopyN(body, from, smallRequest/bodyFactor)
		switch {
		case errors.Is(err, io.EOF):
			size = int64(body.Len()) * bodyFactor
		case err != nil:
			return nil, unread(err)
		}
	}
	if err := x.withMemory(func() error { return x.takeForBody(size) }); err != nil {
		return nil, err
	}
	body.Grow(int(max(x.r.ContentLength, 0)) + bytes.MinRead)
	if _, err := body.ReadFrom(from); err != nil {
		return nil, unread(err)
	}
	return body.Bytes(), x.withMemory(func() error { return x.takeForBody(int64(body.Len())*bodyFactor - size) })
}

// unread is the error for a body that cannot be read.
func unread(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return fmt.Errorf("reading the body: %w: %w",
		scim.Errorf(http.StatusBadRequest, scim.InvalidSyntax, "the body ended before it was complete"), err)
}

// takeForBody takes memory for the body and what it becomes.
func (x *exchange) takeForBody(bytes int64) error {
	if x.within {
		return nil // The body of the bulk request has it in it.
	}
	err := x.takeMemory(bytes)
	if large := (noRoom{}); errors.As(err, &large) {
		return fmt.Errorf("%w: %w", scim.Errorf(http.StatusRequestEntityTooLarge, "",
			"%v; send less at a time, such as some of the members of a group in each PATCH, or ask who runs this service to give it more memory", large), err)
	}
	return err
}

// view is what the projection wants of resources, for which memory is taken first:
// within withMemory.
func (x *exchange) view(projection *scim.Projection) store.View {
	if x.within {
		return store.View{WithoutGroups: true, WithoutMembers: true} // The answer to a bulk request has no resources.
	}
	view := store.ViewOf(projection)
	view.Reserve = func(_ context.Context, bytes int64) error {
		err := x.takeMemory(bytes)
		if large := (noRoom{}); errors.As(err, &large) {
			return fmt.Errorf("%w: %w", scim.Errorf(http.StatusBadRequest, scim.TooMany,
				"%v; leave members out (excludedAttributes=members), ask for fewer resources (count), or ask who runs this service to give it more memory", large), err)
		}
		return err
	}
	return view
}

// recover answers 500 for a panic, which is a defect here: one request fails and
// the others do not.
func (x *exchange) recover() {
	defect := recover()
	if defect == nil {
		return
	}
	if defect == http.ErrAbortHandler { //nolint:errorlint // It is no error that somebody wraps.
		panic(defect)
	}
	x.tenant.log.Error("panic while serving a request", slog.String("requestID", x.requestID),
		slog.String("panic", words(nil).without(fmt.Sprint(defect))), slog.String("stack", string(debug.Stack())))
	if x.status == 0 {
		x.fail(fmt.Errorf("panic: %v", defect))
	}
}
