package server

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
)

// finish writes the log line and the metrics. No userName, filter or body is in
// either: they are personal data.
func (x *exchange) finish() {
	took := time.Since(x.began)
	outcome := x.tenant.outcomes.of(kind{method: methodOf(x.r), resource: x.resource, status: x.status})
	outcome.duration.Observe(took.Seconds())
	if x.unlogged {
		if count := x.tenant.failures.leaveOut(x.began); count > 0 {
			x.tenant.log.Warn("requests without a good token come so often that not each has a line", slog.Int("leftOut", count))
		}
		return
	}
	level := slog.LevelInfo
	if isFailure(x.status) {
		level = slog.LevelError
	}
	if !outcome.log.Enabled(context.Background(), level) {
		return
	}
	// The place in the code is the same for every line, and costs to find out.
	record := slog.NewRecord(x.began.Add(took), level, "request", 0)
	record.AddAttrs(slog.String("requestID", x.requestID), slog.Duration("duration", took))
	record.AddAttrs(x.subject()...)
	record.AddAttrs(x.failure()...)
	_ = outcome.log.Handle(context.Background(), record) // There is nowhere else to say that it failed.
}

// subject says what the request was about, and who sent it.
func (x *exchange) subject() []slog.Attr {
	attributes := make([]slog.Attr, 0, 4)
	if uuid.Validate(x.id) == nil { // Anything else in its place in the URL may be personal data.
		attributes = append(attributes, slog.String("id", x.id))
	}
	if x.verifier.KeyID != "" {
		attributes = append(attributes, slog.String("keyID", x.verifier.KeyID))
	}
	if dropped := x.dropped.Load(); dropped > 0 {
		x.tenant.outcomes.metrics.dropped.Add(float64(dropped))
		attributes = append(attributes, slog.Int64("droppedMembers", dropped))
	}
	return attributes
}

// failure says why the request was refused; nothing of one that was not.
func (x *exchange) failure() []slog.Attr {
	if x.err == nil {
		return nil
	}
	var attributes []slog.Attr
	if x.refused.reason != "" {
		attributes = append(attributes, slog.String("reason", string(x.refused.reason)), slog.String("source", source(x.r)))
		if x.refused.keyID != "" && x.verifier.KeyID == "" {
			attributes = append(attributes, slog.String("keyID", x.refused.keyID))
		}
	}
	known := words(nil)
	if x.settings != nil {
		known = x.settings.words
	}
	protocol := x.cause(x.err)
	if protocol.Type != "" {
		attributes = append(attributes, slog.String("scimType", string(protocol.Type)))
	}
	attributes = append(attributes, slog.String("detail", known.without(protocol.Detail)))
	if isFailure(x.status) {
		attributes = append(attributes, slog.String("error", known.without(x.err.Error())))
	}
	return attributes
}
