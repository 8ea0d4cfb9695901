package kubernetes

import (
	"net/http"

	"github.com/kubescim/kubescim/internal/store"
)

// AuditTransport is a client-go transport wrapper that sends the id of the SCIM
// request as Audit-ID with each call to the API server made on its behalf, which
// the API server takes over into its audit log.
func AuditTransport(next http.RoundTripper) http.RoundTripper {
	return auditTransport{next}
}

type auditTransport struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t auditTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	if id := store.ActorFrom(request.Context()).RequestID; id != "" {
		request = request.Clone(request.Context())
		request.Header.Set("Audit-ID", id)
	}
	return t.next.RoundTrip(request)
}
