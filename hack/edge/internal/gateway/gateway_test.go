package gateway_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/kubescim/kubescim/hack/edge/internal/edgetest"
	"github.com/kubescim/kubescim/hack/edge/internal/gateway"
	"github.com/kubescim/kubescim/hack/edge/internal/nginx"
	"github.com/kubescim/kubescim/hack/edge/internal/objects"
	"github.com/kubescim/kubescim/hack/edge/internal/site"
)

// controllerAt is the controller at a second.
func controllerAt(second int64) gateway.Controller {
	return gateway.Controller{
		Name: "kubescim.dev/local-nginx", Listen: netip.MustParseAddrPort("127.0.0.1:10443"), Now: metav1.NewTime(time.Unix(second, 0)),
	}
}

func TestSites(t *testing.T) {
	o := edgetest.Read(t, "testdata/served.yaml")
	result := controllerAt(1).Sites(o)
	edgetest.Expect(t, "testdata/served.conf", o, site.Merge(result.Sites))

	got := map[string]string{}
	for _, class := range result.Classes {
		got["GatewayClass "+class.Name] = summary(class.Status.Conditions)
	}
	for _, one := range result.Gateways {
		got["Gateway "+one.Name] = fmt.Sprint(summary(one.Status.Conditions), " at ", one.Status.Addresses[0].Value)
		for _, l := range one.Status.Listeners {
			got["Listener "+string(l.Name)] = fmt.Sprint(summary(l.Conditions), " routes=", l.AttachedRoutes, " kinds=", len(l.SupportedKinds))
		}
	}
	for _, route := range result.Routes {
		for _, parent := range route.Status.Parents {
			got[fmt.Sprintf("HTTPRoute %s of %s by %s", route.Name, parent.ParentRef.Name, parent.ControllerName)] = summary(parent.Conditions)
		}
	}
	const ours = " of public by kubescim.dev/local-nginx"
	fine := " Conflicted=False NoConflicts Programmed=True Programmed ResolvedRefs=True ResolvedRefs"
	want := map[string]string{
		"GatewayClass ours":     "Accepted=True Accepted",
		"Gateway public":        "Accepted=True ListenersNotValid Programmed=True Programmed at 127.0.0.1",
		"Listener selected":     "Accepted=True Accepted" + fine + " routes=1 kinds=1",
		"Listener all":          "Accepted=True Accepted" + fine + " routes=1 kinds=1",
		"Listener plain":        "Accepted=False UnsupportedProtocol Conflicted=False NoConflicts Programmed=False Invalid ResolvedRefs=True ResolvedRefs routes=0 kinds=1",
		"Listener port":         "Accepted=False PortUnavailable Conflicted=False NoConflicts Programmed=False Invalid ResolvedRefs=True ResolvedRefs routes=0 kinds=1",
		"Listener uncertified":  "Accepted=True Accepted Conflicted=False NoConflicts Programmed=False Invalid ResolvedRefs=False InvalidCertificateRef routes=1 kinds=1",
		"Listener foreign":      "Accepted=True Accepted Conflicted=False NoConflicts Programmed=False Invalid ResolvedRefs=False RefNotPermitted routes=0 kinds=0",
		"HTTPRoute acme" + ours: "Accepted=True Accepted ResolvedRefs=True ResolvedRefs",
		"HTTPRoute acme of other by example.com/none": "Accepted=True Accepted",
		"HTTPRoute not-allowed" + ours:                "Accepted=False NotAllowedByListeners ResolvedRefs=False BackendNotFound",
		"HTTPRoute no-hostname" + ours:                "Accepted=False NoMatchingListenerHostname ResolvedRefs=True ResolvedRefs",
		"HTTPRoute no-parent" + ours:                  "Accepted=False NoMatchingParent ResolvedRefs=True ResolvedRefs",
		"HTTPRoute no-backend" + ours:                 "Accepted=True Accepted ResolvedRefs=False BackendNotFound",
		"HTTPRoute foreign-backend" + ours:            "Accepted=True Accepted ResolvedRefs=False RefNotPermitted",
		"HTTPRoute unsupported" + ours:                "Accepted=False UnsupportedValue ResolvedRefs=True ResolvedRefs",
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if got[key] != want[key] {
			t.Errorf("%s is\n  %s, want\n  %s", key, got[key], want[key])
		}
	}
	if len(got) != len(want) {
		t.Errorf("there are %d statuses, want %d: %v", len(got), len(want), got)
	}
	if g := result.Gateways[0]; g.Status.Conditions[0].ObservedGeneration != 3 || !g.Status.Conditions[0].LastTransitionTime.Equal(ptr.To(controllerAt(1).Now)) {
		t.Errorf("a condition of the Gateway is %+v", g.Status.Conditions[0])
	}
}

// summary is what conditions say, in the order of their types.
func summary(conditions []metav1.Condition) string {
	var all []string
	for _, c := range conditions {
		all = append(all, fmt.Sprintf("%s=%s %s", c.Type, c.Status, c.Reason))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// A status that is written once is not written again, however often it is looked at.
func TestStatusesRest(t *testing.T) {
	o := edgetest.Read(t, "testdata/served.yaml")
	first := controllerAt(1).Sites(o)
	o.GatewayClasses, o.Gateways, o.HTTPRoutes = nil, nil, nil
	for _, class := range first.Classes {
		o.Add(class)
	}
	for _, one := range first.Gateways {
		o.Add(one)
	}
	for _, route := range first.Routes {
		o.Add(route)
	}
	second := controllerAt(100).Sites(o)
	if !equality.Semantic.DeepEqual(first.Classes, second.Classes) || !equality.Semantic.DeepEqual(first.Gateways, second.Gateways) ||
		!equality.Semantic.DeepEqual(first.Routes, second.Routes) {
		t.Errorf("statuses change though nothing else does: %+v, and then %+v", first.Gateways[0].Status, second.Gateways[0].Status)
	}
}

// What an author of a Gateway or an HTTPRoute writes can be no more in the configuration than a name.
func TestNobodyWritesTheConfiguration(t *testing.T) {
	const injected = "injected"
	for name, change := range map[string]func(*gatewayv1.Gateway, *gatewayv1.HTTPRoute){
		"a host of a route": func(_ *gatewayv1.Gateway, r *gatewayv1.HTTPRoute) {
			r.Spec.Hostnames = []gatewayv1.Hostname{"a.scim.example.com;injected", "~^injected$", "*", "", "*.*.injected.example.com"}
		},
		"a host of a listener": func(g *gatewayv1.Gateway, _ *gatewayv1.HTTPRoute) {
			for i := range g.Spec.Listeners {
				g.Spec.Listeners[i].Hostname = ptr.To[gatewayv1.Hostname]("injected.example.com { return 200; }")
			}
		},
		"a path": func(_ *gatewayv1.Gateway, r *gatewayv1.HTTPRoute) {
			r.Spec.Rules[0].Matches[0].Path.Value = ptr.To("/a { return 200; } location /injected")
		},
		"a pattern": func(_ *gatewayv1.Gateway, r *gatewayv1.HTTPRoute) {
			r.Spec.Rules[0].Matches[0].Path = &gatewayv1.HTTPPathMatch{Type: ptr.To(gatewayv1.PathMatchRegularExpression), Value: ptr.To("/injected")}
		},
		"a name of a Service": func(_ *gatewayv1.Gateway, r *gatewayv1.HTTPRoute) {
			r.Spec.Rules[0].BackendRefs[0].Name = "injected;"
		},
		"a name of a Secret": func(g *gatewayv1.Gateway, _ *gatewayv1.HTTPRoute) {
			g.Spec.Listeners[0].TLS.CertificateRefs[0].Name = "../injected"
			g.Spec.Listeners[0].TLS.Options = map[gatewayv1.AnnotationKey]gatewayv1.AnnotationValue{injected: injected}
		},
	} {
		o := edgetest.Read(t, "testdata/served.yaml")
		change(&o.Gateways[0], &o.HTTPRoutes[0])
		o.HTTPRoutes = o.HTTPRoutes[:1]
		result := controllerAt(1).Sites(o)
		made, err := nginx.Render(edgetest.Settings(t), site.Merge(result.Sites))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(made.Text, injected) {
			t.Errorf("%s is in the configuration:\n%s", name, made.Text)
		}
	}
}

// A route that is attached to nothing of the edge's any more has a status that can be written.
func TestDetached(t *testing.T) {
	o := edgetest.Read(t, "testdata/served.yaml")
	o.HTTPRoutes = o.HTTPRoutes[:1]
	o.HTTPRoutes[0].Status.Parents = o.HTTPRoutes[0].Status.Parents[1:]
	o.HTTPRoutes[0].Spec.ParentRefs = nil
	if parents := controllerAt(1).Sites(o).Routes[0].Status.Parents; parents == nil || len(parents) != 0 {
		t.Errorf("the parents are %v", parents)
	}
}

// Without its definitions there is nothing of the Gateway API.
func TestNothing(t *testing.T) {
	if result := controllerAt(1).Sites(&objects.Objects{}); len(result.Sites)+len(result.Classes)+len(result.Gateways)+len(result.Routes) != 0 {
		t.Errorf("there is %+v", result)
	}
}
