package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// contentType is the media type of SCIM messages (RFC 7644 section 8.1).
const contentType = "application/scim+json"

// retryAfter is what clients are told to wait after an error that passes.
const retryAfter = 2 * time.Second

// discarded is how much of the body of a refused request is read, in bytes. A client
// that sends more loses its connection.
const discarded = 32 << 20

// exchange is one request and its answer.
type exchange struct {
	tenant    *Tenant
	settings  *Settings
	w         http.ResponseWriter
	r         *http.Request
	requestID string
	began     time.Time
	verifier  apikey.Verifier // zero until the request is authenticated
	// ctx has the request's deadline and says who asks. That of r has neither: it
	// lasts as long as the client stays.
	ctx context.Context //nolint:containedctx // It is the request's own.

	parameters url.Values // of SCIM, in the URL; read by route

	needs, taken int64 // bytes of memory; little is not taken
	within       bool  // it is an operation of a bulk request

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
		x.w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	}
	// json.Marshal would write "<token>" as "\u003ctoken\u003e".
	body, marshalErr := protocol.MarshalJSON()
	if marshalErr != nil {
		x.err = errors.Join(err, marshalErr)
		body = nil
	}
	x.discardBody()
	x.answer(protocol.Status, body)
}

// discardBody reads what is left of the body, up to discarded. Most clients read the
// answer only after they have sent everything, and a connection that is closed before
// is reset, which takes the answer with it. A client that expects "100 Continue" has
// not begun to send.
func (x *exchange) discardBody() {
	if x.r.Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, x.r.Body, discarded) // The answer is an error already.
	}
}

// passes reports whether an error with the status may be gone when the client
// tries again.
func passes(status int) bool {
	return status == http.StatusTooManyRequests || (status >= 500 && status != http.StatusNotImplemented)
}

func (x *exchange) protocolError(err error) *scim.Error {
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
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return scim.Errorf(http.StatusServiceUnavailable, "", "the request took too long; nothing more will be done of it, try again")
	default:
		return scim.Errorf(http.StatusInternalServerError, "", "internal error; the server's log has it under request id %s", x.requestID)
	}
}

// body reads a SCIM message from the request.
func (x *exchange) body() ([]byte, error) {
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
	size := x.tenant.limits.BodyBytes
	if x.r.ContentLength > size {
		return nil, &http.MaxBytesError{Limit: size}
	}
	if x.r.ContentLength >= 0 {
		size = x.r.ContentLength * bodyFactor
	}
	if err := x.withMemory(func() error { return x.takeForBody(size) }); err != nil {
		return nil, err
	}
	body := bytes.NewBuffer(make([]byte, 0, max(x.r.ContentLength, 0)+bytes.MinRead))
	if _, err := body.ReadFrom(http.MaxBytesReader(x.w, x.r.Body, x.tenant.limits.BodyBytes)); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, err
		}
		return nil, fmt.Errorf("reading the body: %w: %w",
			scim.Errorf(http.StatusBadRequest, scim.InvalidSyntax, "the body ended before it was complete"), err)
	}
	// The size of a body that comes in chunks is not known before.
	return body.Bytes(), x.withMemory(func() error { return x.takeForBody(int64(body.Len())*bodyFactor - size) })
}

// takeForBody takes memory for the body and what it becomes.
func (x *exchange) takeForBody(bytes int64) error {
	if x.within {
		return nil // The body of the bulk request has it in it.
	}
	err := x.takeMemory(bytes)
	if large := (noRoom{}); errors.As(err, &large) {
		return fmt.Errorf("%w: %w", scim.Errorf(http.StatusRequestEntityTooLarge, "",
			"%v; send less at a time, such as some of the members of a group in each PATCH, or raise spec.server.resources.limits.memory of the ScimTenant", large), err)
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
				"%v; leave members out (excludedAttributes=members), ask for fewer resources (count), or raise spec.server.resources.limits.memory of the ScimTenant", large), err)
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
	x.tenant.log.Error("panic while serving a request", slog.String("requestID", x.requestID),
		slog.Any("panic", defect), slog.String("stack", string(debug.Stack())))
	if x.status == 0 {
		x.fail(fmt.Errorf("panic: %v", defect))
	}
}

// finish writes the log line and the metrics. No userName, filter or body is in
// either: they are personal data.
func (x *exchange) finish() {
	took := time.Since(x.began)
	outcome := x.tenant.outcomes.of(kind{method: x.r.Method, resource: x.resource, status: x.status})
	outcome.duration.Observe(took.Seconds())
	level := slog.LevelInfo
	if x.status >= 500 {
		level = slog.LevelError
	}
	if !outcome.log.Enabled(context.Background(), level) {
		return
	}
	attributes := append(make([]slog.Attr, 0, 8),
		slog.String("requestID", x.requestID), slog.Duration("duration", took))
	if uuid.Validate(x.id) == nil { // Anything else in its place in the URL may be personal data.
		attributes = append(attributes, slog.String("id", x.id))
	}
	if x.verifier.KeyID != "" {
		attributes = append(attributes, slog.String("keyID", x.verifier.KeyID))
	}
	if level == slog.LevelError {
		attributes = append(attributes, slog.Any("error", x.err))
	}
	// The place in the code is the same for every line, and costs to find out.
	record := slog.NewRecord(x.began.Add(took), level, "request", 0)
	record.AddAttrs(attributes...)
	_ = outcome.log.Handle(context.Background(), record) // There is nowhere else to say that it failed.
}
