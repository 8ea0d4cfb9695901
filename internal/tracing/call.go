package tracing

import (
	"net/http"
	"strings"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Calls is a client-go transport wrapper that makes a span of each call to the API server for a request that is traced.
func Calls(next http.RoundTripper) http.RoundTripper { return calls{next} }

type calls struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper. The span ends with the headers of the answer.
func (c calls) RoundTrip(request *http.Request) (*http.Response, error) {
	if !trace.SpanFromContext(request.Context()).IsRecording() {
		return c.next.RoundTrip(request)
	}
	ctx, end := Step(request.Context(), request.Method+" "+resourceOf(request.URL.Path), semconv.HTTPRequestMethodKey.String(request.Method))
	answer, err := c.next.RoundTrip(request.WithContext(ctx))
	if err == nil {
		trace.SpanFromContext(ctx).SetAttributes(semconv.HTTPResponseStatusCode(answer.StatusCode))
	}
	end(err)
	return answer, err
}

// resourceOf is the resource that a path of the API server is about, such as scimusers. The name of the object is left
// out: that of a claim follows from a userName.
func resourceOf(path string) string {
	_, inNamespace, found := strings.Cut(path, "/namespaces/")
	if !found {
		return "other"
	}
	_, resource, _ := strings.Cut(inNamespace, "/")
	resource, _, _ = strings.Cut(resource, "/")
	return resource
}
