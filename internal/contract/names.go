package contract

import scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"

// ServiceName returns the name of the Service in front of a tenant's SCIM server.
func ServiceName(tenant string) string { return tenant + "-scim" }

// URL returns the base URL under which a tenant's SCIM API is to be found.
func URL(t *scimv1alpha1.ScimTenant) string {
	if host := t.Spec.Endpoint.Host; host != "" {
		return "https://" + host + t.Path()
	}
	return "http://" + ServiceName(t.Name) + "." + t.Namespace + ".svc" + t.Path()
}
