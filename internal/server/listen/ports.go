package listen

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
)

// Ports are ports of the SCIM API that are for one tenant each: all requests that come in there are
// for that one (PortOf). They come and go while the process serves. In all else they are like the
// port of all: the same server answers, and the connections are bounded together. Make it with
// NewPorts.
//
// A port that cannot be opened is tried again. What else the process serves does not suffer from it.
type Ports struct {
	host string
	log  *slog.Logger

	mu       sync.Mutex
	byTenant map[string]*port
	// server answers, within the bound of connections; nil until Serve is called.
	server      *http.Server
	connections *connections
}

// port is one of them.
type port struct {
	tenant string
	number int32
	// listener is nil while it is not open. problem says why, when it could not be opened.
	listener net.Listener
	problem  string
}

// NewPorts returns ports at the host of an address, as in net.Listen, of which there is none yet.
func NewPorts(address string, log *slog.Logger) *Ports {
	host, _, _ := net.SplitHostPort(address) // What is wrong with it, Serve says.
	return &Ports{host: host, log: log, byTenant: map[string]*port{}}
}

// Open opens the port of a tenant, unless it is open. Clients can connect when it returns, if there is
// no Problem, and are answered once the process serves.
func (p *Ports) Open(tenant string, number int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if former := p.byTenant[tenant]; former != nil && former.number == number {
		return
	}
	p.close(tenant)
	opened := &port{tenant: tenant, number: number}
	p.byTenant[tenant] = opened
	p.listen(opened)
}

// Close closes the port of a tenant, if there is one. Connections that are open stay so until the
// clients leave.
func (p *Ports) Close(tenant string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.close(tenant)
}

// Problem returns why the port of a tenant is not open; empty when it is, or the tenant has none.
func (p *Ports) Problem(tenant string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if found := p.byTenant[tenant]; found != nil {
		return found.problem
	}
	return ""
}

// serve answers requests at all ports from now on.
func (p *Ports) serve(server *http.Server, connections *connections) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server, p.connections = server, connections
	for _, one := range p.byTenant {
		p.answer(one)
	}
}

// retry opens those that could not be opened before.
func (p *Ports) retry() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.byTenant {
		if one.listener == nil {
			p.listen(one)
		}
	}
}

// close closes the port of a tenant. The mutex is held.
func (p *Ports) close(tenant string) {
	former := p.byTenant[tenant]
	if former == nil {
		return
	}
	delete(p.byTenant, tenant)
	if former.listener != nil {
		_ = former.listener.Close() // Nobody can connect any more, whatever Close says.
	}
}

// listen opens a port. The mutex is held.
func (p *Ports) listen(one *port) {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", net.JoinHostPort(p.host, strconv.Itoa(int(one.number))))
	if err != nil {
		p.fail(one, err)
		return
	}
	p.log.Info("listening at the port of a tenant", slog.String("tenant", one.tenant), slog.Int("port", int(one.number)))
	one.listener, one.problem = listener, ""
	p.answer(one)
}

// answer answers requests at a port, if it is open and the process serves. The mutex is held.
func (p *Ports) answer(one *port) {
	if p.server == nil || one.listener == nil {
		return
	}
	bounded := p.connections.listen(one.listener, one.tenant)
	one.listener = bounded
	go func() {
		err := p.server.Serve(bounded)
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.byTenant[one.tenant] == one && !errors.Is(err, http.ErrServerClosed) {
			one.listener = nil
			p.fail(one, err)
		}
	}()
}

// fail takes note of why a port is not open, and says so when that is news. The mutex is held.
func (p *Ports) fail(one *port, err error) {
	problem := fmt.Sprintf("listening at port %d, which is this tenant's: %v; nothing else in the pod may listen there", one.number, err)
	if one.problem == problem {
		return
	}
	one.problem = problem
	p.log.Error("the port of a tenant is not open; it is tried again", slog.String("tenant", one.tenant), slog.String("error", problem))
}
