package scimtenant

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/hosts"
	"github.com/kubescim/kubescim/internal/operand"
)

// endpointAccepted reports whether the tenant is published under the host that it
// asks for.
func endpointAccepted(s *scope) metav1.Condition {
	const conditionType = scimv1alpha1.ConditionEndpointAccepted
	host := s.tenant.Spec.Endpoint.Host
	if host == "" {
		return conditions.True(conditionType, scimv1alpha1.ReasonNoHost,
			"the server can be reached inside the cluster only; set spec.endpoint.host to publish it")
	}
	if reason, message := obstacle(s); reason != "" {
		return conditions.False(conditionType, reason, message+stillPublished(s))
	}
	if !slices.Contains(s.publishedHosts(), host) {
		return conditions.Unknown(conditionType, scimv1alpha1.ReasonReconcileFailed,
			fmt.Sprintf("the Ingress for host %q could not be written; this is retried%s", host, stillPublished(s)))
	}
	return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, fmt.Sprintf("the Ingress for host %q is in place", host))
}

// obstacle is why the Ingress is not written as the spec asks for it; empty when
// nothing is in its way.
func obstacle(s *scope) (reason, message string) {
	host, class := s.tenant.Spec.Endpoint.Host, s.tenant.Spec.Endpoint.Ingress.ClassName
	switch {
	case len(s.refused.endpoint) > 0:
		return scimv1alpha1.ReasonNotAllowed, refusals{endpoint: s.refused.endpoint}.String()
	case s.lacksTLS():
		return scimv1alpha1.ReasonTLSRequired, fmt.Sprintf("host %q has no TLS, and tokens must not travel in the clear: "+
			"set spec.endpoint.tls.secretName to the Secret with its certificate, or spec.endpoint.tls.termination "+
			"to Elsewhere if the Ingress controller, or what is in front of it, has one", host)
	case !s.ingressClass && class != "":
		return scimv1alpha1.ReasonIngressClassNotFound,
			fmt.Sprintf("there is no IngressClass %q: create it, or set spec.endpoint.ingress.className to one that exists", class)
	case !s.ingressClass:
		return scimv1alpha1.ReasonIngressClassNotFound,
			"the cluster has no default IngressClass: set spec.endpoint.ingress.className to one that exists"
	case s.hostTaken != nil:
		return scimv1alpha1.ReasonHostConflict, hostConflict(s.tenant, *s.hostTaken)
	case s.endpointProblem != nil:
		return reasonOf(s.endpointProblem), s.endpointProblem.Error()
	default:
		return "", ""
	}
}

// stillPublished says what goes on while the spec cannot be followed.
func stillPublished(s *scope) string {
	if s.ingress == nil {
		return ""
	}
	return "; the Ingress stays as it is, for " + operand.PublishedURL(s.ingress)
}

// hostConflict says what stands against a tenant's host, and whom to ask for what. A
// holder in another namespace is not named: that is for whoever runs the operator to see.
func hostConflict(tenant *scimv1alpha1.ScimTenant, held hosts.Taken) string {
	host := tenant.Spec.Endpoint.Host
	const instead = "set spec.endpoint.host to another host"
	switch {
	case held.Holder.Name == "":
		return fmt.Sprintf("another ScimTenant holds host %q, of which there is no record yet: %s", host, instead)
	case held.Holder.Namespace == tenant.Namespace:
		return fmt.Sprintf("another ScimTenant holds host %q, %s of this namespace: %s, or let that tenant have another one, or none",
			host, held.Holder.Name, instead)
	case held.GivenUp.IsZero():
		return fmt.Sprintf("another ScimTenant holds host %q, in another namespace: %s, or have whoever runs the operator "+
			"see in ConfigMap %s who it is, so that it gives the host up", host, instead, held.Record)
	default:
		return fmt.Sprintf("another ScimTenant holds host %q, in another namespace: it is gone, or asks for another host, since %s; "+
			"it may have the host back until %s, and then the host is free. To have it earlier, "+
			"ask whoever runs the operator to delete ConfigMap %s; or %s",
			host, held.GivenUp.UTC().Format(time.RFC3339), held.Free.UTC().Format(time.RFC3339), held.Record, instead)
	}
}
