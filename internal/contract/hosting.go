package contract

import (
	"slices"
	"strings"

	coordinationv1 "k8s.io/api/coordination/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// The operator writes into a ScimTenant's status which servers host it, and how; the first of
// them gets its traffic. A server that is not there answers no request to the tenant: it is off.
// While one of them reads in memory, no other one answers, so that the replicas of one server
// need not know those of another (internal/readindex); while there are several, all of them
// read at the API server.
//
// A tenant is moved from server to server by a sequence of such lists, each of which the operator
// writes once every pod that the one before concerns has stated that it has done what follows
// from that: AnnotationTenantsRevision.

// AnnotationTenantsRevision is, on the Lease of a server pod, the resourceVersion up to which the
// pod goes by the ScimTenants of its namespace; one of a server that only one tenant has, by that
// one. It answers requests to the tenants that its server hosts by then, in the way in which it
// does, and what it began in another way has ended. It updates it at once when that has changed
// anything, or of a tenant that is being moved, and else with the next renewal of its Lease.
//
// It is absent until the pod has listed them for the first time since it has held the Lease
// without a break, and until then the pod answers no request. That of a pod of the release before,
// which knows nothing of all this, is without it, too.
const AnnotationTenantsRevision = "scim.kubescim.dev/tenants-revision"

// Hosting returns how a server, by the name of its Service, hosts a tenant, and whether it does:
// if not, it is off. The operator says so in the tenant's status, which no author of a tenant can
// write: neither which server nor which host follows from the spec alone, which may ask for what
// is another's. While the status names no server, the tenant's own hosts it, in memory.
func Hosting(t *scimv1alpha1.ScimTenant, server string) (how scimv1alpha1.TenantServer, hosted bool) {
	if len(t.Status.Servers) == 0 && server == ServiceName(t.Name) {
		return scimv1alpha1.TenantServer{Name: server, Mode: scimv1alpha1.HostingModeMemory}, true
	}
	at := slices.IndexFunc(t.Status.Servers, func(s scimv1alpha1.TenantServer) bool { return s.Name == server })
	if at < 0 {
		return scimv1alpha1.TenantServer{}, false
	}
	return t.Status.Servers[at], true
}

// Moving reports whether a tenant is being moved, so that somebody waits for what pods state of it.
func Moving(t *scimv1alpha1.ScimTenant) bool {
	return slices.ContainsFunc(t.Status.Servers, func(s scimv1alpha1.TenantServer) bool { return s.Mode == scimv1alpha1.HostingModeLive })
}

// SharedServersOf returns the names of the ScimServers that host a tenant, or that it is to have.
func SharedServersOf(t *scimv1alpha1.ScimTenant) (names []string) {
	if name := t.Spec.ServerRef.Name; name != "" {
		names = append(names, name)
	}
	for _, s := range t.Status.Servers {
		if name, shared := SharedServerOf(s.Name); shared && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Draining reports whether a server that hosts a tenant gets no new requests any more, and is to
// see to it that clients leave.
func Draining(t *scimv1alpha1.ScimTenant, server string) bool {
	_, hosted := Hosting(t, server)
	return hosted && len(t.Status.Servers) > 0 && t.Status.Servers[0].Name != server
}

// StatesTenants reports whether the pod that has the Lease states up to where it goes by the
// ScimTenants. While it does not, it is of the release before, or has just begun.
func StatesTenants(lease coordinationv1.Lease) bool {
	return lease.Annotations[AnnotationTenantsRevision] != ""
}

// HasReached reports whether the pod that has the Lease goes by the ScimTenants of a
// resourceVersion, or by newer ones.
func HasReached(lease coordinationv1.Lease, revision string) bool {
	return reached(lease.Annotations[AnnotationTenantsRevision], revision)
}

// IsServiceHost reports whether clients inside the cluster find tenants at a host in a namespace,
// since it is that of the Service of a tenant or of a ScimServer, whether there is one or not. No
// tenant may have it for its own: at that of a ScimServer, the server would answer for that tenant
// whoever is called.
func IsServiceHost(host, namespace string) bool {
	service := serviceAt(host, namespace)
	tenant, ofTenant := strings.CutSuffix(service, ServiceName(""))
	_, ofServer := SharedServerOf(service)
	return ofTenant && tenant != "" || ofServer
}

// serviceAt returns the name of the Service in a namespace that has the host, as a client inside the
// cluster may write it: acme-scim, acme-scim.team, acme-scim.team.svc, or that with the domain of
// the cluster behind it. It is empty if the host is not that of a Service.
func serviceAt(host, namespace string) string {
	service, domain, _ := strings.Cut(strings.ToLower(host), ".")
	of, rest, _ := strings.Cut(domain, ".")
	kind, _, _ := strings.Cut(rest, ".")
	if domain == "" || of == namespace && (rest == "" || kind == "svc") {
		return service
	}
	return ""
}
