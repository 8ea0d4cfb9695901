package hosting

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/signingkey"
)

// ServeRequests answers contract.PathRequests: the last requests of a tenant, to the operator alone.
func (p *Process) ServeRequests(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get(contract.ParameterTenant)
	pass, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !p.signingKeys().Admits(pass, contract.PassAudience(p.Namespace, p.Pod, name), time.Now()) {
		http.Error(w, "the last requests of a tenant are for the operator alone; read them with 'kubectl scim log'", http.StatusUnauthorized)
		return
	}
	var log contract.RequestLog
	if one := p.tenant(name); one != nil {
		log.Requests = one.requests.Records()
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(log) // An error here means that who has asked is gone.
}

// tenant is the one of a name; nil when it is not served here.
func (p *Process) tenant(name string) *tenant {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tenants[name]
}

// signingKeys are those of the server.
func (p *Process) signingKeys() signingkey.Set {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.signing
}

// refusals are how many requests with a known key were refused of each tenant that has had any, by
// the reason.
func (p *Process) refusals() map[string]map[string]int64 {
	refused := map[string]map[string]int64{}
	for _, one := range p.all() {
		if counted := one.requests.Refusals(); len(counted) > 0 {
			refused[one.name] = counted
		}
	}
	return refused
}
