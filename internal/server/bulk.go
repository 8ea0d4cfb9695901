package server

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

const (
	// bulkDeadline is how long a bulk request may take; it replaces
	// Limits.Deadline, which is for one operation.
	bulkDeadline = 40 * time.Second
	// bulkParallel is how many operations of a bulk request may be under way at the same
	// time.
	bulkParallel = 8
)

// bulk is POST /Bulk (RFC 7644 section 3.7): each operation is carried out as the
// request that it stands for, in an order in which what it refers to exists.
func (x *exchange) bulk() error {
	body, err := x.body()
	if err != nil {
		return err
	}
	request, err := scim.ParseBulk(body, x.tenant.limits.BulkOperations, x.settings.Profile.Leniency)
	if err != nil {
		return err
	}
	// The context of one operation does not fit a series of them.
	ctx, cancel := context.WithDeadline(x.r.Context(), x.began.Add(bulkDeadline))
	defer cancel()
	run := scim.NewBulkRun(request)
	x.carryOut(ctx, run)
	x.answer(http.StatusOK, run.Response())
	return nil
}

// carryOut carries out all operations of a bulk request, several at the same time where
// they have nothing to do with each other. Each but the first counts as a request that is
// under way, so that many bulk requests do no more at a time than other requests may.
func (x *exchange) carryOut(ctx context.Context, run *scim.BulkRun) {
	type finished struct {
		index  int
		result scim.BulkResult
	}
	done := make(chan finished)
	for underWay := 0; ; {
		for underWay < bulkParallel && (underWay == 0 || x.tenant.requests.TryAcquire(1)) {
			index, operation, ok := run.Next()
			if !ok {
				if underWay > 0 {
					x.tenant.requests.Release(1)
				}
				break
			}
			underWay++
			go func() { done <- finished{index, x.bulkOperation(ctx, index, operation)} }()
		}
		if underWay == 0 {
			return
		}
		one := <-done
		if underWay--; underWay > 0 {
			x.tenant.requests.Release(1)
		}
		run.Done(one.index, one.result)
	}
}

// bulkOperation carries one operation out as a request of its own, with its own line in the
// log.
func (x *exchange) bulkOperation(ctx context.Context, index int, operation scim.BulkOperation) scim.BulkResult {
	recorded := &recorder{header: http.Header{}}
	part := &exchange{
		tenant: x.tenant, settings: x.settings, verifier: x.verifier, began: time.Now(),
		requestID: x.requestID + "." + strconv.Itoa(index), w: recorded, within: true,
	}
	ctx = store.WithActor(ctx, store.Actor{KeyID: x.verifier.KeyID, RequestID: part.requestID})
	ctx, cancel := context.WithTimeout(ctx, x.tenant.limits.Deadline)
	defer cancel()
	part.r, part.ctx = x.requestOf(operation).WithContext(ctx), ctx
	part.serveWithin()

	base, result := x.settings.baseURL(x.r), scim.BulkResult{Status: recorded.status}
	switch {
	case recorded.status < http.StatusBadRequest:
		result.ID, result.Version = part.id, recorded.header.Get(headerETag)
		result.Location = base + "/" + part.resource + "/" + part.id
	case operation.Method == http.MethodPost: // Then there is no location.
		result.Response = recorded.body
	default:
		result.Response, result.Location = recorded.body, base+operation.Path
	}
	return result
}

// requestOf is the request that an operation stands for.
func (x *exchange) requestOf(operation scim.BulkOperation) *http.Request {
	header := x.r.Header.Clone()
	header.Del("If-Match")
	if operation.Version != "" {
		header.Set("If-Match", operation.Version)
	}
	return &http.Request{
		Method: operation.Method, URL: &url.URL{Path: x.settings.Path + operation.Path}, Host: x.r.Host, RemoteAddr: x.r.RemoteAddr, Header: header,
		Body: io.NopCloser(bytes.NewReader(operation.Data)), ContentLength: int64(len(operation.Data)),
	}
}

// serveWithin answers an operation of a bulk request. A panic fails it, and no other.
func (x *exchange) serveWithin() {
	defer x.finish()
	defer x.recover()
	if err := x.route(); err != nil {
		x.fail(err)
	}
}

// recorder is the http.ResponseWriter of an operation in a bulk request. Bodies
// of successful answers are not part of the bulk answer (RFC 7644 section 3.7.3
// leaves that to the server).
type recorder struct {
	header http.Header
	status int
	body   []byte // of an error
}

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) { r.status = status }

// Write implements http.ResponseWriter.
func (r *recorder) Write(body []byte) (int, error) {
	if r.status >= http.StatusBadRequest {
		r.body = append(r.body, body...)
	}
	return len(body), nil
}
