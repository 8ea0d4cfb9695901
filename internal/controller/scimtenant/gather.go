package scimtenant

import (
	"context"
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
)

// gather reads what decides whether the tenant gets its endpoint, and which rights its
// server gets.
func (r *Reconciler) gather(ctx context.Context, s *scope) error {
	s.refused = refuse(s.tenant, r.Config.Allow)
	ingress := &networkingv1.Ingress{}
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: s.tenant.Namespace, Name: operand.Name(s.tenant.Name)}, ingress)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading the Ingress: %w", err)
	}
	if err == nil && s.owner.Made(ingress) {
		s.ingress = ingress
	}
	if s.tenant.Spec.Endpoint.Host != "" {
		classes := &networkingv1.IngressClassList{}
		if err := r.Client.List(ctx, classes); err != nil {
			return fmt.Errorf("listing the IngressClasses: %w", err)
		}
		s.ingressClass = hasIngressClass(s.tenant, classes.Items)
	}
	if err := r.gatherVerifiers(ctx, s); err != nil {
		return err
	}
	s.gathered = true
	return nil
}

// hasIngressClass reports whether the IngressClass exists that a tenant names,
// or, when it names none, a default one.
func hasIngressClass(tenant *scimv1alpha1.ScimTenant, classes []networkingv1.IngressClass) bool {
	name := tenant.Spec.Endpoint.Ingress.ClassName
	for _, class := range classes {
		if class.Name == name || (name == "" && class.Annotations[networkingv1.AnnotationIsDefaultIngressClass] == "true") {
			return true
		}
	}
	return false
}
