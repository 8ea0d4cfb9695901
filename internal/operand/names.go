// Package operand says what a SCIM server and a ScimTenant amount to in Kubernetes: pure
// functions from them to the objects that run the one and publish the other, and their
// labels. Nothing here talks to an API server. What the server itself has to know
// of them is in internal/contract.
package operand

import (
	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

// Labels and values on the objects that the operator makes.
const (
	LabelName      = "app.kubernetes.io/name"
	LabelInstance  = "app.kubernetes.io/instance"
	LabelComponent = "app.kubernetes.io/component"
	LabelManagedBy = "app.kubernetes.io/managed-by"
	LabelPartOf    = "app.kubernetes.io/part-of"

	// ManagedBy is the value of LabelManagedBy on everything the operator makes.
	ManagedBy = "kubescim"
	// ServerName is the value of LabelName on the objects of a tenant's dedicated server.
	ServerName = "kubescim-server"
	// SharedServerName is the value of LabelName on the objects of a ScimServer.
	SharedServerName = "kubescim-shared-server"
	// ComponentServer is the value of LabelComponent on them.
	ComponentServer = "scim-server"
	// ComponentAPIKey is the value of LabelComponent on Secrets of API keys.
	ComponentAPIKey = "api-key"
	// ComponentRoleBinding is the value of LabelComponent on the role bindings of groups.
	ComponentRoleBinding = "role-binding"
)

// Name returns the name of a tenant's Ingress, and of the objects of its dedicated server.
func Name(tenant string) string { return contract.ServiceName(tenant) }

// Labels returns the labels of a tenant's Ingress, and of every object of its dedicated
// server.
func Labels(tenant string) map[string]string {
	return labelsOf(SelectorLabels(tenant), scimv1alpha1.LabelTenant, tenant)
}

// SelectorLabels returns the labels that choose the pods of a tenant's dedicated server. A
// Deployment's selector cannot be changed: neither can these.
func SelectorLabels(tenant string) map[string]string {
	return map[string]string{LabelName: ServerName, LabelInstance: tenant}
}

// SharedSelectorLabels returns the labels that choose the pods of a ScimServer. Neither can
// these be changed.
func SharedSelectorLabels(server string) map[string]string {
	return map[string]string{LabelName: SharedServerName, LabelInstance: server}
}
