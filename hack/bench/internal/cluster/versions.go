package cluster

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// reconciled are the kinds that the operator writes, but for Leases and Events.
var reconciled = []schema.GroupVersionKind{
	{Group: "scim.kubescim.dev", Version: "v1alpha1", Kind: "ScimServer"},
	{Group: "scim.kubescim.dev", Version: "v1alpha1", Kind: "ScimTenant"},
	{Group: "scim.kubescim.dev", Version: "v1alpha1", Kind: "ScimApiKey"},
	{Group: "scim.kubescim.dev", Version: "v1alpha1", Kind: "ScimCredential"},
	{Version: "v1", Kind: "Secret"},
	{Version: "v1", Kind: "Service"},
	{Version: "v1", Kind: "ServiceAccount"},
	{Version: "v1", Kind: "ConfigMap"},
	{Group: "apps", Version: "v1", Kind: "Deployment"},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "Role"},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "RoleBinding"},
	{Group: "policy", Version: "v1", Kind: "PodDisruptionBudget"},
	{Group: "networking.k8s.io", Version: "v1", Kind: "NetworkPolicy"},
	{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
}

// Versions are the resourceVersions of objects, by kind and name.
type Versions map[string]string

// Versions returns the resourceVersions of all that the operator has written in the namespace.
func (f *Fleet) Versions(ctx context.Context) (Versions, error) {
	versions := Versions{}
	for _, kind := range reconciled {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
		err := f.cluster.client.List(ctx, list, client.InNamespace(f.namespace))
		if meta.IsNoMatchError(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("listing all %s: %w", kind.Kind, err)
		}
		for i := range list.Items {
			versions[kind.Kind+" "+list.Items[i].Name] = list.Items[i].ResourceVersion
		}
	}
	return versions, nil
}

// Changed returns what is there still, or only now, in another version than before.
func (v Versions) Changed(now Versions) []string {
	var changed []string
	for name, version := range now {
		if v[name] != version {
			changed = append(changed, name)
		}
	}
	return changed
}
