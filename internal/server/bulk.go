package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// bulkDeadline is how long a bulk request may take; it replaces
// Limits.Deadline, which is for one operation.
const bulkDeadline = 40 * time.Second

// bulk is POST /Bulk (RFC 7644 section 3.7): each operation is carried out as the
// request that it stands for, in an order in which what it refers to exists.
func (x *exchange) bulk() error {
	body, err := x.body()
	if err != nil {
		return err
	}
	request, err := scim.ParseBulk(body, x.tenant.limits.BulkOperations)
	if err != nil {
		return err
	}
	// The context of one operation does not fit a series of them.
	ctx, cancel := context.WithTimeout(x.r.Context(), bulkDeadline)
	defer cancel()
	run := scim.NewBulkRun(request)
	for {
		index, operation, ok := run.Next()
		if !ok {
			break
		}
		run.Done(index, x.bulkOperation(ctx, index, operation))
	}
	x.answer(http.StatusOK, run.Response())
	return nil
}

// bulkOperation carries one operation out as a request of its own.
func (x *exchange) bulkOperation(ctx context.Context, index int, operation scim.BulkOperation) scim.BulkResult {
	recorded := &recorder{header: http.Header{}}
	part := &exchange{
		tenant: x.tenant, settings: x.settings, verifier: x.verifier,
		requestID: x.requestID + "." + strconv.Itoa(index), w: recorded, within: true,
	}
	ctx = store.WithActor(ctx, store.Actor{KeyID: x.verifier.KeyID, RequestID: part.requestID})
	ctx, cancel := context.WithTimeout(ctx, x.tenant.limits.Deadline)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, operation.Method, "http://bulk.invalid", bytes.NewReader(operation.Data))
	if err != nil {
		return part.bulkFailure(fmt.Errorf("making the request of operation %d: %w", index, err))
	}
	request.URL.Path = x.settings.Path + operation.Path
	request.Host, request.Header = x.r.Host, x.r.Header.Clone()
	request.Header.Del("If-Match")
	if operation.Version != "" {
		request.Header.Set("If-Match", operation.Version)
	}
	part.r, part.ctx = request, ctx
	if err := part.route(); err != nil {
		result := part.bulkFailure(err)
		if operation.Method != http.MethodPost { // Then there is no location.
			result.Location = x.settings.baseURL(x.r) + operation.Path
		}
		return result
	}
	return scim.BulkResult{
		Status:   recorded.status,
		Location: x.settings.baseURL(x.r) + "/" + part.resource + "/" + part.id,
		Version:  recorded.header.Get(headerETag),
		ID:       part.id,
	}
}

// bulkFailure is the result of an operation that failed.
func (x *exchange) bulkFailure(err error) scim.BulkResult {
	protocol := x.protocolError(err)
	body, marshalErr := protocol.MarshalJSON()
	if marshalErr != nil {
		body = nil
	}
	return scim.BulkResult{Status: protocol.Status, Response: body}
}

// recorder is the http.ResponseWriter of an operation in a bulk request. Bodies
// of successful answers are not part of the bulk answer (RFC 7644 section 3.7.3
// leaves that to the server).
type recorder struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) { r.status = status }

// Write implements http.ResponseWriter.
func (r *recorder) Write(body []byte) (int, error) { return io.Discard.Write(body) }
