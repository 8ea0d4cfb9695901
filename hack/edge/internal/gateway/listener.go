package gateway

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kubescim/kubescim/hack/edge/internal/objects"
	"github.com/kubescim/kubescim/hack/edge/internal/site"
)

// attaching is a Gateway that routes are attached to.
type attaching struct {
	gateway   *gatewayv1.Gateway
	listeners []*listener
}

// listener is one of a Gateway.
type listener struct {
	spec *gatewayv1.Listener
	// host is the one of the listener; nil when it is for all.
	host        *site.Host
	certificate *site.Certificate
	kinds       []gatewayv1.RouteGroupKind
	attached    int32
	// refused is why nothing of it is served, unresolved what of its references leads nowhere; nil when there is no reason.
	refused, unresolved *reason
}

// reason is one of a condition.
type reason struct{ code, message string }

// read reads a Gateway.
func (c Controller) read(o *objects.Objects, gateway *gatewayv1.Gateway) *attaching {
	g := &attaching{gateway: gateway}
	for i := range gateway.Spec.Listeners {
		l := &listener{spec: &gateway.Spec.Listeners[i], kinds: []gatewayv1.RouteGroupKind{}}
		l.refused = c.refuse(l)
		if len(gateway.Spec.Addresses) > 0 {
			l.refused = &reason{string(gatewayv1.ListenerReasonUnsupportedValue), "the Gateway asks for addresses"}
		}
		l.resolveKinds()
		l.resolveCertificate(o, gateway.Namespace)
		g.listeners = append(g.listeners, l)
	}
	return g
}

// refuse returns why a listener cannot be served, and reads its host.
func (c Controller) refuse(l *listener) *reason {
	tls := l.spec.TLS
	switch {
	case l.spec.Protocol != gatewayv1.HTTPSProtocolType:
		return &reason{string(gatewayv1.ListenerReasonUnsupportedProtocol), "the protocol has to be HTTPS"}
	case l.spec.Port != int32(c.Listen.Port()):
		return &reason{string(gatewayv1.ListenerReasonPortUnavailable), fmt.Sprintf("there is no port but %d", c.Listen.Port())}
	case tls == nil || ptr.Deref(tls.Mode, gatewayv1.TLSModeTerminate) != gatewayv1.TLSModeTerminate:
		return &reason{string(gatewayv1.ListenerReasonUnsupportedValue), "tls.mode has to be Terminate"}
	}
	if name := ptr.Deref(l.spec.Hostname, ""); name != "" {
		host, err := site.ParseHost(string(name))
		if err != nil {
			return &reason{string(gatewayv1.ListenerReasonUnsupportedValue), err.Error()}
		}
		l.host = &host
	}
	return nil
}

// resolveKinds looks which kinds of routes the listener is for.
func (l *listener) resolveKinds() {
	var kinds []gatewayv1.RouteGroupKind
	if l.spec.AllowedRoutes != nil {
		kinds = l.spec.AllowedRoutes.Kinds
	}
	for _, kind := range kinds {
		if kind.Kind != "HTTPRoute" || ptr.Deref(kind.Group, gatewayv1.GroupName) != gatewayv1.GroupName {
			l.unresolved = &reason{string(gatewayv1.ListenerReasonInvalidRouteKinds), fmt.Sprintf("routes of the kind %s are not served", kind.Kind)}
			continue
		}
		l.kinds = append(l.kinds, kind)
	}
	if len(kinds) == 0 {
		l.kinds = append(l.kinds, gatewayv1.RouteGroupKind{Group: ptr.To[gatewayv1.Group](gatewayv1.GroupName), Kind: "HTTPRoute"})
	}
}

// resolveCertificate looks for the first certificate that can be presented.
func (l *listener) resolveCertificate(o *objects.Objects, namespace string) {
	if l.spec.TLS == nil {
		return
	}
	if len(l.spec.TLS.CertificateRefs) == 0 {
		l.unresolved = &reason{string(gatewayv1.ListenerReasonInvalidCertificateRef), "tls.certificateRefs names no Secret"}
	}
	for i, ref := range l.spec.TLS.CertificateRefs {
		switch {
		case ptr.Deref(ref.Group, "") != "" || ptr.Deref(ref.Kind, "Secret") != "Secret":
			l.unresolved = &reason{string(gatewayv1.ListenerReasonInvalidCertificateRef), fmt.Sprintf("tls.certificateRefs[%d] is no Secret", i)}
		case string(ptr.Deref(ref.Namespace, gatewayv1.Namespace(namespace))) != namespace:
			l.unresolved = &reason{string(gatewayv1.ListenerReasonRefNotPermitted),
				fmt.Sprintf("tls.certificateRefs[%d] is of another namespace: ReferenceGrants are not read here", i)}
		default:
			certificate, err := o.Certificate(namespace, string(ref.Name))
			if err != nil {
				l.unresolved = &reason{string(gatewayv1.ListenerReasonInvalidCertificateRef), fmt.Sprintf("tls.certificateRefs[%d]: %v", i, err)}
			} else if l.certificate == nil {
				l.certificate = certificate
			}
		}
	}
}

// isProgrammed reports whether clients can connect to the listener.
func (l *listener) isProgrammed() bool {
	return l.refused == nil && l.certificate != nil && len(l.kinds) > 0
}

// conditions are those of the listener. That two of one Gateway are in conflict the definition of Gateways rules out.
func (l *listener) conditions() []metav1.Condition {
	accepted := condition(gatewayv1.ListenerConditionAccepted, true, gatewayv1.ListenerReasonAccepted, "accepted")
	if l.refused != nil {
		accepted = condition(gatewayv1.ListenerConditionAccepted, false, l.refused.code, l.refused.message)
	}
	resolved := condition(gatewayv1.ListenerConditionResolvedRefs, true, gatewayv1.ListenerReasonResolvedRefs, "all that it refers to is there")
	if l.unresolved != nil {
		resolved = condition(gatewayv1.ListenerConditionResolvedRefs, false, l.unresolved.code, l.unresolved.message)
	}
	programmed := condition(gatewayv1.ListenerConditionProgrammed, true, gatewayv1.ListenerReasonProgrammed, "nginx serves it")
	if !l.isProgrammed() {
		programmed = condition(gatewayv1.ListenerConditionProgrammed, false, gatewayv1.ListenerReasonInvalid, "nginx does not serve it: see the other conditions")
	}
	return []metav1.Condition{
		accepted, resolved, programmed,
		condition(gatewayv1.ListenerConditionConflicted, false, gatewayv1.ListenerReasonNoConflicts, "no other listener is for the same"),
	}
}

// sites are those of listeners that have a host, so that their certificate is presented also where there is no route.
func (g *attaching) sites() []site.Site {
	var sites []site.Site
	for _, l := range g.listeners {
		if l.refused == nil && l.host != nil {
			sites = append(sites, site.Site{Host: *l.host, Certificate: l.certificate, RefuseTLS: l.certificate == nil})
		}
	}
	return sites
}
