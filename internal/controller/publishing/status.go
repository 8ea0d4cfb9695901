package publishing

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/config"
	"github.com/kubescim/kubescim/internal/hosts"
	"github.com/kubescim/kubescim/internal/operand"
)

// Accepted reports whether the tenant or the server is published under the host that it
// asks for.
func (e *Endpoint) Accepted() metav1.Condition {
	const conditionType = scimv1alpha1.ConditionEndpointAccepted
	host := e.Spec.Host
	switch {
	case e.Unfit != "":
		return conditions.False(conditionType, scimv1alpha1.ReasonHostInvalid, e.Unfit)
	case e.Undecided:
		return conditions.False(conditionType, scimv1alpha1.ReasonProgressing,
			fmt.Sprintf("the operator's configuration gives the tenant host %q, which is published next", host))
	case host == "":
		message := "the server can be reached inside the cluster only; set spec.endpoint.host to publish it"
		if e.Offered != "" {
			message += fmt.Sprintf(". Since it has been served so, the operator's configuration gives it no host; that of a new tenant would be %q", e.Offered)
		}
		return conditions.True(conditionType, scimv1alpha1.ReasonNoHost, message)
	}
	if reason, message := e.obstacle(); reason != "" {
		return conditions.False(conditionType, reason, message+e.besides(reason)+e.stillPublished())
	}
	if held := e.held(); held != "" {
		return conditions.False(conditionType, scimv1alpha1.ReasonProgressing, held+e.stillPublished())
	}
	if !e.isWritten() {
		return conditions.Unknown(conditionType, scimv1alpha1.ReasonReconcileFailed,
			fmt.Sprintf("the %s for host %q could not be written; this is retried%s", e.kind(), host, e.stillPublished()))
	}
	if e.AsksForRoute() {
		if acceptance := acceptanceOf(e.HTTPRoute); acceptance.reason != "" {
			return conditions.False(conditionType, acceptance.reason, acceptance.message+e.formerStays())
		}
		return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, fmt.Sprintf("the HTTPRoute for host %q is in place, and accepted", host))
	}
	return conditions.True(conditionType, scimv1alpha1.ReasonSucceeded, fmt.Sprintf("the Ingress for host %q is in place%s", host, e.routeStays()))
}

// kind is what the spec asks for.
func (e *Endpoint) kind() string {
	if e.AsksForRoute() {
		return operand.KindHTTPRoute
	}
	return operand.KindIngress
}

// isWritten reports whether what the spec asks for is there, for its host.
func (e *Endpoint) isWritten() bool {
	return slices.ContainsFunc(e.Publications(), func(publication operand.Publication) bool {
		return publication.Kind == e.kind() && slices.Contains(publication.Hosts, e.Spec.Host)
	})
}

// obstacle is why the Ingress or the HTTPRoute is not written as the spec asks for it; empty when
// nothing is in its way.
func (e *Endpoint) obstacle() (reason, message string) {
	host, class := e.Spec.Host, e.Spec.Ingress.ClassName
	switch {
	case len(e.Refused) > 0:
		return scimv1alpha1.ReasonNotAllowed, config.Refusal(e.Refused...)
	case e.LacksTLS():
		return scimv1alpha1.ReasonTLSRequired, fmt.Sprintf("host %q has no TLS, and tokens must not travel in the clear: "+
			"set %s to the Secret with its certificate, or %s "+
			"to Elsewhere if the Ingress controller, or what is in front of it, has one", host, e.field("tls.secretName"), e.field("tls.termination"))
	case e.AsksForRoute() && e.routes == nil:
		return scimv1alpha1.ReasonGatewayAPINotFound, fmt.Sprintf("the cluster has no HTTPRoutes of %s: have whoever runs it install the Gateway API "+
			"and a controller for it, or remove %s", gatewayv1.GroupVersion, e.field("httpRoute"))
	case !e.AsksForRoute() && !e.IngressClass && class != "":
		return scimv1alpha1.ReasonIngressClassNotFound,
			fmt.Sprintf("there is no IngressClass %q: create it, or set %s to one that exists", class, e.field("ingress.className"))
	case !e.AsksForRoute() && !e.IngressClass:
		return scimv1alpha1.ReasonIngressClassNotFound,
			fmt.Sprintf("the cluster has no default IngressClass: set %s to one that exists", e.field("ingress.className"))
	case e.Taken != nil:
		return scimv1alpha1.ReasonHostConflict, hostConflict(e, *e.Taken)
	case e.Problem != nil:
		return apply.ReasonOf(e.Problem), e.Problem.Error()
	default:
		return "", ""
	}
}

// besides says, where there is no IngressClass, what is wrong with the certificate too: who begins mostly has neither.
func (e *Endpoint) besides(reason string) string {
	if reason != scimv1alpha1.ReasonIngressClassNotFound || e.Certificate == nil || e.Certificate.Reason == "" {
		return ""
	}
	return "; besides, " + e.Certificate.Message
}

// stillPublished says what goes on while the spec cannot be followed.
func (e *Endpoint) stillPublished() string {
	published := e.Publications()
	if len(published) == 0 {
		return ""
	}
	return staysAsItIs(published[0])
}

// formerStays says what goes on while what the spec asks for is not known to be served.
func (e *Endpoint) formerStays() string {
	if former := e.former(); former != nil {
		return staysAsItIs(*former)
	}
	return ""
}

// routeStays says what else publishes the owner while it is not known that the Ingress is served. Some controllers
// never let know.
func (e *Endpoint) routeStays() string {
	former := e.former()
	if former == nil {
		return ""
	}
	return staysAsItIs(*former) + ", until a controller has stated an address for the Ingress and its certificate is good: " +
		"where none ever states one, delete the HTTPRoute once clients are served by the Ingress"
}

func staysAsItIs(publication operand.Publication) string {
	return fmt.Sprintf("; the %s stays as it is, for %s", publication.Kind, publication.URL)
}

// hostConflict says what stands against a host, and whom to ask for what. A
// holder in another namespace is not named: that is for whoever runs the operator to see.
func hostConflict(e *Endpoint, held hosts.Taken) string {
	host := e.Spec.Host
	instead := "set spec.endpoint.host to another host"
	if e.Chosen {
		instead = "set spec.endpoint.host to another host than this one, which the operator's configuration gives it by its name, " +
			"or have whoever runs the operator put {namespace} into endpoint.hostTemplate"
	}
	switch {
	case held.Holder.Name == "":
		return fmt.Sprintf("another ScimTenant or ScimServer holds host %q, of which there is no record yet: %s", host, instead)
	case held.Holder.Namespace == e.Owner.Namespace:
		return fmt.Sprintf("another %s holds host %q, %s of this namespace: %s, or let that one have another one, or none",
			held.Holder.Kind, host, held.Holder.Name, instead)
	case held.GivenUp.IsZero():
		return fmt.Sprintf("another %s holds host %q, in another namespace: %s, or have whoever runs the operator "+
			"see in ConfigMap %s who it is, so that it gives the host up", held.Holder.Kind, host, instead, held.Record)
	default:
		return fmt.Sprintf("another %s holds host %q, in another namespace: it is gone, or asks for another host, since %s; "+
			"it may have the host back until %s, and then the host is free. To have it earlier, "+
			"ask whoever runs the operator to delete ConfigMap %s; or %s",
			held.Holder.Kind, host, held.GivenUp.UTC().Format(time.RFC3339), held.Free.UTC().Format(time.RFC3339), held.Record, instead)
	}
}
