package transport

import (
	"context"
	"net/http"
)

type meterKey struct{}

// WithMeter returns a context whose calls tell how many bytes each object has that the API
// server was asked to write and may have written, where they pass a Meter: those that etcd
// keeps, the history of an object included, until the API server compacts it.
func WithMeter(ctx context.Context, written func(bytes int64)) context.Context {
	return context.WithValue(ctx, meterKey{}, written)
}

// Meter is a client-go transport wrapper that tells those who want to know it (WithMeter) how
// many bytes were written.
func Meter(next http.RoundTripper) http.RoundTripper { return meter{next: next} }

type meter struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (m meter) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := m.next.RoundTrip(request)
	written, wanted := request.Context().Value(meterKey{}).(func(int64))
	if !wanted {
		return answer, err
	}
	switch request.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		if err != nil || answer.StatusCode < http.StatusBadRequest {
			written(max(request.ContentLength, 0))
		}
	}
	return answer, err
}
