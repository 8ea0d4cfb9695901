package scimtenant

import (
	"context"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
)

// indexHost finds the tenants, in all namespaces, that want a host.
const indexHost = "spec.endpoint.host"

// gather reads what decides whether the tenant gets its host.
func (r *Reconciler) gather(ctx context.Context, s *scope) error {
	if s.tenant.Spec.Endpoint.Host == "" {
		s.gathered = true
		return nil
	}
	rivals, err := r.tenantsWithHost(ctx, s.tenant.Spec.Endpoint.Host)
	if err != nil {
		return err
	}
	classes := &networkingv1.IngressClassList{}
	if err := r.Client.List(ctx, classes); err != nil {
		return err
	}
	s.hostHolder = hostHolder(s.tenant, rivals)
	s.ingressClass = hasIngressClass(s.tenant, classes.Items)
	s.gathered = true
	return nil
}

func (r *Reconciler) tenantsWithHost(ctx context.Context, host string) ([]scimv1alpha1.ScimTenant, error) {
	tenants := &scimv1alpha1.ScimTenantList{}
	err := r.Client.List(ctx, tenants, client.MatchingFields{indexHost: host})
	return tenants.Items, err
}

// hostHolder returns the tenant that has the host which tenant wants; nil when
// that is tenant itself. The oldest one has it, until it is gone altogether.
func hostHolder(tenant *scimv1alpha1.ScimTenant, rivals []scimv1alpha1.ScimTenant) *scimv1alpha1.ScimTenant {
	holder := tenant
	for i := range rivals {
		if rivals[i].UID != tenant.UID && precedes(&rivals[i], holder) {
			holder = &rivals[i]
		}
	}
	if holder == tenant {
		return nil
	}
	return holder
}

// precedes orders tenants by age, and by name where they are equally old.
func precedes(a, b *scimv1alpha1.ScimTenant) bool {
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	if a.Namespace != b.Namespace {
		return strings.Compare(a.Namespace, b.Namespace) < 0
	}
	return strings.Compare(a.Name, b.Name) < 0
}

// hasIngressClass reports whether the IngressClass exists that a tenant names,
// or, when it names none, a default one.
func hasIngressClass(tenant *scimv1alpha1.ScimTenant, classes []networkingv1.IngressClass) bool {
	name := operand.IngressClassName(tenant)
	for _, class := range classes {
		if class.Name == name || (name == "" && class.Annotations[networkingv1.AnnotationIsDefaultIngressClass] == "true") {
			return true
		}
	}
	return false
}
