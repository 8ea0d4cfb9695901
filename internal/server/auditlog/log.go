// Package auditlog writes one line for each request to change a user or a group: who has asked for
// what, which attributes were changed, and what came of it; and one for who is removed for good by
// the server itself. The fields are those of docs/audit.md and
// no others. Attributes are named, and no value of one is ever in a line.
package auditlog

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/kubescim/kubescim/internal/requestlog"
)

// Log is the audit log of the changes that are asked for in one tenant. Nothing is written to a nil Log.
type Log struct{ lines slog.Handler }

// New returns the audit log of a tenant in a namespace, whose lines go to log, whatever the least level
// is that is written there: that a line is wanted is not a matter of how much is.
func New(log *slog.Logger, namespace, tenant string) *Log {
	return &Log{lines: log.Handler().WithAttrs([]slog.Attr{
		slog.String("log", "audit"), slog.String("namespace", namespace), slog.String("tenant", tenant),
	})}
}

// Change is what is known of a change beside the record of its request.
type Change struct {
	// Key is the name of the ScimApiKey; empty when the key has none.
	Key string
	// InBulk says that the change was an operation of a bulk request.
	InBulk bool
	// Attributes are the names of those that were changed.
	Attributes []string
	// AuditID is the one under which the API server has logged the last write of the request; empty
	// when there was none.
	AuditID string
}

// Result is what came of a change.
type Result string

// What came of a change.
const (
	// Succeeded: it was made.
	Succeeded Result = "Succeeded"
	// Unchanged: all was as it was to be, and nothing was written.
	Unchanged Result = "Unchanged"
	// Refused: it was not made, since it is not as it must be (4xx).
	Refused Result = "Refused"
	// Failed: it was not made, or not to its end, or nobody knows; it is to be asked for again (429, 5xx).
	Failed Result = "Failed"
)

// message is that of each line.
const message = "change"

// expire is the operation of what no request asks for.
const expire = "Expire"

// Write writes the line of a request, if it was to change something. A bulk request has none, since each
// of its operations has, unless none of them was tried.
func (l *Log) Write(record requestlog.Record, change Change) {
	if l == nil || !audited(record) {
		return
	}
	line := slog.NewRecord(record.Time, slog.LevelInfo, message, 0)
	line.AddAttrs(attributesOf(record, change)...)
	_ = l.lines.Handle(context.Background(), line) // There is nowhere else to say that it failed.
}

// WriteExpiry writes that the server has removed for good who had been deleted, since the time is over for which
// that is kept: a resource by its endpoint and id. The API server has logged it under the audit id.
func (l *Log) WriteExpiry(resource, id, auditID string) {
	line := slog.NewRecord(time.Now(), slog.LevelInfo, message, 0)
	line.AddAttrs(slog.String("auditID", auditID), slog.String("operation", expire), slog.String("resource", resource),
		slog.String("id", id), slog.String("result", string(Succeeded)))
	_ = l.lines.Handle(context.Background(), line) // There is nowhere else to say that it failed.
}

// audited reports whether a request has a line.
func audited(record requestlog.Record) bool {
	switch record.Operation {
	case requestlog.Create, requestlog.Replace, requestlog.Modify, requestlog.Delete:
		return true
	case requestlog.Bulk:
		return record.Status >= http.StatusBadRequest
	}
	return false
}

// attributesOf are those of a line, but for the ones that all lines of a tenant have.
func attributesOf(record requestlog.Record, change Change) []slog.Attr {
	attributes := make([]slog.Attr, 0, 14)
	add := func(name, value string) {
		if value != "" {
			attributes = append(attributes, slog.String(name, value))
		}
	}
	add("key", change.Key)
	add("keyID", record.KeyID)
	add("source", record.Source)
	add("requestID", record.RequestID)
	add("auditID", change.AuditID)
	add("operation", string(record.Operation))
	if change.InBulk {
		attributes = append(attributes, slog.Bool("inBulk", true))
	}
	add("resource", record.Resource)
	add("id", record.ID)
	if len(change.Attributes) > 0 {
		attributes = append(attributes, slog.Any("changed", slices.Sorted(slices.Values(change.Attributes))))
	}
	if record.Dropped > 0 {
		attributes = append(attributes, slog.Int64("droppedMembers", record.Dropped))
	}
	add("result", string(resultOf(record, change)))
	attributes = append(attributes, slog.Int("status", record.Status))
	add("scimType", record.ScimType)
	return attributes
}

// resultOf is what came of a change.
func resultOf(record requestlog.Record, change Change) Result {
	switch {
	case record.Status >= http.StatusInternalServerError, record.Status == http.StatusTooManyRequests:
		return Failed
	case record.Status >= http.StatusBadRequest:
		return Refused
	case len(change.Attributes) == 0 && (record.Operation == requestlog.Replace || record.Operation == requestlog.Modify):
		return Unchanged
	}
	return Succeeded
}
