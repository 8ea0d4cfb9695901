package transport

import "net/http"

// Once is a client-go transport wrapper that keeps client-go from repeating
// a write by itself. It does so for an answer with Retry-After, also for one such as
// 500 or 504 that leaves open whether the write was made; whoever sees only the answer
// to the second try takes it for a refusal of the first. Here the store repeats, and
// remembers. What is answered 429 has not been begun, and may be repeated.
func Once(next http.RoundTripper) http.RoundTripper { return once{next} }

type once struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t once) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := t.next.RoundTrip(request)
	if err == nil && request.Method != http.MethodGet && answer.StatusCode >= http.StatusInternalServerError {
		answer.Header.Del("Retry-After")
	}
	return answer, err
}
