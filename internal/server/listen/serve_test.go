package listen_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/server/listen"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// free returns an address of loopback that nobody listens on.
func free(g *WithT) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	g.Expect(err).NotTo(HaveOccurred())
	defer func() { g.Expect(listener.Close()).To(Succeed()) }()
	return listener.Addr().String()
}

func TestServeDrains(t *testing.T) {
	h := servertest.New(t, memory.New())
	options := listen.Options{Tenant: "acme", Address: free(h.WithT), HealthAddress: free(h.WithT), Linger: time.Minute}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- listen.Serve(ctx, options, h.Tenant, prometheus.NewRegistry()) }()
	status := func(client *http.Client, url string) (int, error) {
		response, err := client.Get(url)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, response.Body) // So that the connection can be used again.
		return response.StatusCode, errors.Join(err, response.Body.Close())
	}
	ready := "http://" + options.HealthAddress + contract.PathReady
	fresh := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	h.Eventually(func() (int, error) { return status(fresh, ready) }).Should(Equal(http.StatusOK))
	// One without a token shows that requests are answered.
	users := "http://" + options.Address + "/scim/v2/Users"
	lasting := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{}}
	h.Expect(status(lasting, users)).To(Equal(http.StatusUnauthorized))

	end()
	h.Eventually(func() (int, error) { return status(fresh, ready) }).Should(Equal(http.StatusServiceUnavailable))
	h.Expect(status(lasting, users)).To(Equal(http.StatusUnauthorized), "a connection that is open")
	h.Consistently(func() (int, error) { return status(fresh, users) }).WithTimeout(3*listen.Quiet).WithPolling(listen.Quiet/4).
		Should(Equal(http.StatusUnauthorized), "new connections, of which the last is not long ago")
	h.Eventually(ended).WithTimeout(20 * time.Second).Should(Receive(BeNil()))
	_, err := status(fresh, users)
	h.Expect(err).To(MatchError(ContainSubstring("refused")))
}

// What the HTTP server could answer by itself needs a token, too.
func TestServerOptionsNeedAToken(t *testing.T) {
	h := servertest.New(t, memory.New())
	bounded(t, h, 1)
	connection := dial(t, h, "OPTIONS * HTTP/1.1\r\nHost: scim.example.com\r\n\r\n")
	h.Expect(connection.SetReadDeadline(time.Now().Add(5 * time.Second))).To(Succeed())
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	h.Expect(err).NotTo(HaveOccurred())
	h.Expect(answer.Body.Close()).To(Succeed())
	h.Expect(answer.StatusCode).To(Equal(http.StatusUnauthorized))
}

// What is no HTTP request that could be understood is answered by the HTTP server: see
// "Errors" in docs/protocol.md.
func TestMalformedRequests(t *testing.T) {
	h := servertest.New(t, memory.New())
	bounded(t, h, 10)
	for request, status := range map[string]int{
		"GET /scim/v2/Users HTTP/1.1\r\nHost: scim.example.com\r\nExpect: foo\r\n\r\n":                                 http.StatusExpectationFailed,
		"GET /scim/v2/Users HTTP/1.1\r\n\r\n":                                                                          http.StatusBadRequest,
		"GET /scim/v2/%zz HTTP/1.1\r\nHost: scim.example.com\r\n\r\n":                                                  http.StatusBadRequest,
		"POST /scim/v2/Users HTTP/1.1\r\nHost: scim.example.com\r\nTransfer-Encoding: gzip, chunked\r\n\r\n":           http.StatusNotImplemented,
		"GET /scim/v2/Users HTTP/1.1\r\nHost: scim.example.com\r\nX-Long: " + strings.Repeat("x", 20<<10) + "\r\n\r\n": http.StatusRequestHeaderFieldsTooLarge,
	} {
		connection := dial(t, h, request)
		h.Expect(connection.SetReadDeadline(time.Now().Add(5 * time.Second))).To(Succeed())
		answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
		h.Expect(err).NotTo(HaveOccurred())
		h.Expect(answer.Body.Close()).To(Succeed())
		h.Expect(answer.StatusCode).To(Equal(status), request)
		h.Expect(answer.Close).To(BeTrue())
	}
}

func TestServeTellsTheUsage(t *testing.T) {
	h := servertest.New(t, memory.New())
	options := listen.Options{
		Tenant: "acme", Address: free(h.WithT), HealthAddress: free(h.WithT), Usage: func() []byte { return []byte(`{"tenants":{}}`) },
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- listen.Serve(ctx, options, h.Tenant, prometheus.NewRegistry()) }()
	h.Eventually(func(g Gomega) {
		response, err := http.Get("http://" + options.HealthAddress + contract.PathUsage)
		g.Expect(err).NotTo(HaveOccurred())
		text, err := io.ReadAll(response.Body)
		g.Expect(errors.Join(err, response.Body.Close())).To(Succeed())
		g.Expect(string(text)).To(Equal(`{"tenants":{}}`))
		g.Expect(response.Header.Get("Content-Type")).To(Equal("application/json"))
	}).Should(Succeed())
	end()
	h.Eventually(ended).WithTimeout(20 * time.Second).Should(Receive(BeNil()))
}
