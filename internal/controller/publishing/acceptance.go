package publishing

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
)

// acceptance is what the Gateways of an HTTPRoute say of it.
type acceptance struct {
	// reason is why it is not published as it is, and message says by whom, and what to do; empty if all Gateways
	// have accepted it.
	reason, message string
}

// acceptanceOf returns what the Gateways say of an HTTPRoute. What is said of an older generation counts for nothing.
// Of several that have not accepted it, it is the one that needs somebody.
func acceptanceOf(route *gatewayv1.HTTPRoute) acceptance {
	var worst acceptance
	for _, parent := range route.Spec.ParentRefs {
		one := acceptanceBy(route, parent)
		switch worst.reason {
		case "":
			worst = one
		case scimv1alpha1.ReasonRoutePending:
			if one.reason != "" && one.reason != scimv1alpha1.ReasonRoutePending {
				worst = one
			}
		}
	}
	return worst
}

// acceptanceBy returns what one Gateway says of an HTTPRoute.
func acceptanceBy(route *gatewayv1.HTTPRoute, parent gatewayv1.ParentReference) acceptance {
	gateway := gatewayNameOf(route, parent)
	found := acceptance{reason: scimv1alpha1.ReasonRoutePending, message: fmt.Sprintf(
		"no controller has accepted the HTTPRoute for %s yet: see that the Gateway exists, and that a controller runs for its GatewayClass", gateway)}
	for _, status := range route.Status.Parents {
		if gatewayNameOf(route, status.ParentRef) != gateway {
			continue
		}
		accepted := currentCondition(route, status, gatewayv1.RouteConditionAccepted)
		resolved := currentCondition(route, status, gatewayv1.RouteConditionResolvedRefs)
		switch {
		case isTrue(accepted) && isTrue(resolved):
			return acceptance{}
		case isRefusal(accepted):
			found = acceptance{reason: scimv1alpha1.ReasonRouteNotAccepted, message: fmt.Sprintf(
				"%s does not accept the HTTPRoute: %s", gateway, saidIn(*accepted))}
		case isTrue(accepted) && isRefusal(resolved):
			found = acceptance{reason: scimv1alpha1.ReasonRouteRefsNotResolved, message: fmt.Sprintf(
				"%s does not lead to the Service of the HTTPRoute: %s", gateway, saidIn(*resolved))}
		}
	}
	return found
}

// hasSettled reports whether no Gateway leads by what an HTTPRoute was before: each of its Gateways that has said anything of
// it has done so of what it is now.
func hasSettled(route *gatewayv1.HTTPRoute) bool {
	for _, parent := range route.Spec.ParentRefs {
		gateway := gatewayNameOf(route, parent)
		for _, status := range route.Status.Parents {
			if gatewayNameOf(route, status.ParentRef) == gateway && currentCondition(route, status, gatewayv1.RouteConditionAccepted) == nil {
				return false
			}
		}
	}
	return true
}

// isPublishedByAny reports whether some Gateway publishes an HTTPRoute, as it is or as it was before.
func isPublishedByAny(route *gatewayv1.HTTPRoute) bool {
	return slices.ContainsFunc(route.Status.Parents, func(status gatewayv1.RouteParentStatus) bool {
		return meta.IsStatusConditionTrue(status.Conditions, string(gatewayv1.RouteConditionAccepted)) &&
			meta.IsStatusConditionTrue(status.Conditions, string(gatewayv1.RouteConditionResolvedRefs))
	})
}

// currentCondition returns what a Gateway says of an HTTPRoute as it is now; nil when it has said nothing yet.
func currentCondition(route *gatewayv1.HTTPRoute, status gatewayv1.RouteParentStatus, conditionType gatewayv1.RouteConditionType) *metav1.Condition {
	condition := meta.FindStatusCondition(status.Conditions, string(conditionType))
	if condition == nil || condition.ObservedGeneration < route.Generation {
		return nil
	}
	return condition
}

func isTrue(condition *metav1.Condition) bool {
	return condition != nil && condition.Status == metav1.ConditionTrue
}

// isRefusal reports whether a controller has decided against what it was asked for.
func isRefusal(condition *metav1.Condition) bool {
	return condition != nil && condition.Status == metav1.ConditionFalse && condition.Reason != string(gatewayv1.RouteReasonPending)
}

// gatewayNameOf is what people call a parent of an HTTPRoute. Two that have one name are one.
func gatewayNameOf(route *gatewayv1.HTTPRoute, parent gatewayv1.ParentReference) string {
	var name strings.Builder
	fmt.Fprintf(&name, "%s %s/%s", ptr.Deref(parent.Kind, "Gateway"), ptr.Deref(parent.Namespace, gatewayv1.Namespace(route.Namespace)), parent.Name)
	if listener := ptr.Deref(parent.SectionName, ""); listener != "" {
		fmt.Fprintf(&name, " (listener %s)", listener)
	}
	if port := ptr.Deref(parent.Port, 0); port != 0 {
		fmt.Fprintf(&name, " (port %d)", port)
	}
	return name.String()
}

// saidIn repeats what a controller says, within bounds, and adds what to do if that is known.
func saidIn(condition metav1.Condition) string {
	said := fmt.Sprintf("%q (%s)", conditions.Quote(condition.Message), conditions.Quote(condition.Reason))
	if mend := mends[gatewayv1.RouteConditionReason(condition.Reason)]; mend != "" {
		said += ": " + mend
	}
	return said
}

// mends say what to do about reasons that the Gateway API defines.
var mends = map[gatewayv1.RouteConditionReason]string{
	gatewayv1.RouteReasonNotAllowedByListeners: "have whoever runs the Gateway allow HTTPRoutes of this namespace in allowedRoutes of a listener, " +
		"or name another Gateway in spec.endpoint.httpRoute.parentRefs",
	gatewayv1.RouteReasonNoMatchingListenerHostname: "set spec.endpoint.host to a host of one of the Gateway's listeners, " +
		"or have whoever runs it add a listener for this host",
	gatewayv1.RouteReasonNoMatchingParent: "correct sectionName in spec.endpoint.httpRoute.parentRefs",
	gatewayv1.RouteReasonBackendNotFound:  "wait until the server has its Service",
}
