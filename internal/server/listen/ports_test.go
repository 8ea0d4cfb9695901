package listen_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kubescim/kubescim/internal/server/listen"
)

// namer answers with the tenant whose port a request came in by, in brackets.
type namer struct{ draining atomic.Bool }

func (t *namer) Ready() bool { return !t.draining.Load() }
func (t *namer) Drain()      { t.draining.Store(true) }

func (t *namer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if t.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	port := listen.PortOf(r.Context())
	if r.URL.Path == "/trusted" {
		listen.Trust(r.Context(), port)
	}
	_, _ = fmt.Fprintf(w, "[%s]", port)
}

// ports are served beside a port of all.
type ports struct {
	*WithT
	*listen.Ports
	address string
	leaving atomic.Pointer[string] // the tenant whose clients are to leave
	ended   chan error
	end     func()
}

func newPorts(t *testing.T) *ports {
	t.Helper()
	g := NewWithT(t)
	g.SetDefaultEventuallyTimeout(20 * time.Second)
	return &ports{WithT: g, Ports: listen.NewPorts("127.0.0.1:0", slog.New(slog.DiscardHandler)), address: free(g), ended: make(chan error, 1)}
}

func (p *ports) serve(t *testing.T) {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	p.end = end
	options := listen.Options{
		Address: p.address, HealthAddress: free(p.WithT), Linger: time.Minute, Ports: p.Ports,
		Leaving: func(tenant string) bool { leaving := p.leaving.Load(); return leaving != nil && *leaving == tenant },
	}
	go func() { p.ended <- listen.Serve(ctx, options, &namer{}, prometheus.NewRegistry()) }()
	t.Cleanup(func() {
		end()
		p.Eventually(p.ended).Should(Receive(BeNil()))
	})
}

// get sends a request to an address over a connection that it may keep.
func get(client *http.Client, address, path string) (string, error) {
	response, err := client.Get("http://" + address + path)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

func newClient() *http.Client {
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{}}
}

// fresh sends a request over a connection of its own.
func fresh(address string) func() (string, error) {
	return func() (string, error) {
		client := newClient()
		defer client.CloseIdleConnections()
		return get(client, address, "/")
	}
}

func number(g *WithT, address string) int32 {
	_, port, err := net.SplitHostPort(address)
	g.Expect(err).NotTo(HaveOccurred())
	parsed, err := strconv.ParseInt(port, 10, 32)
	g.Expect(err).NotTo(HaveOccurred())
	return int32(parsed)
}

func TestPortsAreForOneTenantEach(t *testing.T) {
	p := newPorts(t)
	early, late := free(p.WithT), free(p.WithT)
	p.Open("acme", number(p.WithT, early))
	p.Expect(p.Problem("acme")).To(BeEmpty())
	waiting, err := net.DialTimeout("tcp", early, 5*time.Second)
	p.Expect(err).NotTo(HaveOccurred(), "it can be connected to before the process serves")
	defer func() { _ = waiting.Close() }()
	p.serve(t)
	p.Eventually(fresh(p.address)).Should(Equal("[]"))
	p.Eventually(fresh(early)).Should(Equal("[acme]"))
	p.Open("globex", number(p.WithT, late))
	p.Expect(fresh(late)()).To(Equal("[globex]"))

	p.Open("acme", number(p.WithT, early))
	p.Expect(fresh(early)()).To(Equal("[acme]"), "it is open already")
	p.Close("acme")
	_, err = fresh(early)()
	p.Expect(err).To(MatchError(ContainSubstring("refused")))
	p.Open("acme", number(p.WithT, early))
	p.Expect(fresh(early)()).To(Equal("[acme]"))
	p.Expect(fresh(late)()).To(Equal("[globex]"))
	p.Expect(fresh(p.address)()).To(Equal("[]"))
}

func TestAPortInUseIsSaidAndTriedAgain(t *testing.T) {
	p := newPorts(t)
	p.serve(t)
	foreign, err := net.Listen("tcp", "127.0.0.1:0")
	p.Expect(err).NotTo(HaveOccurred())
	address := foreign.Addr().String()
	p.Open("acme", number(p.WithT, address))
	p.Expect(p.Problem("acme")).To(And(ContainSubstring("address already in use"), ContainSubstring(strconv.Itoa(int(number(p.WithT, address))))))
	p.Open("globex", number(p.WithT, address))
	p.Expect(p.Problem("globex")).NotTo(BeEmpty())
	p.Close("globex")
	p.Expect(p.Problem("globex")).To(BeEmpty())
	p.Eventually(fresh(p.address)).Should(Equal("[]"), "the others are served")
	p.Expect(foreign.Close()).To(Succeed())
	p.Eventually(func() string { return p.Problem("acme") }).Should(BeEmpty())
	p.Expect(fresh(address)()).To(Equal("[acme]"))
}

// Clients of a tenant that leaves are sent away from its port, also those without a good token so far, and
// nobody else is.
func TestConnectionsAtThePortOfATenantThatLeaves(t *testing.T) {
	p := newPorts(t)
	acme, globex := free(p.WithT), free(p.WithT)
	p.Open("acme", number(p.WithT, acme))
	p.Open("globex", number(p.WithT, globex))
	p.serve(t)
	connect := func(address, path string) net.Conn {
		connection, err := net.DialTimeout("tcp", address, 5*time.Second)
		p.Expect(err).NotTo(HaveOccurred())
		t.Cleanup(func() { _ = connection.Close() })
		_, err = io.WriteString(connection, "GET "+path+" HTTP/1.1\r\nHost: scim.example.com\r\n\r\n")
		p.Expect(err).NotTo(HaveOccurred())
		answer := make([]byte, 1000)
		read, err := connection.Read(answer)
		p.Expect(err).NotTo(HaveOccurred())
		p.Expect(string(answer[:read])).To(HavePrefix("HTTP/1.1 200"))
		return connection
	}
	p.Eventually(fresh(p.address)).Should(Equal("[]"))
	leaving := []net.Conn{connect(acme, "/trusted"), connect(acme, "/")}
	staying := []net.Conn{connect(globex, "/trusted"), connect(globex, "/"), connect(p.address, "/")}
	name := "acme"
	p.leaving.Store(&name)
	for _, connection := range leaving {
		p.Expect(connection.SetReadDeadline(time.Now().Add(20 * time.Second))).To(Succeed())
		_, err := connection.Read(make([]byte, 1))
		p.Expect(err).To(MatchError(io.EOF))
	}
	for _, connection := range staying {
		p.Expect(connection.SetReadDeadline(time.Now().Add(10 * time.Millisecond))).To(Succeed())
		_, err := connection.Read(make([]byte, 1))
		p.Expect(err).To(MatchError(ContainSubstring("timeout")))
	}
}

func TestPortsDrainWithTheProcess(t *testing.T) {
	p := newPorts(t)
	acme := free(p.WithT)
	p.Open("acme", number(p.WithT, acme))
	p.serve(t)
	lasting := newClient()
	p.Eventually(func() (string, error) { return get(lasting, acme, "/") }).Should(Equal("[acme]"))
	p.end()
	p.Expect(get(lasting, acme, "/")).To(Equal("[acme]"), "a connection that is open")
	p.Expect(fresh(acme)()).To(Equal("[acme]"), "a new one")
	lasting.CloseIdleConnections()
	p.Eventually(p.ended).Should(Receive(BeNil()))
	p.ended <- nil
	_, err := fresh(acme)()
	p.Expect(err).To(HaveOccurred())
	p.Expect(strings.Contains(err.Error(), "refused")).To(BeTrue(), err.Error())
}
