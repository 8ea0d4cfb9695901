package publishing

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

func TestAcceptance(t *testing.T) {
	public := gatewayv1.ParentReference{Name: "public", Namespace: ptr.To[gatewayv1.Namespace]("infra"), SectionName: ptr.To[gatewayv1.SectionName]("https")}
	own := gatewayv1.ParentReference{Name: "own"}
	says := func(parent gatewayv1.ParentReference, generation int64, accepted, resolved metav1.ConditionStatus, reason string) gatewayv1.RouteParentStatus {
		return gatewayv1.RouteParentStatus{ParentRef: parent, ControllerName: "example.com/gateway", Conditions: []metav1.Condition{
			{Type: "Accepted", Status: accepted, Reason: reason, Message: "said", ObservedGeneration: generation},
			{Type: "ResolvedRefs", Status: resolved, Reason: reason, Message: strings.Repeat("long ", 200), ObservedGeneration: generation},
		}}
	}
	const yes, no = metav1.ConditionTrue, metav1.ConditionFalse
	for name, tc := range map[string]struct {
		said    []gatewayv1.RouteParentStatus
		reason  string
		says    []string
		settled bool
	}{
		"nothing":                {nil, scimv1alpha1.ReasonRoutePending, []string{"Gateway infra/public (listener https)", "GatewayClass"}, true},
		"both":                   {[]gatewayv1.RouteParentStatus{says(public, 3, yes, yes, "Fine"), says(own, 4, yes, yes, "Fine")}, "", nil, true},
		"one of two":             {[]gatewayv1.RouteParentStatus{says(public, 3, yes, yes, "Fine")}, scimv1alpha1.ReasonRoutePending, []string{"Gateway acme/own"}, true},
		"what it was before":     {[]gatewayv1.RouteParentStatus{says(public, 2, yes, yes, "Fine"), says(own, 3, yes, yes, "Fine")}, scimv1alpha1.ReasonRoutePending, []string{"infra/public"}, false},
		"refused before":         {[]gatewayv1.RouteParentStatus{says(public, 2, no, yes, "NotAllowedByListeners"), says(own, 3, yes, yes, "Fine")}, scimv1alpha1.ReasonRoutePending, nil, false},
		"not yet":                {[]gatewayv1.RouteParentStatus{says(public, 3, no, yes, "Pending"), says(own, 3, yes, yes, "Fine")}, scimv1alpha1.ReasonRoutePending, nil, true},
		"of another listener":    {[]gatewayv1.RouteParentStatus{says(gatewayv1.ParentReference{Name: "public", Namespace: ptr.To[gatewayv1.Namespace]("infra")}, 1, yes, yes, "Fine"), says(own, 3, yes, yes, "Fine")}, scimv1alpha1.ReasonRoutePending, nil, true},
		"a refusal and silence":  {[]gatewayv1.RouteParentStatus{says(own, 3, no, yes, "NotAllowedByListeners")}, scimv1alpha1.ReasonRouteNotAccepted, []string{"Gateway acme/own does not accept", `"said" (NotAllowedByListeners)`, "allowedRoutes"}, true},
		"an unknown refusal":     {[]gatewayv1.RouteParentStatus{says(public, 3, no, no, "OutOfOrder")}, scimv1alpha1.ReasonRouteNotAccepted, []string{"(OutOfOrder)"}, true},
		"no way to the Service":  {[]gatewayv1.RouteParentStatus{says(public, 3, yes, no, "BackendNotFound"), says(own, 3, yes, yes, "Fine")}, scimv1alpha1.ReasonRouteRefsNotResolved, []string{"(BackendNotFound)", " lon…"}, true},
		"another, that refuses":  {[]gatewayv1.RouteParentStatus{says(public, 3, yes, yes, "Fine"), says(own, 3, yes, yes, "Fine"), says(gatewayv1.ParentReference{Name: "other"}, 3, no, no, "No")}, "", nil, true},
		"two controllers of one": {[]gatewayv1.RouteParentStatus{says(public, 3, no, no, "No"), says(public, 3, yes, yes, "Fine"), says(own, 3, yes, yes, "Fine")}, "", nil, true},
		"of a Service so called": {[]gatewayv1.RouteParentStatus{says(gatewayv1.ParentReference{Name: "own", Kind: ptr.To[gatewayv1.Kind]("Service")}, 1, yes, yes, "Fine")}, scimv1alpha1.ReasonRoutePending, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			route := &gatewayv1.HTTPRoute{
				ObjectMeta: metav1.ObjectMeta{Namespace: "acme", Name: "acme-scim", Generation: 3},
				Spec:       gatewayv1.HTTPRouteSpec{CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: []gatewayv1.ParentReference{public, own}}},
				Status:     gatewayv1.HTTPRouteStatus{RouteStatus: gatewayv1.RouteStatus{Parents: tc.said}},
			}
			got := acceptanceOf(route)
			if got.reason != tc.reason || len(got.message) > 700 {
				t.Errorf("the reason is %q, and the message %q", got.reason, got.message)
			}
			for _, part := range tc.says {
				if !strings.Contains(got.message, part) {
					t.Errorf("the message %q lacks %q", got.message, part)
				}
			}
			if hasSettled(route) != tc.settled {
				t.Errorf("it has settled: %t", !tc.settled)
			}
		})
	}
}
