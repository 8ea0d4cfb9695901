package tracing

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/kubescim/kubescim/internal/server/accesslog"
)

// Handler gives each request a span, in its context; tenant is that of all requests, and empty where there are several,
// of which Answered names one. A client is not trusted with which requests are traced, nor with
// the trace that they are in: a traceparent that it sends is a link of a trace of our own.
func Handler(tracer trace.Tracer, tenant string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(r.Header)))
		options := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)}
		if tenant != "" {
			options = append(options, trace.WithAttributes(attributeTenant.String(tenant)))
		}
		if sent.IsValid() {
			// Its tracestate is any text that a client likes, and says nothing here.
			options = append(options, trace.WithLinks(trace.Link{SpanContext: sent.WithTraceState(trace.TraceState{})}))
		}
		ctx, span := tracer.Start(r.Context(), "SCIM", options...)
		defer span.End()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Answered says in a request's span what it was and what came of it. tenant is empty where that is not known, or Handler has named it.
func Answered(ctx context.Context, tenant string, e *accesslog.Entry) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.SetName(e.Method + " " + e.Resource)
	span.SetAttributes(
		semconv.HTTPRequestMethodKey.String(e.Method), semconv.HTTPResponseStatusCode(e.Status),
		attributeResource.String(e.Resource), attributeRequest.String(e.RequestID),
	)
	if tenant != "" {
		span.SetAttributes(attributeTenant.String(tenant))
	}
	if e.KeyID != "" {
		span.SetAttributes(attributeKey.String(e.KeyID))
	}
	if e.Cause != nil && e.Cause.Type != "" {
		span.SetAttributes(attributeSCIMType.String(string(e.Cause.Type)))
	}
	fail(span, accesslog.IsFailure(e.Status))
}

// fail marks what has failed on this side. Why is in the log: an error may have personal data in it.
func fail(span trace.Span, failed bool) {
	if failed {
		span.SetStatus(codes.Error, "")
	}
}
