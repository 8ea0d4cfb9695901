package request_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store/memory"
)

func TestBodies(t *testing.T) {
	h := servertest.New(t, memory.New())
	for _, test := range []struct {
		name, contentType, body string
		status                  int
		scimType                string
	}{
		{"SCIM", "application/scim+json", servertest.Babs, http.StatusCreated, ""},
		{"JSON with a charset", "application/json; charset=utf-8", strings.ReplaceAll(servertest.Babs, "bjensen", "b2"), http.StatusCreated, ""},
		{"another type", "text/xml", servertest.Babs, http.StatusUnsupportedMediaType, ""},
		{"a type that is none", "///", servertest.Babs, http.StatusUnsupportedMediaType, ""},
		{"no JSON", "application/scim+json", `{"userName":`, http.StatusBadRequest, "invalidSyntax"},
		{"nothing", "application/scim+json", ``, http.StatusBadRequest, "invalidSyntax"},
		{"a wrong type", "application/scim+json", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":1}`, http.StatusBadRequest, "invalidValue"},
		{"no userName", "application/scim+json", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]}`, http.StatusBadRequest, "invalidValue"},
		{"too much", "application/scim+json", `{"a":"` + strings.Repeat("a", 70<<10) + `"}`, http.StatusRequestEntityTooLarge, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := h.In(t)
			r := h.Do(http.MethodPost, "/Users", test.body, "Content-Type", test.contentType)
			if test.status < 400 {
				h.Expect(r.StatusCode).To(Equal(test.status), r.Text)
				return
			}
			h.ExpectError(r, test.status, test.scimType)
		})
	}
}

// Most clients read the answer only after they have sent everything.
func TestRefusedBodiesAreRead(t *testing.T) {
	h := servertest.New(t, memory.New())
	for _, test := range []struct {
		name, headers string
		length        int
		chunked       bool
		status        int
	}{
		{"too large", "Authorization: Bearer " + h.Token, 24 << 20, false, http.StatusRequestEntityTooLarge},
		{"too large, in chunks", "Authorization: Bearer " + h.Token, 24 << 20, true, http.StatusRequestEntityTooLarge},
		{"another type", "Authorization: Bearer " + h.Token + "\r\nContent-Type: text/xml", 24 << 20, false, http.StatusUnsupportedMediaType},
		{"no token", "Accept: application/scim+json", 256 << 10, false, http.StatusUnauthorized},
		{"no token, in chunks", "Accept: application/scim+json", 200 << 10, true, http.StatusUnauthorized},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := NewWithT(t)
			connection, err := net.DialTimeout("tcp", strings.TrimPrefix(h.URL, "http://"), time.Second)
			g.Expect(err).NotTo(HaveOccurred())
			defer func() { g.Expect(connection.Close()).To(Succeed()) }()
			g.Expect(connection.SetDeadline(time.Now().Add(20 * time.Second))).To(Succeed())
			size, before, after := fmt.Sprintf("Content-Length: %d", test.length), "", ""
			if test.chunked {
				size, before, after = "Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n", test.length), "\r\n0\r\n\r\n"
			}
			for _, part := range []string{
				"POST /scim/v2/Users HTTP/1.1\r\nHost: scim.example.com\r\n" + test.headers + "\r\n" + size + "\r\n\r\n",
				before, strings.Repeat(" ", test.length), after,
			} {
				_, err = connection.Write([]byte(part))
				g.Expect(err).NotTo(HaveOccurred(), "the connection is open until everything is sent")
			}
			answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(answer.StatusCode).To(Equal(test.status))
			g.Expect(answer.Body.Close()).To(Succeed())
		})
	}
}

func TestEncodedBodies(t *testing.T) {
	h := servertest.New(t, memory.New())
	for _, coding := range []string{"gzip", "GZIP", "br", "identity, gzip"} {
		r := h.Do(http.MethodPost, "/Users", "\x1f\x8b\x08\x00", "Content-Encoding", coding)
		h.ExpectError(r, http.StatusUnsupportedMediaType, "")
		h.Expect(r.Header.Get("Accept-Encoding")).To(Equal("identity"), "what is taken (RFC 9110 section 12.5.3)")
	}
	h.Expect(h.Do(http.MethodPost, "/Users", servertest.Babs, "Content-Encoding", "identity").StatusCode).To(Equal(http.StatusCreated))
}
