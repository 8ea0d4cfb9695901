package contract

import (
	"strings"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// ServiceName returns the name of the Service in front of a tenant's SCIM server.
func ServiceName(tenant string) string { return tenant + "-scim" }

// SharedServiceName returns the name of the Service in front of a ScimServer, which is that
// of its Deployment, and stands in the status.servers of the tenants that it hosts.
func SharedServiceName(server string) string { return server + "-scim-server" }

// SharedServerOf returns the name of the ScimServer whose Service has the name; false if it is not
// that of one.
func SharedServerOf(service string) (server string, is bool) {
	return strings.CutSuffix(service, SharedServiceName(""))
}

// SharedURL returns what the base URLs of a ScimServer's tenants begin with inside the cluster.
func SharedURL(namespace, server string) string {
	return "http://" + SharedServiceName(server) + "." + namespace + ".svc"
}

// OwnURL returns what the base URL of a tenant begins with at its own Service inside the cluster.
func OwnURL(namespace, tenant string) string {
	return "http://" + ServiceName(tenant) + "." + namespace + ".svc"
}

// SharedPath returns the base path of a tenant at the host of its ScimServer.
func SharedPath(tenant string) string { return "/" + tenant + scimv1alpha1.DefaultPath }

// URL returns the base URL under which the SCIM API of a tenant with a server of its own is
// to be found. That of a tenant of a shared server is its status.url.
func URL(t *scimv1alpha1.ScimTenant) string {
	if host := t.Host(); host != "" {
		return "https://" + host + t.Path()
	}
	return OwnURL(t.Namespace, t.Name) + t.Path()
}
