package tracing_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/server/accesslog"
	"github.com/kubescim/kubescim/internal/tracing"
)

// traceOf sends a request to a handler, and returns the spans that come of it.
func traceOf(request *http.Request, handler http.HandlerFunc) []sdktrace.ReadOnlySpan {
	spans := tracetest.NewSpanRecorder()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test")
	tracing.Handler(tracer, "", handler).ServeHTTP(httptest.NewRecorder(), request)
	return spans.Ended()
}

// attributesOf are those of a span, as text.
func attributesOf(span sdktrace.ReadOnlySpan) map[string]string {
	all := map[string]string{}
	for _, one := range span.Attributes() {
		all[string(one.Key)] = one.Value.String()
	}
	return all
}

func TestARequestIsASpanWithWhatItWaitsFor(t *testing.T) {
	g := NewWithT(t)
	apiServer := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(apiServer.Close)
	client := &http.Client{Transport: tracing.Calls(http.DefaultTransport)}
	request := httptest.NewRequest(http.MethodPatch, "/scim/v2/Users/ada@example.com?filter=ada", strings.NewReader(`{"userName":"ada"}`))
	spans := traceOf(request, func(_ http.ResponseWriter, r *http.Request) {
		ctx, end := tracing.Step(r.Context(), "read index")
		call, err := http.NewRequestWithContext(ctx, http.MethodGet, apiServer.URL+"/apis/scim.kubescim.dev/v1alpha1/namespaces/acme/scimusers/ada", http.NoBody)
		g.Expect(err).NotTo(HaveOccurred())
		answer, err := client.Do(call)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(answer.Body.Close()).To(Succeed())
		end(errors.New("ada is not there"))
		entry := &accesslog.Entry{}
		entry.Method, entry.Resource, entry.Status, entry.RequestID, entry.KeyID = http.MethodPatch, "Users", http.StatusConflict, "r1", "k1"
		entry.Cause = scim.Errorf(http.StatusConflict, scim.Uniqueness, "ada is there")
		tracing.Answered(r.Context(), "acme", entry)
	})
	g.Expect(spans).To(HaveLen(3))
	call, wait, whole := spans[0], spans[1], spans[2]
	g.Expect(call.Name()).To(Equal("GET scimusers"))
	g.Expect(call.Parent().SpanID()).To(Equal(wait.SpanContext().SpanID()))
	g.Expect(attributesOf(call)).To(Equal(map[string]string{"http.request.method": "GET", "http.response.status_code": "404"}))
	g.Expect(wait.Parent().SpanID()).To(Equal(whole.SpanContext().SpanID()))
	g.Expect(wait.Status()).To(Equal(sdktrace.Status{Code: codes.Error}), "without the error, which may name somebody")
	g.Expect(whole.Name()).To(Equal("PATCH Users"))
	g.Expect(whole.Status().Code).To(Equal(codes.Unset), "a refusal is no failure")
	g.Expect(attributesOf(whole)).To(Equal(map[string]string{
		"http.request.method": "PATCH", "http.response.status_code": "409", "kubescim.tenant": "acme", "kubescim.resource": "Users",
		"kubescim.request_id": "r1", "kubescim.key_id": "k1", "kubescim.scim_type": "uniqueness",
	}))
}

func TestTheOnlyTenantIsNamedInEachSpan(t *testing.T) {
	g := NewWithT(t)
	spans := tracetest.NewSpanRecorder()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test")
	handler := tracing.Handler(tracer, "acme", http.NotFoundHandler())
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/scim/v2/Users", http.NoBody))
	g.Expect(attributesOf(spans.Ended()[0])).To(Equal(map[string]string{"kubescim.tenant": "acme"}))
}

// A client decides neither whether its requests are traced nor which trace they are part of.
func TestAClientsTraceIsALink(t *testing.T) {
	g := NewWithT(t)
	const theirs = "0af7651916cd43dd8448eb211c80319c"
	request := httptest.NewRequest(http.MethodGet, "/scim/v2/Users", http.NoBody)
	request.Header.Set("Traceparent", "00-"+theirs+"-b7ad6b7169203331-01")
	request.Header.Set("Tracestate", "vendor=ada@acme.example.com")
	spans := traceOf(request, func(http.ResponseWriter, *http.Request) {})
	g.Expect(spans[0].SpanContext().TraceID().String()).NotTo(Equal(theirs))
	g.Expect(spans[0].Parent().IsValid()).To(BeFalse())
	g.Expect(spans[0].Links()).To(HaveLen(1))
	g.Expect(spans[0].Links()[0].SpanContext.TraceID().String()).To(Equal(theirs))
	g.Expect(spans[0].Links()[0].SpanContext.TraceState().Len()).To(BeZero(), "it is a text that a client likes")
}

func TestWithoutATraceAStepCostsNothing(t *testing.T) {
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() {
		_, end := tracing.Step(ctx, "read index")
		end(nil)
		tracing.Answered(ctx, "acme", nil)
	}); n != 0 {
		t.Errorf("it allocates %v times", n)
	}
}
