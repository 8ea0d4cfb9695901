// Package operand says what a ScimTenant amounts to in Kubernetes: pure
// functions from a ScimTenant to the objects that run its SCIM server, and their
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
	// ServerName is the value of LabelName on the objects of a SCIM server.
	ServerName = "kubescim-server"
	// ComponentServer is the value of LabelComponent on them.
	ComponentServer = "scim-server"
	// ComponentAPIKey is the value of LabelComponent on Secrets of API keys.
	ComponentAPIKey = "api-key"
)

// Name returns the name of a tenant's Deployment, ServiceAccount, Role,
// RoleBinding, PodDisruptionBudget and Ingress: that of its Service.
func Name(tenant string) string { return contract.ServiceName(tenant) }

// Labels returns the labels of every object of a tenant's SCIM server.
func Labels(tenant string) map[string]string {
	labels := SelectorLabels(tenant)
	labels[LabelComponent] = ComponentServer
	labels[LabelManagedBy] = ManagedBy
	labels[LabelPartOf] = ManagedBy
	labels[scimv1alpha1.LabelTenant] = tenant
	return labels
}

// SelectorLabels returns the labels that choose the pods of a tenant's SCIM
// server. A Deployment's selector cannot be changed: neither can these.
func SelectorLabels(tenant string) map[string]string {
	return map[string]string{LabelName: ServerName, LabelInstance: tenant}
}
