// Package gateway makes sites of the Gateways that are the edge's and the HTTPRoutes that are attached to them, and says in
// their statuses what came of it. It is a pure function of objects.
package gateway

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kubescim/kubescim/hack/edge/internal/objects"
	"github.com/kubescim/kubescim/hack/edge/internal/site"
)

// Controller is who serves Gateways.
type Controller struct {
	// Name is how GatewayClasses name it.
	Name string
	// Listen is the one address there is: every listener has its port.
	Listen netip.AddrPort
	// Now is when conditions change.
	Now metav1.Time
}

// Result is what comes of the objects.
type Result struct {
	Sites []site.Site
	// Classes, Gateways and Routes are those that the controller has to do with, with the statuses that they ought to have.
	Classes  []*gatewayv1.GatewayClass
	Gateways []*gatewayv1.Gateway
	Routes   []*gatewayv1.HTTPRoute
}

// Sites makes sites and statuses. Of two HTTPRoutes that want the same path of a host, the older one gets it.
func (c Controller) Sites(o *objects.Objects) Result {
	var result Result
	classes := map[gatewayv1.ObjectName]bool{}
	for _, class := range o.GatewayClasses {
		if string(class.Spec.ControllerName) == c.Name {
			classes[gatewayv1.ObjectName(class.Name)] = true
			result.Classes = append(result.Classes, c.acceptClass(class.DeepCopy()))
		}
	}
	gateways := map[types.NamespacedName]*attaching{}
	for i := range o.Gateways {
		if !classes[o.Gateways[i].Spec.GatewayClassName] {
			continue
		}
		g := c.read(o, o.Gateways[i].DeepCopy())
		gateways[types.NamespacedName{Namespace: g.gateway.Namespace, Name: g.gateway.Name}] = g
		result.Gateways = append(result.Gateways, g.gateway)
		result.Sites = append(result.Sites, g.sites()...)
	}
	for _, route := range slices.SortedFunc(slices.Values(o.HTTPRoutes), byAge) {
		r := &routing{controller: c, objects: o, route: route.DeepCopy()}
		result.Sites = append(result.Sites, r.attach(gateways)...)
		result.Routes = append(result.Routes, r.route)
	}
	for _, g := range gateways {
		c.writeStatus(g)
	}
	return result
}

// byAge puts the oldest first, and those of one second in the order of their names.
func byAge(a, b gatewayv1.HTTPRoute) int {
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// acceptClass accepts a class, unless it has parameters.
func (c Controller) acceptClass(class *gatewayv1.GatewayClass) *gatewayv1.GatewayClass {
	accepted := condition(gatewayv1.GatewayClassConditionStatusAccepted, true, gatewayv1.GatewayClassReasonAccepted, "served by nginx")
	if class.Spec.ParametersRef != nil {
		accepted = condition(gatewayv1.GatewayClassConditionStatusAccepted, false, gatewayv1.GatewayClassReasonInvalidParameters,
			"it has no parameters: remove spec.parametersRef")
	}
	c.set(&class.Status.Conditions, class.Generation, accepted)
	return class
}

// writeStatus writes what a Gateway's listeners come to.
func (c Controller) writeStatus(g *attaching) {
	status := &g.gateway.Status
	var listeners []gatewayv1.ListenerStatus
	valid, programmed := 0, 0
	for _, l := range g.listeners {
		before := slices.IndexFunc(status.Listeners, func(s gatewayv1.ListenerStatus) bool { return s.Name == l.spec.Name })
		one := gatewayv1.ListenerStatus{Name: l.spec.Name, SupportedKinds: l.kinds, AttachedRoutes: l.attached}
		if before >= 0 {
			one.Conditions = status.Listeners[before].Conditions
		}
		c.set(&one.Conditions, g.gateway.Generation, l.conditions()...)
		listeners = append(listeners, one)
		if l.refused == nil {
			valid++
		}
		if l.isProgrammed() {
			programmed++
		}
	}
	status.Listeners = listeners
	accepted := condition(gatewayv1.GatewayConditionAccepted, true, gatewayv1.GatewayReasonAccepted, "served by nginx")
	served := condition(gatewayv1.GatewayConditionProgrammed, true, gatewayv1.GatewayReasonProgrammed, fmt.Sprintf("nginx serves it at %s", c.Listen))
	switch {
	case len(g.gateway.Spec.Addresses) > 0:
		accepted = condition(gatewayv1.GatewayConditionAccepted, false, gatewayv1.GatewayReasonUnsupportedAddress,
			fmt.Sprintf("there is no address but %s: remove spec.addresses", c.Listen.Addr()))
	case valid == 0:
		accepted = condition(gatewayv1.GatewayConditionAccepted, false, gatewayv1.GatewayReasonListenersNotValid, "no listener is accepted: see status.listeners")
	case valid < len(g.listeners):
		accepted = condition(gatewayv1.GatewayConditionAccepted, true, gatewayv1.GatewayReasonListenersNotValid, "some listeners are not accepted: see status.listeners")
	}
	status.Addresses = nil
	if programmed == 0 || accepted.Status != metav1.ConditionTrue {
		served = condition(gatewayv1.GatewayConditionProgrammed, false, gatewayv1.GatewayReasonInvalid, "nothing of it is served: see status.listeners")
	} else {
		status.Addresses = []gatewayv1.GatewayStatusAddress{{Type: ptr.To(gatewayv1.IPAddressType), Value: c.Listen.Addr().String()}}
	}
	c.set(&status.Conditions, g.gateway.Generation, accepted, served)
}

// condition is one whose type and reason are of the Gateway API's own types.
func condition[T, R ~string](kind T, holds bool, reason R, message string) metav1.Condition {
	status := metav1.ConditionFalse
	if holds {
		status = metav1.ConditionTrue
	}
	return metav1.Condition{Type: string(kind), Status: status, Reason: string(reason), Message: message}
}

// set writes conditions of an object's generation, and keeps since when each is as it is.
func (c Controller) set(conditions *[]metav1.Condition, generation int64, all ...metav1.Condition) {
	for _, one := range all {
		one.ObservedGeneration, one.LastTransitionTime = generation, c.Now
		meta.SetStatusCondition(conditions, one)
	}
}
