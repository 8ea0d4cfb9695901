package handler

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/kubescim/kubescim/internal/scim/bulk"
	"github.com/kubescim/kubescim/internal/server/exchange"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/store"
)

// bulkParallel is how many operations of a bulk request may be under way at the same time.
const bulkParallel = 8

// runBulk is POST /Bulk (RFC 7644 section 3.7): each operation is carried out as the
// request that it stands for, in an order in which what it refers to exists.
func runBulk(x *exchange.Exchange) error {
	body, err := x.Body()
	if err != nil {
		return err
	}
	request, err := bulk.Parse(body, x.Shared.Limits.BulkOperations, x.Settings.Profile.Leniency)
	if err != nil {
		return err
	}
	if err := x.AdmitOperations(len(request.Operations)); err != nil {
		return err
	}
	// The context of one operation does not fit a series of them.
	ctx, cancel := context.WithDeadline(x.R.Context(), x.Entry.Began.Add(limit.BulkDeadline))
	defer cancel()
	run := bulk.NewRun(request)
	carryOut(ctx, x, run)
	x.Answer(http.StatusOK, run.Response())
	return nil
}

// carryOut carries out all operations of a bulk request, several at the same time where
// they have nothing to do with each other. Each but the first counts as a request that is
// under way, so that many bulk requests do no more at a time than other requests may.
func carryOut(ctx context.Context, x *exchange.Exchange, run *bulk.Run) {
	type finished struct {
		index  int
		result bulk.Result
	}
	done := make(chan finished)
	for underWay := 0; ; {
		for underWay < bulkParallel && (underWay == 0 || x.Shared.Slots.TryAcquire()) {
			index, operation, ok := run.Next()
			if !ok {
				if underWay > 0 {
					x.Shared.Slots.Release()
				}
				break
			}
			underWay++
			go func() { done <- finished{index, bulkOperation(ctx, x, index, operation)} }()
		}
		if underWay == 0 {
			return
		}
		one := <-done
		if underWay--; underWay > 0 {
			x.Shared.Slots.Release()
		}
		run.Done(one.index, one.result)
	}
}

// bulkOperation carries one operation out as a request of its own, with its own line in the
// log.
func bulkOperation(ctx context.Context, x *exchange.Exchange, index int, operation bulk.Operation) bulk.Result {
	recorded := &recorder{header: http.Header{}}
	part := x.Part(index, recorded)
	part.Undoes = operation.Undoes
	ctx = store.WithActor(ctx, part.Actor())
	ctx, cancel := context.WithTimeout(ctx, x.Shared.Limits.Deadline)
	defer cancel()
	part.R, part.Ctx = requestOf(x, operation).WithContext(ctx), ctx
	serveWithin(part)

	base, result := x.BaseURL(), bulk.Result{Status: recorded.status}
	switch {
	case recorded.status < http.StatusBadRequest:
		result.ID, result.Version = part.Entry.ID, recorded.header.Get(exchange.HeaderETag)
		result.Location = base + "/" + part.Entry.Resource + "/" + part.Entry.ID
	case operation.Method == http.MethodPost: // Then there is no location.
		result.Response = recorded.body
	default:
		result.Response, result.Location = recorded.body, base+operation.Path
	}
	return result
}

// requestOf is the request that an operation stands for.
func requestOf(x *exchange.Exchange, operation bulk.Operation) *http.Request {
	header := x.R.Header.Clone()
	header.Del("If-Match")
	if operation.Version != "" {
		header.Set("If-Match", operation.Version)
	}
	return &http.Request{
		Method: operation.Method, URL: &url.URL{Path: x.Path() + operation.Path}, Host: x.R.Host, RemoteAddr: x.R.RemoteAddr, Header: header,
		Body: io.NopCloser(bytes.NewReader(operation.Data)), ContentLength: int64(len(operation.Data)),
	}
}

// serveWithin answers an operation of a bulk request. A panic fails it, and no other.
func serveWithin(x *exchange.Exchange) {
	defer x.Finish()
	defer x.Recover()
	if err := Route(x); err != nil {
		x.Fail(err)
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
