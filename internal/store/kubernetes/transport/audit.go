package transport

import (
	"net/http"

	"github.com/kubescim/kubescim/internal/store"
)

// Audit is a client-go transport wrapper that sends the id of the SCIM
// request as Audit-ID with each call to the API server made on its behalf, which
// the API server takes over into its audit log.
func Audit(next http.RoundTripper) http.RoundTripper {
	return audit{next}
}

type audit struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t audit) RoundTrip(request *http.Request) (*http.Response, error) {
	if id := store.ActorFrom(request.Context()).RequestID; id != "" {
		request = request.Clone(request.Context())
		request.Header.Set("Audit-ID", id)
	}
	return t.next.RoundTrip(request)
}
