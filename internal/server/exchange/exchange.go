// Package exchange is one request and its answer: what every handler needs of it. It
// answers in SCIM messages, errors included, and sees to it that a request does nothing
// that its key does not permit, and nothing more once the key is revoked, its time is up or
// the tenant is paused; and it acquires the memory that it takes. What is asked for is for
// the handlers.
package exchange

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/server/auditlog"
	"github.com/kubescim/kubescim/internal/server/auth"
	"github.com/kubescim/kubescim/internal/server/limit"
	"github.com/kubescim/kubescim/internal/server/request"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/tracing"
)

// Exchange is one request and its answer. Make it with New, or for a part of a bulk
// request with Part.
type Exchange struct {
	Shared *Shared
	// Settings are those that the request is answered under; nil before there are any.
	Settings *Settings
	W        http.ResponseWriter
	R        *http.Request
	// Ctx has the request's deadline and says who asks. That of R has neither: it
	// lasts as long as the client stays.
	Ctx context.Context //nolint:containedctx // It is the request's own.
	// Verifier is that of the request's key; zero until the request is authenticated.
	Verifier apikey.Verifier
	// Parameters are those of SCIM in the URL, once they are read.
	Parameters url.Values
	// Mount is what stands before Process.Path in the URL, and by which the tenant was found; empty
	// when it was found by the host, and has its own path.
	Mount string
	// Entry is for the log and the metrics: what is asked for, and what comes of it.
	Entry accesslog.Entry
	// Undoes is true for an operation of a bulk request that deletes what the bulk request has created.
	Undoes bool

	grant    apikey.Grant // of the request's key, when that was last looked at
	use      auth.Use     // what the request does, as far as that is known
	shows    [2]string    // for use.Shows
	memory   limit.Share
	within   bool                   // it is an operation of a bulk request
	retry    time.Duration          // what Retry-After says of an error that passes; retryAfter when zero
	unlogged bool                   // its log line is left out
	dropped  atomic.Int64           // members that a group was written without
	auditID  atomic.Pointer[string] // for store.Actor

	values []string            // of the headers of the answer
	room   [mostHeaders]string // for values
}

// New returns the exchange of a request that comes in.
func New(shared *Shared, w http.ResponseWriter, r *http.Request) *Exchange {
	x := &Exchange{
		Shared: shared, W: w, R: r, memory: shared.Memory.Share(),
		Entry: accesslog.Entry{RequestID: uuid.NewString(), Began: time.Now()},
	}
	x.SetHeader(headerRequestID, x.Entry.RequestID)
	return x
}

// Part returns the exchange of an operation of a bulk request, by its index.
func (x *Exchange) Part(index int, w http.ResponseWriter) *Exchange {
	return &Exchange{
		Shared: x.Shared, Settings: x.Settings, Mount: x.Mount, W: w, memory: x.Shared.Memory.Share(), within: true,
		Entry: accesslog.Entry{
			RequestID: x.Entry.RequestID + "." + strconv.Itoa(index), Began: time.Now(), KeyID: x.Entry.KeyID, Source: x.Entry.Source,
			Change: auditlog.Change{Key: x.Entry.Change.Key, InBulk: true},
		},
		Verifier: x.Verifier, grant: x.grant, use: auth.Use{From: x.use.From},
	}
}

// Actor is who asks, for the store.
func (x *Exchange) Actor() store.Actor {
	return store.Actor{KeyID: x.Verifier.KeyID, RequestID: x.Entry.RequestID, AuditID: &x.auditID}
}

// Path is the base path of the tenant in the URL of the request.
func (x *Exchange) Path() string {
	switch x.Mount {
	case "":
		return x.Settings.Path
	case x.Shared.Mount:
		return x.Shared.mounted
	default:
		return x.Mount + x.Shared.process.Path
	}
}

// BaseURL is the URL under which the client sees the tenant. That of one that was found by its
// name in the path follows from that, and from nothing that only a tenant has which there is.
func (x *Exchange) BaseURL() string {
	path, public := x.Path(), x.Settings.PublicURL
	if x.Mount != "" {
		if public = x.Shared.process.PublicURL(); public != "" {
			public += path
		}
	}
	return request.BaseURL(x.R, public, path)
}

// Writing is the context of a write.
func (x *Exchange) Writing() context.Context { return store.WithDropped(x.Ctx, &x.dropped) }

// Finish ends the exchange, once it is answered: it writes the log line and the
// metrics.
func (x *Exchange) Finish() {
	x.Entry.Method = "other" // For one that a client has made up, of which there is no end.
	if request.IsStandard(x.R.Method) {
		x.Entry.Method = x.R.Method
	}
	if x.unlogged {
		x.Shared.Log.LeaveOut(&x.Entry, x.Shared.Unauthenticated.LeaveOut(x.Entry.Began))
		return
	}
	if x.Settings != nil {
		x.Entry.Words = x.Settings.Words
	}
	x.Entry.Dropped = x.dropped.Load()
	if id := x.auditID.Load(); id != nil {
		x.Entry.Change.AuditID = *id
	}
	if !x.within {
		tracing.Answered(x.R.Context(), x.Shared.Name, &x.Entry)
	}
	x.Shared.Log.Write(&x.Entry)
}

// Release releases the memory of the request.
func (x *Exchange) Release() { x.memory.Release() }
