package scimtenant

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/controller/publishing"
	"github.com/kubescim/kubescim/internal/controller/running"
	"github.com/kubescim/kubescim/internal/moving"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
)

// scope is everything that one reconciliation of one tenant reads and finds.
type scope struct {
	// tenant is the tenant as the cache has it; its status is set last.
	tenant *scimv1alpha1.ScimTenant
	// pass writes the tenant.
	pass *reconcile.Pass[*scimv1alpha1.ScimTenant]
	// own is the tenant's own server, whether it has one or not.
	own *ownServer
	// servers are those that serve the tenant, the one with the traffic first, and target is the
	// one that the spec asks for, which is among them. Set by gatherServers.
	servers []server
	target  server
	// listed is how they serve it, by its status, and next how they are to. Set by gatherServers,
	// and by move.
	listed, next []moving.Server
	// obstacle is what keeps the tenant from its target; nil when nothing does. moveAfter is how soon
	// to look again how far a move has come. Set by move.
	obstacle  *metav1.Condition
	moveAfter time.Duration
	// callers is who calls the server that the tenant has left all the same; empty while that is not said.
	// Set by move.
	callers string
	// endpoint is the tenant's own host.
	endpoint *publishing.Endpoint

	// gathered is true once what gather finds can be trusted.
	gathered bool
	// news is how the tenant is used, when that is to be written now, and usageAfter is how soon to
	// look again when it is to be written later; silentAfter is how soon its identity provider is
	// silent if nothing comes. Set by gatherUsage.
	news                    *news
	usageAfter, silentAfter time.Duration

	// verifiers is the Secret by which pods of the release before know tokens; nil when
	// there is none. Set by gather.
	verifiers *corev1.Secret
	// migrationAfter is how soon to look again whether what only such pods need may go.
	// Set by endMigration.
	migrationAfter time.Duration

	// deletion says how far the deletion has come. Set by reconcileDeletion.
	deletion string

	// failure is the error that this reconciliation ends with. Set last.
	failure error
}

func (r *Reconciler) newScope(tenant *scimv1alpha1.ScimTenant) *scope {
	s := &scope{pass: reconcile.Begin(r.frame(), tenant), tenant: tenant}
	s.own = &ownServer{reconciler: r, scope: s, Server: &running.Server{
		Server: operand.DedicatedServer(tenant), Edited: tenant.Generation != tenant.Status.ObservedGeneration,
		ServedTLS: meta.IsStatusConditionTrue(tenant.Status.Conditions, scimv1alpha1.ConditionTLSServed),
	}}
	s.endpoint = &publishing.Endpoint{
		Owner: operand.TenantOwner(tenant), Spec: tenant.Spec.Endpoint,
		IngressIntent: func(to operand.Backend) apply.Intent { return operand.Ingress(tenant, s.endpoint.Spec, to) },
		RouteIntent:   func(to operand.Backend) apply.Intent { return operand.HTTPRoute(tenant, s.endpoint.Spec, to) },
		Lead:          s.lead,
	}
	return s
}

// lead says where the Ingress or the HTTPRoute is to lead to, which is the server with the traffic, and why it
// waits; empty when it does not.
func (s *scope) lead() (to operand.Backend, held string) {
	asked, served := s.first().servesTLS()
	return running.Lead(s.endpoint.Publications(), s.first().operand().Name, asked, served)
}

// requeueAfter is when to look again for what no watch tells about; 0 when there
// is no such thing.
func (s *scope) requeueAfter() time.Duration {
	waits := []time.Duration{s.usageAfter, s.silentAfter, s.migrationAfter, s.moveAfter, s.endpoint.Again(), s.own.again()}
	return reconcile.Soonest(waits...)
}

// refused is all that the tenant asks for and may not have.
func (s *scope) refused() []string {
	if s.target != server(s.own) {
		return s.endpoint.Refused
	}
	return slices.Concat(s.endpoint.Refused, s.own.Refused)
}
