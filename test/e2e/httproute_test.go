package e2e

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// gatewayOf is a Gateway of the edge in its own namespace, for hosts below one and routes of some namespaces.
const gatewayOf = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: %[1]s}
spec: {controllerName: kubescim.dev/local-nginx}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: %[1]s}
spec:
  gatewayClassName: %[1]s
  listeners:
    - name: https
      protocol: HTTPS
      port: 10443
      hostname: "*.%[1]s.example.com"
      tls: {certificateRefs: [{name: wildcard}]}
      allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: %[2]s}}}}
`

// routeTo is an HTTPRoute of that Gateway, for a host, to a Service.
const routeTo = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: %[2]s, namespace: %[1]s}
spec:
  parentRefs: [{name: public, namespace: %[3]s}]
  hostnames: [%[4]s]
  rules:
    - matches: [{path: {type: PathPrefix, value: /scim/v2}}]
      backendRefs: [{name: %[5]s, port: 80}]
`

// It installs definitions in the cluster: no other spec runs beside it.
var _ = Describe("An HTTPRoute that leads to a tenant's Service", Serial, Label("edge"), func() {
	It("is served by nginx, as soon as there are such, and says what of it is not", func(ctx SpecContext) {
		t := Serve(ctx, "routed", scimv1alpha1.IdentityProviderOkta, OneReplica)
		gateways, elsewhere, authority := NewNamespace(ctx, "gateways"), NewNamespace(ctx, "elsewhere"), NewAuthority()
		domain := gateways + ".example.com"
		Apply(authority.Secret(gateways, "wildcard", "*."+domain))
		through := ThroughEdge("https://acme."+domain+t.Path, t.Token, authority.Trust())
		// has waits until the edge has written a condition of a route.
		has := func(namespace, name, kind, status, reason string) {
			GinkgoHelper()
			Eventually(func(g Gomega) {
				parent, _ := Dig(KubectlGet(namespace, "httproute", name), "status/parents/0").(map[string]any)
				g.Expect(parent).To(HaveKeyWithValue("controllerName", "kubescim.dev/local-nginx"))
				g.Expect(conditionOf(map[string]any{"status": parent}, kind)).To(
					And(HaveKeyWithValue("status", status), HaveKeyWithValue("reason", reason), HaveKeyWithValue("observedGeneration", BeEquivalentTo(1))))
			}).Should(Succeed())
		}
		publish := func() {
			GinkgoHelper()
			InstallGatewayAPI()
			ApplyText(fmt.Sprintf(gatewayOf, gateways, t.Namespace))
			ApplyText(fmt.Sprintf(routeTo, t.Namespace, "acme", gateways, "acme."+domain, "routed-scim"))
			has(t.Namespace, "acme", "Accepted", "True", "Accepted")
			has(t.Namespace, "acme", "ResolvedRefs", "True", "ResolvedRefs")
		}

		publish()
		Kubectl("wait", "gatewayclass/"+gateways, "--for=condition=Accepted", "--timeout=30s")
		Kubectl("wait", "gateway/public", "-n", gateways, "--for=condition=Programmed", "--timeout=30s")
		Want{
			"status/addresses/0/value":            "127.0.0.1",
			"status/listeners/0/attachedRoutes":   1,
			"status/listeners/0/supportedKinds/0": HaveKeyWithValue("kind", "HTTPRoute"),
		}.In(KubectlGet(gateways, "gateway", "public"), "the Gateway")
		lasting, closeIdle := through.Lasting()
		defer closeIdle()
		s := &session{client: lasting, prefix: "routed"}
		for n := range 12 {
			s.step(n)
		}
		Expect(s.retries).To(BeZero())
		nothingLost(t, s)

		By("being for what is not served")
		ApplyText(fmt.Sprintf(routeTo, t.Namespace, "absent", gateways, "absent."+domain, "absent"))
		ApplyText(fmt.Sprintf(routeTo, t.Namespace, "outside", gateways, "acme.example.com", "routed-scim"))
		ApplyText(fmt.Sprintf(routeTo, elsewhere, "foreign", gateways, "foreign."+domain, "routed-scim"))
		ApplyText(strings.Replace(fmt.Sprintf(routeTo, t.Namespace, "unnamed", gateways, "unnamed."+domain, "routed-scim"),
			"namespace: "+gateways+"}]", "namespace: "+gateways+", sectionName: http}]", 1))
		has(t.Namespace, "absent", "ResolvedRefs", "False", "BackendNotFound")
		has(t.Namespace, "outside", "Accepted", "False", "NoMatchingListenerHostname")
		has(elsewhere, "foreign", "Accepted", "False", "NotAllowedByListeners")
		has(t.Namespace, "unnamed", "Accepted", "False", "NoMatchingParent")
		trust := authority.Trust()
		for host, status := range map[string]int{"absent": http.StatusInternalServerError, "foreign": http.StatusNotFound, "unnamed": http.StatusNotFound} {
			Expect(ThroughEdge("https://"+host+"."+domain+t.Path, t.Token, trust).Get(Users).Status).To(Equal(status), host)
		}

		By("going with its kind, and coming again")
		RemoveGatewayAPI()
		blind := &tls.Config{InsecureSkipVerify: true}
		Eventually(func() int { return ThroughEdge(through.Base, t.Token, blind).Get(Users).Status }).Should(Equal(http.StatusNotFound))
		publish()
		Eventually(func() error { _, err := through.Try(http.MethodGet, Users, ""); return err }).Should(Succeed())
		nothingLost(t, s)
	})
})
