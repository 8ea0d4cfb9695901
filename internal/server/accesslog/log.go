// Package accesslog writes one line for each request and counts it. No userName, filter or
// body is in either: they are personal data. It knows what was asked for and what came of
// it, and neither the request nor the answer.
package accesslog

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/requestlog"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/server/auditlog"
	"github.com/kubescim/kubescim/internal/server/auth"
)

// Log is the log of the requests of a tenant, and their metrics.
type Log struct {
	log      *slog.Logger
	outcomes *outcomes
	metrics  *Metrics
	outlook  outlook
	audit    *auditlog.Log   // nil for none
	requests *requestlog.Log // nil where none are kept
}

// New returns the log of the requests of a tenant.
func New(log *slog.Logger, metrics *Metrics) *Log {
	return &Log{log: log, outcomes: newOutcomes(log.Handler(), metrics), metrics: metrics}
}

// AuditTo makes changes that are asked for have a line in the audit log, too. It must be called before
// there are requests.
func (l *Log) AuditTo(audit *auditlog.Log) { l.audit = audit }

// KeepIn has what may be kept of each request kept in a log, too. It must be called before there are
// requests.
func (l *Log) KeepIn(requests *requestlog.Log) { l.requests = requests }

// Entry is a request and what came of it.
type Entry struct {
	RequestID string
	Began     time.Time
	// Method is that of the request, and one word for all that are none of SCIM's.
	Method string
	// Operation is what the request was to do, once it is known.
	Operation requestlog.Operation
	// Resource is what is asked for, by the first part of its URL: Users, Bulk ... One
	// word for all that are none of SCIM's.
	Resource string
	// ID is the id in the URL, or of what was created.
	ID     string
	Status int
	// KeyID is that of the key that the request is authenticated with; empty until it is.
	KeyID string
	// Reason is why the request has no good token; empty when it has one.
	Reason auth.Reason
	// Hint is what to look at for that reason, in an assertion; empty when there is nothing.
	Hint string
	// ClaimedKeyID is that of the key which such a token claims to be; empty when there is
	// no such key.
	ClaimedKeyID string
	// Source is the address that the request comes from; empty while the server is starting.
	Source string
	// TurnedAway is true of a request that is not answered on purpose, since the tenant is paused or
	// served elsewhere: it says nothing of whether requests succeed.
	TurnedAway bool
	// Dropped is how many members a group was written without.
	Dropped int64
	// Change is what the audit log has of a request beside that.
	Change auditlog.Change
	// Err is why the request failed, nil when it did not, and Cause the error that the
	// client got for it.
	Err   error
	Cause *scim.Error
	// Words are those of the tenant; nil before there are any.
	Words Words
}

// Refuse counts a request without a good token.
func (l *Log) Refuse(reason auth.Reason) { l.metrics.refused.WithLabelValues(string(reason)).Inc() }

// OverLimit counts a request that came too soon after others, by the name of the limit.
func (l *Log) OverLimit(limit string) { l.metrics.overLimit.WithLabelValues(limit).Inc() }

// LeaveOut counts a request that has no line. Of the others that had none lately, leftOut
// is how many there are if it is time to say so, and else 0.
func (l *Log) LeaveOut(e *Entry, leftOut int) {
	l.count(e, time.Since(e.Began))
	if leftOut > 0 {
		l.log.Warn("requests without a good token come so often that not each has a line", slog.Int("leftOut", leftOut))
	}
}

// Panic writes that a request came upon a defect of the server.
func (l *Log) Panic(e *Entry, defect any) {
	l.log.Error("panic while serving a request", slog.String("requestID", e.RequestID),
		slog.String("panic", Words(nil).Without(fmt.Sprint(defect))), slog.String("stack", string(debug.Stack())))
}

// Write counts a request and writes its line, and that of the audit log.
func (l *Log) Write(e *Entry) {
	took := time.Since(e.Began)
	outcome := l.count(e, took)
	if e.KeyID != "" && !e.TurnedAway {
		l.outlook.note(e.Status)
	}
	record := e.record(took)
	l.audit.Write(record, e.Change)
	if l.requests != nil {
		l.requests.Add(record)
	}
	level := slog.LevelInfo
	if IsFailure(e.Status) {
		level = slog.LevelError
	}
	if !outcome.log.Enabled(context.Background(), level) {
		return
	}
	// The place in the code is the same for every line, and costs to find out.
	line := slog.NewRecord(record.Time, level, "request", 0)
	line.AddAttrs(slog.String("requestID", record.RequestID), slog.Duration("duration", took))
	line.AddAttrs(subject(e, record)...)
	line.AddAttrs(failure(e, record)...)
	_ = outcome.log.Handle(context.Background(), line) // There is nowhere else to say that it failed.
}

func (l *Log) count(e *Entry, took time.Duration) outcome {
	c := class{method: e.Method, resource: e.Resource, status: e.Status}
	if e.Cause != nil {
		c.scimType = e.Cause.Type
	}
	found := l.outcomes.of(c)
	found.duration.Observe(took.Seconds())
	found.requests.Inc()
	if e.Dropped > 0 {
		l.metrics.dropped.Add(float64(e.Dropped))
	}
	return found
}

// record is what may be kept of the request: nothing personal.
func (e *Entry) record(took time.Duration) requestlog.Record {
	record := requestlog.Record{
		Time: e.Began.Add(took), Took: took, RequestID: e.RequestID, KeyID: cmp.Or(e.KeyID, e.ClaimedKeyID),
		Method: e.Method, Operation: e.Operation, Resource: e.Resource, Status: e.Status,
		TurnedAway: e.TurnedAway, Reason: string(e.Reason), Hint: e.Hint, Source: e.Source, Dropped: e.Dropped,
	}
	if uuid.Validate(e.ID) == nil { // Anything else in its place in the URL may be personal data.
		record.ID = e.ID
	}
	if e.Cause != nil {
		record.ScimType, record.Detail = string(e.Cause.Type), e.Words.Without(e.Cause.Detail)
		record.Reason = cmp.Or(record.Reason, string(e.Cause.Reason))
	}
	return record
}

// subject is what the request was about, and who sent it.
func subject(e *Entry, record requestlog.Record) []slog.Attr {
	attributes := make([]slog.Attr, 0, 4)
	if record.ID != "" {
		attributes = append(attributes, slog.String("id", record.ID))
	}
	if e.KeyID != "" {
		attributes = append(attributes, slog.String("keyID", e.KeyID))
	}
	if record.Source != "" {
		attributes = append(attributes, slog.String("source", record.Source))
	}
	if record.Dropped > 0 {
		attributes = append(attributes, slog.Int64("droppedMembers", record.Dropped))
	}
	return attributes
}

// failure is why the request was refused; nothing of one that was not.
func failure(e *Entry, record requestlog.Record) []slog.Attr {
	if e.Err == nil {
		return nil
	}
	var attributes []slog.Attr
	if record.Reason != "" {
		attributes = append(attributes, slog.String("reason", record.Reason))
		if record.Hint != "" {
			attributes = append(attributes, slog.String("hint", record.Hint))
		}
		if e.KeyID == "" && record.KeyID != "" {
			attributes = append(attributes, slog.String("keyID", record.KeyID))
		}
	}
	if record.ScimType != "" {
		attributes = append(attributes, slog.String("scimType", record.ScimType))
	}
	attributes = append(attributes, slog.String("detail", record.Detail))
	if IsFailure(record.Status) {
		attributes = append(attributes, slog.String("error", e.Words.Without(e.Err.Error())))
	}
	return attributes
}

// IsFailure reports whether an answer with the status means that something failed on this
// side. What is not implemented is not meant to be: that 501 is the whole answer.
func IsFailure(status int) bool {
	return status >= 500 && status != http.StatusNotImplemented
}
