// Package tracing sends traces of requests to a collector of OpenTelemetry: a span for each request, and one for each
// call to the API server and each wait for other replicas in it. No userName, filter, body or token is in them, and no
// name of an object. Where it sends them, and how many, are the standard variables of OpenTelemetry.
package tracing

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// scope is the instrumentation scope of all spans.
const scope = "github.com/kubescim/kubescim"

// Origin is the process whose traces are sent.
type Origin struct{ Service, Version, Namespace, Pod string }

// Start returns what makes spans, which are sent in the background. stop sends the last ones. Spans that cannot be sent
// are lost: no request waits for a collector.
func Start(ctx context.Context, origin Origin) (tracer trace.Tracer, stop func(context.Context) error, err error) {
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("preparing to send traces; see the variables OTEL_… of the pod: %w", err)
	}
	// What the environment says comes last, and so stands.
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		semconv.ServiceName(origin.Service), semconv.ServiceVersion(origin.Version),
		semconv.K8SNamespaceName(origin.Namespace), semconv.K8SPodName(origin.Pod),
	), resource.WithFromEnv())
	if err != nil {
		return nil, nil, fmt.Errorf("reading OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return provider.Tracer(scope), provider.Shutdown, nil
}

// attributes of spans that OpenTelemetry has no name for.
const (
	attributeTenant   = attribute.Key("kubescim.tenant")
	attributeRequest  = attribute.Key("kubescim.request_id")
	attributeKey      = attribute.Key("kubescim.key_id")
	attributeResource = attribute.Key("kubescim.resource")
	attributeSCIMType = attribute.Key("kubescim.scim_type")
)

// Step begins a span of something that a request waits for, if the request is traced; end ends it, with what went wrong.
func Step(ctx context.Context, name string, attributes ...attribute.KeyValue) (inner context.Context, end func(error)) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, func(error) {}
	}
	tracer := parent.TracerProvider().Tracer(scope)
	inner, span := tracer.Start(ctx, name, trace.WithAttributes(attributes...))
	return inner, func(err error) {
		fail(span, err != nil)
		span.End()
	}
}
