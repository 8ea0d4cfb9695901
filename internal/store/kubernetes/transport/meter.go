package transport

import "net/http"

// Meter returns a client-go transport wrapper that tells how many bytes each object has
// that the API server was asked to write and may have written: those that etcd keeps, the
// history of an object included, until the API server compacts it.
func Meter(written func(bytes int64)) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper { return meter{next: next, written: written} }
}

type meter struct {
	next    http.RoundTripper
	written func(bytes int64)
}

// RoundTrip implements http.RoundTripper.
func (m meter) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := m.next.RoundTrip(request)
	switch request.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		if err != nil || answer.StatusCode < http.StatusBadRequest {
			m.written(max(request.ContentLength, 0))
		}
	}
	return answer, err
}
