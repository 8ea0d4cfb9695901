package transport

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

type answering struct{ status int }

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	if a.status == 0 {
		return nil, errors.New("the answer got lost")
	}
	return &http.Response{StatusCode: a.status, Body: http.NoBody}, nil
}

func TestMeter(t *testing.T) {
	g := NewWithT(t)
	for _, test := range []struct {
		method  string
		status  int
		written int64
	}{
		{http.MethodPost, 201, 5}, {http.MethodPut, 200, 5}, {http.MethodPatch, 200, 5},
		{http.MethodPut, 0, 5}, {http.MethodPut, 409, 0}, {http.MethodGet, 200, 0}, {http.MethodDelete, 200, 0},
	} {
		var written int64
		request, err := http.NewRequestWithContext(WithMeter(t.Context(), func(bytes int64) { written += bytes }), test.method, "http://api.example.com", strings.NewReader("bytes"))
		g.Expect(err).NotTo(HaveOccurred())
		answer, err := Meter(answering{test.status}).RoundTrip(request)
		if test.status == 0 {
			g.Expect(err).To(HaveOccurred())
		} else {
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(answer.Body.Close()).To(Succeed())
		}
		g.Expect(written).To(Equal(test.written), "%s %d", test.method, test.status)
	}
}
