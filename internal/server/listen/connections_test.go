package listen_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubescim/kubescim/internal/server/listen"
	"github.com/kubescim/kubescim/internal/server/servertest"
	"github.com/kubescim/kubescim/internal/store/memory"
)

// bounded serves the harness's tenant with so many connections at the most.
func bounded(t *testing.T, h *servertest.Harness, most int) *listen.Connections {
	t.Helper()
	return boundedTo(t, h, most, h.Tenant)
}

// boundedTo serves a handler in place of the harness's tenant.
func boundedTo(t *testing.T, h *servertest.Harness, most int, handler http.Handler) *listen.Connections {
	t.Helper()
	bound := listen.NewConnections(most, prometheus.NewCounter(prometheus.CounterOpts{Name: "shed"}))
	server := listen.NewHTTPServer(handler)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	h.Expect(err).NotTo(HaveOccurred())
	ended := make(chan error, 1)
	guarded := bound.Guard(server, listener)
	go func() { ended <- server.Serve(guarded) }()
	t.Cleanup(func() {
		h.Expect(server.Close()).To(Succeed())
		h.Eventually(ended).Should(Receive(MatchError(http.ErrServerClosed)))
	})
	h.URL = "http://" + listener.Addr().String()
	return bound
}

// dial opens a connection, sends something, and leaves it at that.
func dial(t *testing.T, h *servertest.Harness, text string) net.Conn {
	t.Helper()
	connection, err := net.DialTimeout("tcp", strings.TrimPrefix(h.URL, "http://"), 5*time.Second)
	h.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(func() { _ = connection.Close() })
	_, err = io.WriteString(connection, text)
	h.Expect(err).NotTo(HaveOccurred())
	return connection
}

// request is a complete request with the harness's token.
func request(h *servertest.Harness) string {
	return "GET /scim/v2/Users?count=0 HTTP/1.1\r\nHost: scim.example.com\r\nAuthorization: Bearer " + h.Token + "\r\n\r\n"
}

// again sends a request over a connection that is open.
func again(h *servertest.Harness, connection net.Conn) (status int, err error) {
	if _, err := io.WriteString(connection, request(h)); err != nil {
		return 0, err
	}
	h.Expect(connection.SetReadDeadline(time.Now().Add(5 * time.Second))).To(Succeed())
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	h.Expect(answer.Body.Close()).To(Succeed())
	return answer.StatusCode, err
}

// Whoever has no token keeps nobody out who has one, with however many connections.
func TestConnectionsWithoutToken(t *testing.T) {
	for name, slow := range map[string]string{
		"silent":             "",
		"unfinished headers": "GET /scim/v2/Users HTTP/1.1\r\nHost: scim.example.com\r\nX-Filler: " + strings.Repeat("x", 10_000),
		"unfinished bodies":  "POST /scim/v2/Users HTTP/1.1\r\nHost: scim.example.com\r\nContent-Length: 100000000\r\n\r\n{",
	} {
		t.Run(name, func(t *testing.T) {
			h := servertest.New(t, memory.New())
			const most = 20
			bound := bounded(t, h, most)
			lasting := dial(t, h, "")
			h.Expect(again(h, lasting)).To(Equal(http.StatusOK))
			client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
			for i := range 5 * most {
				dial(t, h, slow)
				if i%10 > 0 {
					continue
				}
				request, err := http.NewRequest(http.MethodGet, h.URL+"/scim/v2/Users?count=0", nil)
				h.Expect(err).NotTo(HaveOccurred())
				request.Header.Set("Authorization", "Bearer "+h.Token)
				answer, err := client.Do(request)
				h.Expect(err).NotTo(HaveOccurred(), "after %d connections", i)
				h.Expect(answer.Body.Close()).To(Succeed())
				h.Expect(answer.StatusCode).To(Equal(http.StatusOK))
				open, _ := listen.Count(bound)
				h.Expect(open).To(BeNumerically("<=", most+most/listen.EndingShare+1))
			}
			h.Expect(again(h, lasting)).To(Equal(http.StatusOK), "who sent a good token is not closed for those who did not")
		})
	}
}

// Among clients with a token, the one that is idle longest makes room.
func TestConnectionsWithToken(t *testing.T) {
	h := servertest.New(t, memory.New())
	const most = 5
	bound := bounded(t, h, most)
	var clients []net.Conn
	for number := range most + 1 {
		client := dial(t, h, "")
		h.Expect(again(h, client)).To(Equal(http.StatusOK))
		clients = append(clients, client)
		// The answer may arrive before the server knows that its connection is idle.
		h.Eventually(bound.Idle, 10*time.Second).Should(Equal(min(number+1, most)))
	}
	_, err := again(h, clients[0])
	h.Expect(err).To(HaveOccurred(), "its connection was closed for the last one")
	for _, client := range clients[1:] {
		h.Expect(again(h, client)).To(Equal(http.StatusOK))
	}
}

// A tenant with many connections makes room by its own ones, also for those that are new and have not yet sent a token.
func TestConnectionsOfTenants(t *testing.T) {
	h := servertest.New(t, memory.New())
	const most = 40
	bound := boundedTo(t, h, most, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		listen.Trust(r.Context(), r.URL.Path)
	}))
	send := func(connection net.Conn, tenant string) (status int, err error) {
		_, err = io.WriteString(connection, "GET /"+tenant+" HTTP/1.1\r\nHost: scim.example.com\r\n\r\n")
		h.Expect(err).NotTo(HaveOccurred())
		h.Expect(connection.SetReadDeadline(time.Now().Add(5 * time.Second))).To(Succeed())
		answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			return 0, err
		}
		return answer.StatusCode, answer.Body.Close()
	}
	calm := dial(t, h, "")
	h.Expect(send(calm, "calm")).To(Equal(http.StatusOK))
	h.Eventually(bound.Idle, 10*time.Second).Should(Equal(1))
	fresh := dial(t, h, "")
	for number := range 3 * most {
		h.Expect(send(dial(t, h, ""), "flooding")).To(Equal(http.StatusOK))
		h.Eventually(bound.Idle, 10*time.Second).Should(BeNumerically(">=", min(number+2, most-1)))
	}
	h.Expect(send(calm, "calm")).To(Equal(http.StatusOK), "the one that was idle longest is not the flooding tenant's")
	h.Expect(send(fresh, "fresh")).To(Equal(http.StatusOK), "one that has not sent a token yet may still")
}

// Connections of clients that are to leave are closed when they have waited for some time.
func TestConnectionsOfClientsThatLeave(t *testing.T) {
	h := servertest.New(t, memory.New())
	bound := bounded(t, h, 5)
	client := dial(t, h, "")
	leaving := func(string) bool { return h.Tenant.Leaving() }
	later := time.Now().Add(time.Hour)
	h.Expect(again(h, client)).To(Equal(http.StatusOK))
	h.Eventually(bound.Idle).Should(Equal(1))
	listen.CloseIdle(bound, later, leaving)
	h.Expect(again(h, client)).To(Equal(http.StatusOK), "it is not to leave")
	h.Eventually(bound.Idle).Should(Equal(1))

	settings := *h.Shared.Settings()
	settings.Draining = true
	h.Tenant.Configure(settings)
	listen.CloseIdle(bound, time.Now().Add(-time.Hour), leaving)
	h.Expect(bound.Idle()).To(Equal(1), "it may be about to send something")
	listen.CloseIdle(bound, later, leaving)
	h.Expect(bound.Idle()).To(BeZero())
	_, err := again(h, client)
	h.Expect(err).To(HaveOccurred())
	h.Eventually(func() int { open, _ := listen.Count(bound); return open }).Should(BeZero())
}

// Of the body of a request without a token little is read, and not for long.
func TestBodyWithoutToken(t *testing.T) {
	for name, length := range map[string]string{"of a known size": "Content-Length: 100000000", "in chunks": "Transfer-Encoding: chunked"} {
		t.Run(name, func(t *testing.T) {
			h := servertest.New(t, memory.New())
			bounded(t, h, 5)
			began := time.Now()
			connection := dial(t, h, "POST /scim/v2/Users HTTP/1.1\r\nHost: scim.example.com\r\n"+length+"\r\n\r\n")
			h.Expect(connection.SetReadDeadline(time.Now().Add(20 * time.Second))).To(Succeed())
			answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
			h.Expect(err).NotTo(HaveOccurred())
			h.Expect(answer.StatusCode).To(Equal(http.StatusUnauthorized))
			h.Expect(answer.Close).To(BeTrue())
			h.Expect(answer.Body.Close()).To(Succeed())
			h.Expect(time.Since(began)).To(BeNumerically("<", 15*time.Second))
		})
	}
}

func TestHeadersAreBounded(t *testing.T) {
	h := servertest.New(t, memory.New())
	bounded(t, h, 5)
	for filler, status := range map[int]int{listen.HeaderBytes - 1000: http.StatusUnauthorized, listen.HeaderBytes + 1000: http.StatusRequestHeaderFieldsTooLarge} {
		connection := dial(t, h, fmt.Sprintf("GET /scim/v2/Users HTTP/1.1\r\nHost: scim.example.com\r\nX-Filler: %s\r\n\r\n", strings.Repeat("x", filler)))
		answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
		h.Expect(err).NotTo(HaveOccurred())
		h.Expect(answer.StatusCode).To(Equal(status))
		h.Expect(answer.Body.Close()).To(Succeed())
	}
}
