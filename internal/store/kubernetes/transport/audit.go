package transport

import (
	"net/http"

	"github.com/kubescim/kubescim/internal/store"
)

// headerAuditID names a request in the audit log of the API server, which answers with it, too.
const headerAuditID = "Audit-Id"

// Audit is a client-go transport wrapper that sends the id of the SCIM
// request as Audit-ID with each call to the API server made on its behalf, which
// the API server takes over into its audit log. The actor of a write learns under which id the
// API server has it there, which is that one unless something on the way there has another opinion.
func Audit(next http.RoundTripper) http.RoundTripper {
	return audit{next}
}

type audit struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t audit) RoundTrip(request *http.Request) (*http.Response, error) {
	actor := store.ActorFrom(request.Context())
	if actor.RequestID != "" {
		request = request.Clone(request.Context())
		request.Header.Set(headerAuditID, actor.RequestID)
	}
	answer, err := t.next.RoundTrip(request)
	if err == nil && actor.AuditID != nil && request.Method != http.MethodGet {
		if id := answer.Header.Get(headerAuditID); id != "" {
			actor.AuditID.Store(&id)
		}
	}
	return answer, err
}
