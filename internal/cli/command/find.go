package command

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// mostNames is how many names an error lists, and a shell completes.
const mostNames = 100

// mostKeys bounds the keys of a tenant that are listed.
const mostKeys = 500

// IsMarker reports whether an object stands for nobody, and is left of a user or group that was deleted for good.
func IsMarker(object client.Object) bool {
	_, is := object.GetAnnotations()[scimv1alpha1.AnnotationMarker]
	return is
}

// Tenant reads a ScimTenant. Where there is none of that name, the error says which there are.
func Tenant(ctx context.Context, c client.Client, namespace, name string) (*scimv1alpha1.ScimTenant, error) {
	tenant := &scimv1alpha1.ScimTenant{}
	return tenant, find(ctx, c, RoleTenantViewer, "ScimTenant", client.ObjectKey{Namespace: namespace, Name: name}, tenant, &scimv1alpha1.ScimTenantList{})
}

// Tenant reads a ScimTenant of the namespace that the command is about, and returns it with the client.
func (f *Factory) Tenant(ctx context.Context, name string) (client.Client, *scimv1alpha1.ScimTenant, error) {
	c, namespace, err := f.Cluster()
	if err != nil {
		return nil, nil, err
	}
	tenant, err := Tenant(ctx, c, namespace, name)
	return c, tenant, err
}

// Server reads a ScimServer. Where there is none of that name, the error says which there are.
func Server(ctx context.Context, c client.Client, namespace, name string) (*scimv1alpha1.ScimServer, error) {
	server := &scimv1alpha1.ScimServer{}
	return server, find(ctx, c, RoleTenantViewer, "ScimServer", client.ObjectKey{Namespace: namespace, Name: name}, server, &scimv1alpha1.ScimServerList{})
}

// Key reads a ScimApiKey. Where there is none of that name, the error says which there are.
func Key(ctx context.Context, c client.Client, namespace, name string) (*scimv1alpha1.ScimApiKey, error) {
	key := &scimv1alpha1.ScimApiKey{}
	return key, find(ctx, c, RoleTenantViewer, "ScimApiKey", client.ObjectKey{Namespace: namespace, Name: name}, key, &scimv1alpha1.ScimApiKeyList{})
}

// KeysOf lists the keys of a tenant.
func KeysOf(ctx context.Context, c client.Client, tenant *scimv1alpha1.ScimTenant) ([]scimv1alpha1.ScimApiKey, error) {
	keys := &scimv1alpha1.ScimApiKeyList{}
	ofTenant := client.MatchingFields{"spec.tenantRef.name": tenant.Name}
	if err := c.List(ctx, keys, client.InNamespace(tenant.Namespace), ofTenant, client.Limit(mostKeys)); err != nil {
		return nil, Failed("listing the ScimApiKeys of the tenant", RoleTenantViewer, err)
	}
	return keys.Items, nil
}

// KeyOf returns the key of a tenant that is named, or else the only one that it has; nil if it has
// none.
func KeyOf(ctx context.Context, c client.Client, tenant *scimv1alpha1.ScimTenant, name string) (*scimv1alpha1.ScimApiKey, error) {
	if name != "" {
		key, err := Key(ctx, c, tenant.Namespace, name)
		if err == nil && key.Spec.TenantRef.Name != tenant.Name {
			return nil, fmt.Errorf("ScimApiKey %q is one of the tenant %q", name, key.Spec.TenantRef.Name)
		}
		return key, err
	}
	keys, err := KeysOf(ctx, c, tenant)
	if err != nil {
		return nil, err
	}
	var there []string
	for i := range keys {
		there = append(there, keys[i].Name)
	}
	switch len(there) {
	case 0:
		return nil, nil
	case 1:
		return &keys[0], nil
	default:
		return nil, fmt.Errorf("ScimTenant %q has several keys, %s: say with --key which one is meant", tenant.Name, strings.Join(there, ", "))
	}
}

func find(ctx context.Context, c client.Client, role Role, kind string, key client.ObjectKey, object client.Object, list client.ObjectList) error {
	err := c.Get(ctx, key, object)
	if !apierrors.IsNotFound(err) {
		return Failed(fmt.Sprintf("reading %s %s", kind, key), role, err)
	}
	there, err := names(ctx, c, key.Namespace, list)
	switch {
	case err != nil:
		return fmt.Errorf("there is no %s %q in the namespace %q: another namespace is named with -n", kind, key.Name, key.Namespace)
	case len(there) == 0:
		return fmt.Errorf("there is no %s in the namespace %q: another namespace is named with -n; 'kubectl get %ss -A' lists all", kind, key.Namespace, strings.ToLower(kind))
	default:
		return fmt.Errorf("there is no %s %q in the namespace %q, but %s; another namespace is named with -n", kind, key.Name, key.Namespace, strings.Join(there, ", "))
	}
}

// names returns the names of the objects of a kind in a namespace, as many as are worth reading.
func names(ctx context.Context, c client.Client, namespace string, list client.ObjectList) ([]string, error) {
	if err := c.List(ctx, list, client.InNamespace(namespace), client.Limit(mostNames)); err != nil {
		return nil, fmt.Errorf("listing names: %w", err)
	}
	var found []string
	switch l := list.(type) {
	case *scimv1alpha1.ScimTenantList:
		for i := range l.Items {
			found = append(found, l.Items[i].Name)
		}
	case *scimv1alpha1.ScimServerList:
		for i := range l.Items {
			found = append(found, l.Items[i].Name)
		}
	case *scimv1alpha1.ScimApiKeyList:
		for i := range l.Items {
			found = append(found, l.Items[i].Name)
		}
	}
	return found, nil
}
