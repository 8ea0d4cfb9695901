package scimtenant

import (
	"context"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/usage"
	"github.com/kubescim/kubescim/internal/moving"
	"github.com/kubescim/kubescim/internal/operand"
)

// server is one that serves the tenant, or is to: its own, or a ScimServer.
type server interface {
	// operand is what its objects are made from; of a ScimServer, as far as a tenant knows.
	operand() operand.Server
	// gather reads what decides about it.
	gather(ctx context.Context) error
	// gatherUsage reads how its pods serve the tenant, and returns what they have counted as far as
	// that is not in their answers.
	gatherUsage(ctx context.Context, answers []contract.ServerUsage) (counted contract.Usage, known bool, err error)
	// runs reports whether all of its pods run, whomever they serve.
	runs() metav1.Condition
	// available reports whether it answers for the tenant.
	available() metav1.Condition
	// servesTLS reports whether its pods are to serve TLS, and whether all of them do.
	servesTLS() (asked, served bool)
	// details are the conditions that only a tenant with such a server has.
	details() []metav1.Condition
	// problem is why its objects are not written, when that is nothing that a retry mends.
	problem() error
	// stuck reports whether it gets no further until somebody acts.
	stuck() bool
	// stop has it serve the tenant no more, and ended looks whether it can write no more. Both
	// return what is to be waited for; nothing when that is done.
	stop(ctx context.Context) (waiting string, err error)
	ended(ctx context.Context) (waiting string, err error)
	// again is how soon to look again for what no watch tells about; 0 when there is no such thing.
	again() time.Duration
}

// gatherServers finds the servers that serve the tenant, and the one that it is to have.
func (r *Reconciler) gatherServers(ctx context.Context, s *scope) error {
	if err := r.gatherOwn(ctx, s); err != nil {
		return err
	}
	s.listed = s.listedServers()
	s.next = s.listed
	for _, listed := range s.listed {
		s.servers = append(s.servers, r.serverOf(s, listed.Name))
	}
	if s.target = s.find(s.targetName()); s.target == nil {
		s.target = r.serverOf(s, s.targetName())
		s.servers = append(s.servers, s.target)
	}
	for _, one := range s.servers {
		if err := one.gather(ctx); err != nil {
			return err
		}
	}
	s.own.Traffic = s.traffic()
	return nil
}

// gatherFormer adds to the servers of a tenant that is being deleted those that may still have it:
// its own, if something is left of one, and all ScimServers while it is being moved.
func (r *Reconciler) gatherFormer(ctx context.Context, s *scope) error {
	if s.own.exists && s.find(s.own.Name) == nil {
		s.servers = append(s.servers, s.own)
	}
	if s.settled() {
		return nil
	}
	all := &scimv1alpha1.ScimServerList{}
	if err := r.Client.List(ctx, all, client.InNamespace(s.tenant.Namespace)); err != nil {
		return fmt.Errorf("listing the ScimServers: %w", err)
	}
	for i := range all.Items {
		if name := contract.SharedServiceName(all.Items[i].Name); s.find(name) == nil {
			s.servers = append(s.servers, r.serverOf(s, name))
		}
	}
	return nil
}

// listedServers are those that serve the tenant, by its status. While that names none, it is the
// tenant's own, if there is one, or will be.
func (s *scope) listedServers() []moving.Server {
	listed := make([]moving.Server, 0, len(s.tenant.Status.Servers))
	for _, one := range s.tenant.Status.Servers {
		listed = append(listed, moving.Server{Name: one.Name, Mode: one.Mode, Port: one.Port})
	}
	own := contract.ServiceName(s.tenant.Name)
	if len(listed) == 0 && (s.own.exists || s.targetName() == own) {
		listed = append(listed, moving.Server{Name: own, Mode: scimv1alpha1.HostingModeMemory})
	}
	return listed
}

// targetName is the name of the server that the spec asks for.
func (s *scope) targetName() string {
	if name := s.tenant.Spec.ServerRef.Name; name != "" {
		return contract.SharedServiceName(name)
	}
	return contract.ServiceName(s.tenant.Name)
}

func (r *Reconciler) serverOf(s *scope, name string) server {
	if shared, is := contract.SharedServerOf(name); is {
		return &sharedServer{reconciler: r, scope: s, name: shared}
	}
	return s.own
}

// find returns one of the servers by its name; nil when it is none of them.
func (s *scope) find(name string) server {
	at := slices.IndexFunc(s.servers, func(one server) bool { return one.operand().Name == name })
	if at < 0 {
		return nil
	}
	return s.servers[at]
}

// first is the server that has the traffic, or gets it once it serves the tenant.
func (s *scope) first() server { return s.servers[0] }

// onShared is the ScimServer that has the traffic; nil when it is the tenant's own server.
func (s *scope) onShared() *sharedServer {
	shared, _ := s.first().(*sharedServer)
	return shared
}

// isListed reports whether a server serves the tenant, by its status.
func (s *scope) isListed(one server) bool {
	return slices.ContainsFunc(s.listed, func(l moving.Server) bool { return l.Name == one.operand().Name })
}

// hasTraffic reports whether a server gets the tenant's requests, by its status.
func (s *scope) hasTraffic(one server) bool {
	return len(s.listed) > 0 && s.listed[0].Name == one.operand().Name
}

// usageOf names a server to those who ask its pods.
func (s *scope) usageOf(one server) usage.Server { return usage.ServerOf(s.tenant, one.operand().Name) }

// statedServer is the server that has the tenant's requests, as kubectl names what it is; "" while none
// has.
func (s *scope) statedServer() string {
	if len(s.next) == 0 {
		return ""
	}
	if shared, is := contract.SharedServerOf(s.next[0].Name); is {
		return "scimserver/" + shared
	}
	return "deployment/" + s.next[0].Name
}

// statedServers is what the tenant's status says of who serves it. Of a tenant that was always
// served by its own server, it says nothing. The host is what is published, since another one may
// hold what the spec asks for.
func (s *scope) statedServers() []scimv1alpha1.TenantServer {
	if len(s.tenant.Status.Servers) == 0 && slices.Equal(s.next, s.listed) && len(s.listed) > 0 {
		return nil
	}
	var stated []scimv1alpha1.TenantServer
	for _, next := range s.next {
		one := scimv1alpha1.TenantServer{Name: next.Name, Mode: next.Mode, Port: next.Port}
		if hosts := s.endpoint.PublishedHosts(); len(hosts) > 0 {
			one.Host = hosts[0]
		}
		stated = append(stated, one)
	}
	return stated
}
