package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// gatewayForTenants is a Gateway in its own namespace, for the hosts of a domain and the HTTPRoutes of one namespace.
const gatewayForTenants = `
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
      hostname: "*.%[2]s"
      tls: {certificateRefs: [{name: wildcard}]}
      allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: %[3]s}}}}
`

// The nginx is that of the local cluster (make edge), which is no Gateway controller of anybody else's.
var _ = Describe("A Gateway publishes several tenants", Ordered, Serial, Label("edge"), func() {
	var (
		namespace, infra, domain string
		authority                *Authority
		acme                     *Client
		users                    map[string]string
	)
	routed := func(host string) func(*scimv1alpha1.ScimTenantSpec) {
		return func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Endpoint = scimv1alpha1.EndpointSpec{Host: host, HTTPRoute: scimv1alpha1.EndpointHTTPRoute{
				ParentRefs: []scimv1alpha1.GatewayReference{{Name: "public", Namespace: infra, SectionName: "https"}},
			}}
		}
	}
	// says waits until a tenant has an EndpointAccepted with a reason, and a message with a part.
	says := func(tenant, status, reason, part string) {
		GinkgoHelper()
		Eventually(func() map[string]any {
			return conditionOf(KubectlGet(namespace, "scimtenant", tenant), scimv1alpha1.ConditionEndpointAccepted)
		}).WithTimeout(time.Minute).Should(And(HaveKeyWithValue("status", status), HaveKeyWithValue("reason", reason), HaveKeyWithValue("message", ContainSubstring(part))))
	}
	patch := func(tenant, spec string) {
		GinkgoHelper()
		Kubectl("patch", "scimtenant", tenant, "-n", namespace, "--type=merge", "-p", `{"spec":`+spec+`}`)
	}
	urlOf := func(tenant string) any { return Dig(KubectlGet(namespace, "scimtenant", tenant), "status/url") }
	// through returns a client of a tenant through the Gateway, by its URL.
	through := func(tenant, token string) *Client {
		GinkgoHelper()
		url, _ := urlOf(tenant).(string)
		return ThroughEdge(url, token, authority.Trust())
	}
	// underLoad does something while clients write and read, none of which may fail or miss anything.
	underLoad := func(do func()) {
		GinkgoHelper()
		clients := &CheckingClients{Anew: true}
		clients.Start(acme, 8, 200*time.Millisecond, users)
		do()
		reads, writes, failed, stale := clients.Stop()
		AddReportEntry("requests", fmt.Sprintf("%d reads and %d writes, %d failed, %d stale", reads, writes, len(failed), len(stale)))
		Expect(failed).To(BeEmpty(), "the first requests that failed: %.600s", strings.Join(failed, "\n"))
		Expect(stale).To(BeEmpty())
		Expect(reads).To(BeNumerically(">", 50))
	}

	BeforeAll(func(ctx SpecContext) {
		namespace, infra, authority = NewNamespace(ctx, "gateway"), NewNamespace(ctx, "gateway-infra"), NewAuthority()
		domain = namespace + ".example.com"
	})
	AfterAll(RemoveGatewayAPI)

	It("once there are definitions, a Gateway and a controller, without a restart of the operator", func() {
		Apply(NewTenant(namespace, "acme", scimv1alpha1.IdentityProviderGeneric, routed("acme."+domain)), NewKey(namespace, "acme", "acme"))
		says("acme", "False", scimv1alpha1.ReasonGatewayAPINotFound, "install the Gateway API")

		By("installing the definitions")
		definitions, err := controllertest.GatewayDefinitions()
		Expect(err).NotTo(HaveOccurred())
		for _, definition := range definitions {
			Kubectl("apply", "--server-side", "-f", definition) // It is too large for an annotation.
		}
		says("acme", "False", scimv1alpha1.ReasonRoutePending, fmt.Sprintf("no controller has accepted the HTTPRoute for Gateway %s/public (listener https) yet", infra))
		Expect(urlOf("acme")).To(BeNil())

		By("making the Gateway, with a certificate for all hosts of the domain")
		Apply(authority.Secret(infra, "wildcard", "*."+domain))
		ApplyText(fmt.Sprintf(gatewayForTenants, infra, domain, namespace))
		WaitFor(namespace, "condition=Ready", "scimtenant/acme", "scimapikey/acme")
		Expect(urlOf("acme")).To(Equal("https://acme." + domain + "/scim/v2"))
		Expect(KubectlGet(namespace, "ingress", "acme-scim")).To(BeNil())
		token, _ := TokenOf(namespace, "acme")
		acme = through("acme", token)
		acme.AwaitAnswer()
		created := acme.Do(http.MethodPost, Users, PlainUser("ada@example.com")).Has(http.StatusCreated)
		Expect(created.Header.Get("Location")).To(Equal("https://acme." + domain + "/scim/v2/Users/" + created.ID()))
		metadata := ThroughEdge("https://acme."+domain, "", authority.Trust()).Get("/.well-known/oauth-authorization-server/scim/v2")
		Expect(metadata.At("issuer")).To(Equal("https://acme." + domain + "/scim/v2"))
		users = CreateUsers(acme, 40)
	})

	It("of its own and of ScimServers, each by its host or its path", func() {
		server := NewServer(namespace, "shared", 1)
		host := "shared." + domain
		server.Spec.Endpoint = scimv1alpha1.ServerEndpointSpec{Host: host, HTTPRoute: scimv1alpha1.EndpointHTTPRoute{
			ParentRefs: []scimv1alpha1.GatewayReference{{Name: "public", Namespace: infra}},
		}}
		Apply(server)
		tenants := map[string]string{"initech": host + "/initech", "hooli": host + "/hooli", "umbrella": "umbrella." + domain}
		for name := range tenants {
			tenant := NewTenant(namespace, name, scimv1alpha1.IdentityProviderGeneric, On("shared"))
			if name == "umbrella" {
				routed("umbrella." + domain)(&tenant.Spec)
			}
			Apply(tenant, NewKey(namespace, name, name))
		}
		for name := range tenants {
			WaitFor(namespace, "condition=Ready", "scimtenant/"+name, "scimapikey/"+name)
		}
		for name, at := range tenants {
			Expect(urlOf(name)).To(Equal("https://" + at + "/scim/v2"))
			token, _ := TokenOf(namespace, name)
			c := through(name, token)
			c.AwaitAnswer()
			made := c.Do(http.MethodPost, Users, PlainUser(name+"@example.com")).Has(http.StatusCreated)
			Expect(made.Header.Get("Location")).To(Equal("https://" + at + "/scim/v2/Users/" + made.ID()))
			c.Get(Users).IsList(1)
			for other := range tenants {
				if other != name {
					through(other, token).Get(Users).IsError(http.StatusUnauthorized, "")
				}
			}
		}
	})

	It("and none whose host it does not take, which says so", func() {
		Apply(NewTenant(namespace, "elsewhere", scimv1alpha1.IdentityProviderGeneric, OneReplica, routed("elsewhere."+namespace+".example.net")))
		says("elsewhere", "False", scimv1alpha1.ReasonRouteNotAccepted, fmt.Sprintf("Gateway %s/public (listener https) does not accept the HTTPRoute", infra))
		ready := conditionOf(KubectlGet(namespace, "scimtenant", "elsewhere"), scimv1alpha1.ConditionReady)
		Expect(ready).To(And(HaveKeyWithValue("status", "False"), HaveKeyWithValue("message", ContainSubstring("NoMatchingListenerHostname"))))
		Expect(urlOf("elsewhere")).To(BeNil())
		Kubectl("delete", "scimtenant", "-n", namespace, "elsewhere", "--timeout=60s")
	})

	It("from their Ingresses and back, without a request that fails", func() {
		Apply(authority.Secret(namespace, "certificate", "acme."+domain))
		url := urlOf("acme")
		underLoad(func() {
			patch("acme", fmt.Sprintf(`{"endpoint":{"httpRoute":null,"tls":{"secretName":"certificate"},"ingress":{"className":%q}}}`, EdgeClass))
			Eventually(func() map[string]any { return KubectlGet(namespace, "httproute", "acme-scim") }).WithTimeout(time.Minute).Should(BeNil())
			Expect(Dig(KubectlGet(namespace, "ingress", "acme-scim"), "status/loadBalancer/ingress/0/ip")).NotTo(BeNil())
			Expect(urlOf("acme")).To(Equal(url))
			patch("acme", fmt.Sprintf(`{"endpoint":{"tls":null,"ingress":null,"httpRoute":{"parentRefs":[{"name":"public","namespace":%q,"sectionName":"https"}]}}}`, infra))
			Eventually(func() map[string]any { return KubectlGet(namespace, "ingress", "acme-scim") }).WithTimeout(time.Minute).Should(BeNil())
			says("acme", "True", scimv1alpha1.ReasonSucceeded, "accepted")
			Expect(urlOf("acme")).To(Equal(url))
		})
	})

	It("also while they are moved, at the same URL", func() {
		url := urlOf("acme")
		// That no request fails is tested without nginx, which closes idle connections whenever pods come and go.
		moveTo(namespace, toShared, "shared-scim-server", "acme")
		Expect(urlOf("acme")).To(Equal(url))
		acme.Get(Users + "?count=0").Has(http.StatusOK)
		Expect(Dig(KubectlGet(namespace, "httproute", "acme-scim"), "spec/rules/0/backendRefs/0/name")).To(Equal("shared-scim-server"))
		WaitFor(namespace, "condition=Ready", "scimtenant/acme")
	})

	It("that name neither host nor Gateway, by the operator's configuration", func(ctx SpecContext) {
		ChangeRelease(chart).Upgrade(ctx, fmt.Sprintf(`
config:
  endpoint:
    hostTemplate: "{tenant}.%s"
    httpRoute: {parentRefs: [{name: public, namespace: %s, sectionName: https}]}
`, domain, infra))
		Apply(NewTenant(namespace, "globex", scimv1alpha1.IdentityProviderGeneric, OneReplica), NewKey(namespace, "globex", "globex"))
		WaitFor(namespace, "condition=Ready", "scimtenant/globex", "scimapikey/globex")
		Expect(urlOf("globex")).To(Equal("https://globex." + domain + "/scim/v2"))
		token, _ := TokenOf(namespace, "globex")
		through("globex", token).AwaitAnswer()
	})

	It("and none any more when the definitions are deleted, of which the operator and other tenants survive", func() {
		Kubectl("delete", "crd", "httproutes.gateway.networking.k8s.io", "--timeout=60s")
		says("acme", "False", scimv1alpha1.ReasonGatewayAPINotFound, "install the Gateway API")
		Apply(NewTenant(namespace, "inside", scimv1alpha1.IdentityProviderGeneric, OneReplica))
		WaitFor(namespace, "condition=Ready", "scimtenant/inside")
		// Pods of the configuration before may be going still.
		Expect(Kubectl("get", "pods", "-n", OperatorKey.Namespace, "-o", "jsonpath={.items[*].status.containerStatuses[*].restartCount}")).To(MatchRegexp(`^0( 0)*$`))
	})
})
