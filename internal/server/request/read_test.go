package request_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/server/request"
)

// chunked hides how long a body is, as one in chunks does.
type chunked struct{ io.Reader }

// Memory is acquired before a body is there, and in the end as much as it takes.
func TestBodiesAcquireMemory(t *testing.T) {
	const most = 1 << 20
	errFull := errors.New("there is no more memory")
	for name, c := range map[string]struct {
		body   io.Reader
		first  int64 // what is acquired before the body is read
		length int
	}{
		"of a known length":        {strings.NewReader(strings.Repeat("a", 1000)), 24 * 1000, 1000},
		"nothing":                  {strings.NewReader(""), 0, 0},
		"in chunks, and small":     {chunked{strings.NewReader("abc")}, 24 * 3, 3},
		"in chunks, and not small": {chunked{strings.NewReader(strings.Repeat("a", 100_000))}, most, 100_000},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			r := httptest.NewRequest(http.MethodPost, "/", c.body)
			var acquired []int64
			body, err := request.Body(httptest.NewRecorder(), r, most, func(bytes int64) error {
				acquired = append(acquired, bytes)
				return nil
			})
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(body).To(HaveLen(c.length))
			g.Expect(acquired[0]).To(Equal(c.first))
			var sum int64
			for _, bytes := range acquired {
				sum += bytes
			}
			g.Expect(sum).To(BeEquivalentTo(24*c.length), "what was acquired too much is released")
		})
	}
	g := NewWithT(t)
	never := iotest.ErrReader(errors.New("the body was read"))
	r := httptest.NewRequest(http.MethodPost, "/", never)
	r.ContentLength = 100
	_, err := request.Body(httptest.NewRecorder(), r, most, func(int64) error { return errFull })
	g.Expect(err).To(MatchError(errFull), "a body for which there is no memory is not read")
}

func TestBodiesThatAreNotWhole(t *testing.T) {
	const most = 100
	acquire := func(int64) error { return nil }
	broken := func() io.Reader {
		return io.MultiReader(strings.NewReader(`{"userName":`), iotest.ErrReader(io.ErrUnexpectedEOF))
	}
	for name, c := range map[string]struct {
		body   io.Reader
		length int64
		large  bool
	}{
		"ends too early":            {broken(), 90, false},
		"ends too early, in chunks": {chunked{broken()}, -1, false},
		"is longer than it may be":  {strings.NewReader(strings.Repeat("a", 101)), 101, true},
		"the same, in chunks":       {chunked{strings.NewReader(strings.Repeat("a", 101))}, -1, true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			r := httptest.NewRequest(http.MethodPost, "/", c.body)
			r.ContentLength = c.length
			_, err := request.Body(httptest.NewRecorder(), r, most, acquire)
			g.Expect(err).To(HaveOccurred())
			var (
				tooLarge *http.MaxBytesError
				refused  *scim.Error
			)
			g.Expect(errors.As(err, &tooLarge)).To(Equal(c.large), err.Error())
			g.Expect(errors.As(err, &refused)).To(Equal(!c.large), err.Error())
			if refused != nil {
				g.Expect(*refused).To(HaveField("Type", scim.InvalidSyntax))
				g.Expect(refused.Status).To(Equal(http.StatusBadRequest))
			}
		})
	}
}
