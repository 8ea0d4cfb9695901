package exchange

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/server/request"
)

// retryAfter is what clients are told to wait after an error that passes.
const retryAfter = 2 * time.Second

// Fail sends the SCIM Error that err wraps (RFC 7644 section 3.12). An error
// that wraps none is ours: the client learns the request id, the log the rest.
func (x *Exchange) Fail(err error) {
	x.Entry.Err, x.Entry.Cause = err, x.cause(err)
	protocol := x.protocolError(err)
	x.retry = cmp.Or(protocol.RetryAfter, x.retry)
	x.sayWhenToRetry(protocol.Status)
	// json.Marshal would write "<token>" as "\u003ctoken\u003e".
	body, marshalErr := protocol.MarshalJSON()
	if marshalErr != nil {
		x.Entry.Err = errors.Join(err, marshalErr)
		body = nil
	}
	x.Entry.Status = protocol.Status
	request.Discard(x.W, x.R, x.Verifier.KeyID != "", x.Entry.Began)
	x.Answer(protocol.Status, body)
}

// sayWhenToRetry sets Retry-After in an answer whose status says that the error passes.
func (x *Exchange) sayWhenToRetry(status int) {
	if passes(status) {
		x.W.Header().Set("Retry-After", strconv.Itoa(int(cmp.Or(x.retry, retryAfter).Seconds())))
	}
}

// passes reports whether an error with the status may be gone when the client
// tries again.
func passes(status int) bool {
	return status == http.StatusTooManyRequests || accesslog.IsFailure(status)
}

// protocolError returns the error that the client gets. Its detail has the request id,
// which leads to the log, since most clients show and keep nothing else.
func (x *Exchange) protocolError(err error) *scim.Error {
	protocol := *x.cause(err)
	protocol.Detail += " (request id " + x.Entry.RequestID + ")"
	return &protocol
}

// cause returns the SCIM Error that err wraps or stands for.
func (x *Exchange) cause(err error) *scim.Error {
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
func (x *Exchange) tookTooLong() *scim.Error {
	within := "the request took longer than the " + x.Shared.Limits.Deadline.String() + " that it may"
	if x.within {
		within += ", or the bulk request that it is in longer than " + limit.BulkDeadline.String()
	}
	return scim.Errorf(http.StatusServiceUnavailable, "", "%s; nothing more will be done of it, send it again, or less at a time", within)
}

// Recover answers 500 for a panic, which is a defect here: one request fails and
// the others do not.
func (x *Exchange) Recover() {
	defect := recover()
	if defect == nil {
		return
	}
	if defect == http.ErrAbortHandler { //nolint:errorlint // It is no error that somebody wraps.
		panic(defect)
	}
	x.Shared.Log.Panic(&x.Entry, defect)
	if x.Entry.Status == 0 {
		x.Fail(fmt.Errorf("panic: %v", defect))
	}
}
