package scimtenant_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

// withRoute lets a tenant publish a host by a Gateway.
func withRoute(host, gateway string) func(*scimv1alpha1.ScimTenant) {
	return func(t *scimv1alpha1.ScimTenant) {
		t.Spec.Endpoint = scimv1alpha1.EndpointSpec{Host: host, HTTPRoute: scimv1alpha1.EndpointHTTPRoute{
			ParentRefs: []scimv1alpha1.GatewayReference{{Name: gateway, Namespace: "infra", SectionName: "https"}},
		}}
	}
}

// routeOf returns a function that reads the tenant's HTTPRoute.
func routeOf(ctx context.Context, tenant *scimv1alpha1.ScimTenant) func() (*gatewayv1.HTTPRoute, error) {
	return func() (*gatewayv1.HTTPRoute, error) {
		route := &gatewayv1.HTTPRoute{}
		return route, env.Client.Get(ctx, key(tenant), route)
	}
}

// findRoute returns a function that looks for the tenant's HTTPRoute.
func findRoute(ctx context.Context, tenant *scimv1alpha1.ScimTenant) func() error {
	return func() error {
		_, err := routeOf(ctx, tenant)()
		return err
	}
}

// accept does as if the Gateway had accepted a tenant's HTTPRoute, once it is there.
func accept(ctx context.Context, tenant *scimv1alpha1.ScimTenant) {
	GinkgoHelper()
	Eventually(func() error { return env.AcceptRoute(ctx, key(tenant)) }).Should(Succeed())
}

// readyByRoute accepts a tenant's HTTPRoute, and waits until the tenant is Ready.
func readyByRoute(ctx context.Context, tenant *scimv1alpha1.ScimTenant) {
	GinkgoHelper()
	accept(ctx, tenant)
	becomeReady(ctx, tenant)
}

func haveAccepted(status metav1.ConditionStatus, reason, message string) OmegaMatcher {
	return have(scimv1alpha1.ConditionEndpointAccepted, status, reason, message)
}

// have matches a tenant with a condition whose message has a text.
func have(conditionType string, status metav1.ConditionStatus, reason, message string) OmegaMatcher {
	return And(controllertest.Have(conditionType, status, reason), WithTransform(func(t *scimv1alpha1.ScimTenant) string {
		return meta.FindStatusCondition(t.Status.Conditions, conditionType).Message
	}, ContainSubstring(message)))
}

var _ = Describe("The HTTPRoute of a tenant", Ordered, Serial, func() {
	install := func() {
		GinkgoHelper()
		Eventually(env.InstallGatewayAPI).Should(Succeed(), "what is still being deleted cannot be installed")
	}
	AfterAll(func() { Expect(env.RemoveGatewayAPI()).To(Succeed()) })

	It("waits for the definitions of the Gateway API, and for the Gateway", func(ctx context.Context) {
		tenant := newTenant(ctx, withRoute("route.example.com", "public"))
		Eventually(current(ctx, tenant)).Should(And(controllertest.BeStalled(scimv1alpha1.ReasonGatewayAPINotFound), HaveField("Status.URL", BeEmpty()),
			haveAccepted(metav1.ConditionFalse, scimv1alpha1.ReasonGatewayAPINotFound, "install the Gateway API")))
		Expect(env.RollOut(ctx, tenant.Namespace, tenant.Name)).To(Succeed())

		install()
		Eventually(current(ctx, tenant)).Should(And(controllertest.BeReconciling(scimv1alpha1.ReasonRoutePending), HaveField("Status.URL", BeEmpty()),
			haveAccepted(metav1.ConditionFalse, scimv1alpha1.ReasonRoutePending, "no controller has accepted the HTTPRoute for Gateway infra/public (listener https) yet"),
			controllertest.Have(scimv1alpha1.ConditionEndpointConfirmed, metav1.ConditionFalse, scimv1alpha1.ReasonEndpointUnconfirmed),
			controllertest.Have(scimv1alpha1.ConditionCertificateValid, metav1.ConditionTrue, scimv1alpha1.ReasonTLSElsewhere)))
		Expect(routeOf(ctx, tenant)()).To(And(HaveField("Spec.Hostnames", ConsistOf(gatewayv1.Hostname("route.example.com"))),
			HaveField("OwnerReferences", ConsistOf(HaveField("UID", tenant.UID)))))
		Expect(findIngress(ctx, tenant)()).To(BeNotFound())

		accept(ctx, tenant)
		Eventually(current(ctx, tenant)).Should(And(controllertest.BeReady(scimv1alpha1.ReasonSucceeded), HaveField("Status.URL", "https://route.example.com/scim/v2"),
			controllertest.Have(scimv1alpha1.ConditionEndpointConfirmed, metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded)))

		By("being made again when somebody has deleted or changed it")
		route, err := routeOf(ctx, tenant)()
		Expect(err).NotTo(HaveOccurred())
		change(ctx, route, func(r *gatewayv1.HTTPRoute) { r.Spec.Hostnames = []gatewayv1.Hostname{"other.example.com"} })
		Eventually(routeOf(ctx, tenant)).Should(HaveField("Spec.Hostnames", ConsistOf(gatewayv1.Hostname("route.example.com"))))
		Expect(env.Client.Delete(ctx, route)).To(Succeed())
		Eventually(routeOf(ctx, tenant)).Should(HaveField("UID", Not(Equal(route.UID))))
		accept(ctx, tenant)
		Eventually(current(ctx, tenant)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))

		By("going with the host")
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint = scimv1alpha1.EndpointSpec{} })
		Eventually(findRoute(ctx, tenant)).Should(BeNotFound())
	})

	It("is refused by a Gateway, with what that says", func(ctx context.Context) {
		tenant := newTenant(ctx, withRoute("refused.example.com", "public"))
		refuse := func(conditionType gatewayv1.RouteConditionType, reason gatewayv1.RouteConditionReason) {
			GinkgoHelper()
			said := []metav1.Condition{
				{Type: string(gatewayv1.RouteConditionAccepted), Status: metav1.ConditionTrue, Reason: "Accepted"},
				{Type: string(gatewayv1.RouteConditionResolvedRefs), Status: metav1.ConditionTrue, Reason: "ResolvedRefs"},
			}
			meta.FindStatusCondition(said, string(conditionType)).Status = metav1.ConditionFalse
			meta.FindStatusCondition(said, string(conditionType)).Reason = string(reason)
			meta.FindStatusCondition(said, string(conditionType)).Message = "not with us"
			Eventually(func() error { return env.AnswerRoute(ctx, key(tenant), said...) }).Should(Succeed())
		}
		refuse(gatewayv1.RouteConditionAccepted, gatewayv1.RouteReasonNoMatchingListenerHostname)
		Eventually(current(ctx, tenant)).Should(And(controllertest.BeStalled(scimv1alpha1.ReasonRouteNotAccepted), HaveField("Status.URL", BeEmpty()), haveAccepted(
			metav1.ConditionFalse, scimv1alpha1.ReasonRouteNotAccepted, `Gateway infra/public (listener https) does not accept the HTTPRoute: "not with us" (NoMatchingListenerHostname)`)))
		refuse(gatewayv1.RouteConditionResolvedRefs, gatewayv1.RouteReasonBackendNotFound)
		Eventually(current(ctx, tenant)).Should(controllertest.BeStalled(scimv1alpha1.ReasonRouteRefsNotResolved))

		By("making way for an Ingress at once, since nobody would miss it")
		newIngressClass(ctx, "routes-refused", false)
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) {
			t.Spec.Endpoint = scimv1alpha1.EndpointSpec{}
			withHost("refused.example.com", "routes-refused")(t)
		})
		Eventually(findRoute(ctx, tenant)).Should(BeNotFound())
		Eventually(current(ctx, tenant)).Should(HaveField("Status.URL", "https://refused.example.com/scim/v2"))
		change(ctx, tenant, withRoute("refused.example.com", "public"))

		By("being accepted, and refused again: the URL stays")
		readyByRoute(ctx, tenant)
		refuse(gatewayv1.RouteConditionAccepted, gatewayv1.RouteReasonNotAllowedByListeners)
		Eventually(current(ctx, tenant)).Should(And(controllertest.BeStalled(scimv1alpha1.ReasonRouteNotAccepted),
			HaveField("Status.URL", "https://refused.example.com/scim/v2")))

		By("naming another Gateway, which has not said anything")
		change(ctx, tenant, withRoute("refused.example.com", "other"))
		Eventually(current(ctx, tenant)).Should(And(controllertest.BeReconciling(scimv1alpha1.ReasonRoutePending),
			haveAccepted(metav1.ConditionFalse, scimv1alpha1.ReasonRoutePending, "infra/other")))
		readyByRoute(ctx, tenant)
	})

	It("holds a host as an Ingress does", func(ctx context.Context) {
		newIngressClass(ctx, "routes-held", false)
		holder := newTenant(ctx, withRoute("heldroute.example.com", "public"))
		readyByRoute(ctx, holder)
		other := newTenant(ctx, withHost("heldroute.example.com", "routes-held"))
		Eventually(current(ctx, other)).Should(And(controllertest.BeStalled(scimv1alpha1.ReasonHostConflict), HaveField("Status.URL", BeEmpty())))

		By("losing the record")
		Expect(stopManager()).To(Succeed())
		forget(ctx, "heldroute.example.com")
		var err error
		stopManager, err = env.StartManager(controllertest.Operator)
		Expect(err).NotTo(HaveOccurred())
		Eventually(recordOf(ctx, "heldroute.example.com")).Should(WithTransform(operand.HolderOf, Equal(operand.TenantOwner(holder).Holder())))
		Expect(findIngress(ctx, other)()).To(BeNotFound())

		By("being gone, but for the HTTPRoute")
		Expect(env.Client.Delete(ctx, holder)).To(Succeed())
		Eventually(func() error { _, err := current(ctx, holder)(); return err }).Should(BeNotFound())
		Consistently(recordOf(ctx, "heldroute.example.com")).Should(WithTransform(operand.GivenUpSince, BeZero()))
		Expect(env.Client.Delete(ctx, &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: holder.Namespace, Name: operand.Name(holder.Name)}})).To(Succeed())
		longAgo(ctx, "heldroute.example.com")
		becomeReady(ctx, other)
	})

	It("takes the place of an Ingress once it is accepted, and gives it back once that is served", func(ctx context.Context) {
		newIngressClass(ctx, "routes", false)
		tenant := newTenant(ctx, withHost("switched.example.com", "routes"))
		becomeReady(ctx, tenant)
		url := HaveField("Status.URL", "https://switched.example.com/scim/v2")

		change(ctx, tenant, withRoute("switched.example.com", "public"))
		Eventually(current(ctx, tenant)).Should(And(url, haveAccepted(metav1.ConditionFalse, scimv1alpha1.ReasonRoutePending,
			"the Ingress stays as it is, for https://switched.example.com/scim/v2")))
		Consistently(findIngress(ctx, tenant)).Should(Succeed())
		readyByRoute(ctx, tenant)
		Eventually(findIngress(ctx, tenant)).Should(BeNotFound())
		Expect(current(ctx, tenant)()).To(url)

		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) {
			t.Spec.Endpoint = scimv1alpha1.EndpointSpec{}
			withHost("switched.example.com", "routes")(t)
		})
		Eventually(current(ctx, tenant)).Should(And(url, haveAccepted(metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded,
			"the HTTPRoute stays as it is, for https://switched.example.com/scim/v2, until a controller has stated an address"),
			controllertest.Have(scimv1alpha1.ConditionEndpointConfirmed, metav1.ConditionFalse, scimv1alpha1.ReasonEndpointUnconfirmed)))
		Consistently(findRoute(ctx, tenant)).Should(Succeed())
		Eventually(func() error {
			ingress, err := ingressOf(ctx, tenant)()
			if err != nil {
				return err
			}
			ingress.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{IP: "192.0.2.1"}}
			return env.Client.Status().Update(ctx, ingress)
		}).Should(Succeed())
		Eventually(findRoute(ctx, tenant)).Should(BeNotFound())
		Eventually(current(ctx, tenant)).Should(And(url, controllertest.BeReady(scimv1alpha1.ReasonSucceeded)))
		Expect(findIngress(ctx, tenant)()).To(Succeed())
	})

	It("follows a tenant that is moved, and is waited for", func(ctx context.Context) {
		first := newTenant(ctx, func(t *scimv1alpha1.ScimTenant) { t.Name = "unrelated" })
		newSharedServer(ctx, first.Namespace, "one")
		newSharedServer(ctx, first.Namespace, "two")
		tenant := newTenant(ctx, in(first, "acme"), withRoute("movedroute.example.com", "public"), withServerRef("one"))
		accept(ctx, tenant)
		url := HaveField("Status.URL", "https://movedroute.example.com/scim/v2")
		Eventually(current(ctx, tenant)).Should(And(controllertest.BeReady(scimv1alpha1.ReasonSucceeded), haveList("one Memory"), url))

		change(ctx, tenant, withServerRef("two"))
		Eventually(routeOf(ctx, tenant), moves).Should(WithTransform(func(r *gatewayv1.HTTPRoute) bool { return operand.ByHTTPRoute(r).LeadsTo("two-scim-server") }, BeTrue()))
		Consistently(current(ctx, tenant), "6s").Should(And(haveList("two Live, one Live"), url))
		Expect(current(ctx, tenant)()).To(have(scimv1alpha1.ConditionMoved, metav1.ConditionFalse, scimv1alpha1.ReasonMoving, "see EndpointAccepted"))
		accept(ctx, tenant)
		Eventually(current(ctx, tenant), moves).Should(And(haveList("two Memory"), haveMoved, url, controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			HaveField("Status.Servers", ConsistOf(HaveField("Host", "movedroute.example.com")))))
	})

	It("publishes the tenants of a ScimServer by their paths, and none while it is refused", func(ctx context.Context) {
		first := newTenant(ctx, func(t *scimv1alpha1.ScimTenant) { t.Name = "unrelated" })
		newSharedServer(ctx, first.Namespace, "shared")
		tenant := newTenant(ctx, in(first, "acme"), withServerRef("shared"))
		Eventually(current(ctx, tenant)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		server := &scimv1alpha1.ScimServer{}
		route := client.ObjectKey{Namespace: first.Namespace, Name: "shared-scim-server"}
		Eventually(func() error {
			if err := env.Client.Get(ctx, client.ObjectKey{Namespace: first.Namespace, Name: "shared"}, server); err != nil {
				return err
			}
			server.Spec.Endpoint.Host = "sharedroute.example.com"
			server.Spec.Endpoint.HTTPRoute.ParentRefs = []scimv1alpha1.GatewayReference{{Name: "public", Namespace: "infra"}}
			return env.Client.Update(ctx, server)
		}).Should(Succeed())
		Eventually(current(ctx, tenant)).Should(And(HaveField("Status.URL", BeEmpty()), controllertest.BeReconciling(scimv1alpha1.ReasonProgressing),
			haveAccepted(metav1.ConditionFalse, scimv1alpha1.ReasonProgressing, "no controller has accepted")))
		Eventually(func() error { return env.AcceptRoute(ctx, route) }).Should(Succeed())
		url := HaveField("Status.URL", "https://sharedroute.example.com/acme/scim/v2")
		Eventually(current(ctx, tenant)).Should(And(url, controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			have(scimv1alpha1.ConditionCertificateValid, metav1.ConditionTrue, scimv1alpha1.ReasonTLSElsewhere, `ScimServer "shared"`),
			have(scimv1alpha1.ConditionEndpointConfirmed, metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded, `ScimServer "shared"`)))

		Expect(env.AnswerRoute(ctx, route, metav1.Condition{Type: string(gatewayv1.RouteConditionAccepted), Status: metav1.ConditionFalse,
			Reason: string(gatewayv1.RouteReasonNotAllowedByListeners)})).To(Succeed())
		Eventually(current(ctx, tenant)).Should(And(url, controllertest.BeReconciling(scimv1alpha1.ReasonProgressing),
			haveAccepted(metav1.ConditionFalse, scimv1alpha1.ReasonProgressing, `ScimServer "shared" is not published`)))
	})

	It("goes with the definitions, and comes again with them", func(ctx context.Context) {
		install()
		newIngressClass(ctx, "routes-kept", false)
		unrelated := newTenant(ctx, withHost("unrelatedroute.example.com", "routes-kept"))
		becomeReady(ctx, unrelated)
		tenant := newTenant(ctx, withRoute("again.example.com", "public"))
		readyByRoute(ctx, tenant)
		Expect(env.RemoveGatewayAPI()).To(Succeed())
		Eventually(current(ctx, tenant)).Should(And(controllertest.BeStalled(scimv1alpha1.ReasonGatewayAPINotFound), HaveField("Status.URL", BeEmpty())))
		change(ctx, unrelated, func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint.Host = "unrelatedtoo.example.com" })
		Eventually(current(ctx, unrelated)).Should(And(controllertest.BeReady(scimv1alpha1.ReasonSucceeded), HaveField("Status.URL", "https://unrelatedtoo.example.com/scim/v2")))

		install()
		readyByRoute(ctx, tenant)
		Expect(current(ctx, tenant)()).To(HaveField("Status.URL", "https://again.example.com/scim/v2"))
	})
})
