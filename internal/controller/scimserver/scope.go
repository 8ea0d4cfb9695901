package scimserver

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/controller/publishing"
	"github.com/kubescim/kubescim/internal/controller/running"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// scope is everything that one reconciliation of one server reads and finds.
type scope struct {
	// server is the ScimServer as the cache has it; its status is set last.
	server *scimv1alpha1.ScimServer
	// pass writes the server.
	pass *reconcile.Pass[*scimv1alpha1.ScimServer]
	// running is what runs for it, and endpoint its host.
	running  *running.Server
	endpoint *publishing.Endpoint

	// gathered is true once what gather finds can be trusted.
	gathered bool
	// tenants is how many it hosts, and staying are the names of those that are not being deleted. Set by
	// gatherTenants.
	tenants int32
	staying []string
	// deletion says how far the deletion has come, and held is true while tenants keep the server from
	// it. Set by reconcileDeletion.
	deletion string
	held     bool
	// failure is the error that this reconciliation ends with. Set last.
	failure error
}

func newScope(frame reconcile.Frame, server *scimv1alpha1.ScimServer) *scope {
	s := &scope{
		pass: reconcile.Begin(frame, server), server: server,
		running: &running.Server{
			Server: operand.SharedServer(server), Edited: server.Generation != server.Status.ObservedGeneration,
			ServedTLS: meta.IsStatusConditionTrue(server.Status.Conditions, scimv1alpha1.ConditionTLSServed),
		},
	}
	s.endpoint = &publishing.Endpoint{
		Owner: operand.ServerOwner(server), Spec: server.Endpoint(),
		IngressIntent: func(to operand.Backend) apply.Intent { return operand.SharedIngress(server, to) },
		RouteIntent:   func(to operand.Backend) apply.Intent { return operand.SharedHTTPRoute(server, to) },
		Lead:          s.lead,
	}
	return s
}

// lead says where the Ingress or the HTTPRoute is to lead to, and why it waits; empty when it does not.
func (s *scope) lead() (to operand.Backend, held string) {
	return running.Lead(s.endpoint.Publications(), s.running.Name, s.running.TLSAsked(), s.running.TLSServedByAll())
}

// requeueAfter is when to look again for what no watch tells about; 0 when there
// is no such thing.
func (s *scope) requeueAfter() time.Duration {
	return reconcile.Soonest(s.running.Again(), s.endpoint.Again())
}
