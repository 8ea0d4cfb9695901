package transport

import (
	"net/http"
	"testing"

	. "github.com/onsi/gomega"
)

// client-go repeats what is answered with Retry-After; a write that may have been
// made is not to be among that.
func TestOnce(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		status int
		want   string // Retry-After, by which client-go repeats
	}{
		"a read":                             {http.MethodGet, http.StatusServiceUnavailable, "1"},
		"a write that may have been made":    {http.MethodPost, http.StatusInternalServerError, ""},
		"an update that may have been made":  {http.MethodPut, http.StatusGatewayTimeout, ""},
		"a deletion that may have been made": {http.MethodDelete, http.StatusServiceUnavailable, ""},
		"a write that was not begun":         {http.MethodPost, http.StatusTooManyRequests, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			request, err := http.NewRequestWithContext(t.Context(), c.method, "https://127.0.0.1/", http.NoBody)
			g.Expect(err).NotTo(HaveOccurred())
			answer, err := Once(roundTrip(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: c.status, Header: http.Header{"Retry-After": {"1"}}, Body: http.NoBody}, nil
			})).RoundTrip(request)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(answer.Body.Close()).To(Succeed())
			g.Expect(answer.Header.Get("Retry-After")).To(Equal(c.want))
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (r roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }
