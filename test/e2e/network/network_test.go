package network

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/test/internal/issuer"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

const (
	// metricsPort and probesPort are those of the operator.
	metricsPort, probesPort = 8443, 8081
	// audience and subject are those of the assertions that the issuer gives out.
	audience, subject = "api://scim", "provisioning"
)

// isolating has the operator make NetworkPolicies: for clients in one namespace, of which those with a label, for a
// Prometheus in another one, for the API server at its addresses, and for an issuer at a private address.
const isolating = `
config:
  allow:
    issuers: {hosts: ["%[1]s"], networks: ["%[2]s/32"]}
  networkPolicy:
    enabled: true
    clients:
      - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[3]s}}
        podSelector: {matchLabels: {app: gateway}}
    scrapers:
      - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: %[4]s}}
    apiServer: {networks: [%[5]s], ports: [443, 6443]}
`

var _ = Describe("NetworkPolicies", Ordered, Serial, func() {
	var (
		release        *Release
		acme, globex   *Tenant // with a server of its own, and on a shared one
		provider       *issuer.Issuer
		machine        string
		apiServer      []string
		gateway        caller // that may reach the SCIM API
		beside         caller // in the namespace of the gateway, without its label
		prometheus     caller
		neighbour      caller // in the namespace of the tenants
		outsider       caller
		inOperators    caller // in the operator's namespace
		own, shared    string // the addresses of a pod of each server
		operator       string
		ofServers, all []string
	)

	// pods reads where the pods of the servers and of the operator are, once no former one is left.
	pods := func(ctx SpecContext) {
		GinkgoHelper()
		Recovered(ctx, acme)
		Recovered(ctx, globex)
		own, shared = acme.Pods(ctx)[0].Status.PodIP, globex.Pods(ctx)[0].Status.PodIP
		operator = OperatorPods(ctx)[0].Status.PodIP
		ofServers = nil
		for _, pod := range []string{own, shared} {
			ofServers = append(ofServers, at(pod, contract.PortSCIM), at(pod, contract.PortHealth), at(pod, contract.PortPeers))
		}
		all = append(append([]string{}, ofServers...), at(operator, metricsPort), at(operator, probesPort))
	}

	BeforeAll(func(ctx SpecContext) {
		namespace, elsewhere := NewNamespace(ctx, "isolated"), NewNamespace(ctx, "elsewhere")
		ingress, monitoring := NewNamespace(ctx, "ingress"), NewNamespace(ctx, "monitoring")
		Apply(NewServer(namespace, "shared", 2))
		tenants := ServeIn(ctx, namespace, NewTenant(namespace, "acme", scimv1alpha1.IdentityProviderGeneric, Unlimited),
			NewTenant(namespace, "globex", scimv1alpha1.IdentityProviderGeneric, Unlimited, On("shared")))
		acme, globex = tenants[0], tenants[1]
		gateway = newCaller(ctx, ingress, "gateway", map[string]string{"app": "gateway"})
		beside = newCaller(ctx, ingress, "beside", nil)
		prometheus = newCaller(ctx, monitoring, "prometheus", nil)
		neighbour = newCaller(ctx, namespace, "neighbour", map[string]string{"app": "gateway"})
		outsider = newCaller(ctx, elsewhere, "outsider", map[string]string{"app": "gateway"})
		inOperators = newCaller(ctx, OperatorKey.Namespace, Unique("caller"), nil)

		machine = AddressOfThisMachine(ctx)
		var err error
		provider, err = issuer.New(machine)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { Expect(provider.Stop()).To(Succeed()) })
		apiServer = []string{Kubectl("get", "service", "kubernetes", "-n", "default", "-o", "jsonpath={.spec.clusterIP}")}
		apiServer = append(apiServer, strings.Fields(Kubectl("get", "endpointslice", "kubernetes", "-n", "default", "-o", "jsonpath={.endpoints[*].addresses[*]}"))...)

		By("letting everybody in")
		pods(ctx)
		for _, c := range []caller{outsider, neighbour, gateway, prometheus, inOperators} {
			c.expectReaches(all, all...)
		}
		release = ChangeRelease(chart)
		release.Upgrade(ctx, fmt.Sprintf(isolating, strings.TrimPrefix(provider.URL, "https://"), machine, gateway.namespace, prometheus.namespace,
			strings.Join(apiServer, "/32, ")+"/32"))
		// Another issuer is another argument of every server: the pods that run from here on began under the policies.
		for _, t := range []*Tenant{acme, globex} {
			Eventually(func() []corev1.Pod { return t.Pods(ctx) }).WithTimeout(3 * time.Minute).WithPolling(time.Second).Should(HaveEach(
				HaveField("Spec.Containers", HaveEach(HaveField("Args", ContainElement(ContainSubstring(strings.TrimPrefix(provider.URL, "https://"))))))))
		}
		pods(ctx)
		for _, t := range []*Tenant{acme, globex} {
			t.Expose(ctx)
		}
	})

	It("let nobody reach servers and the operator but who is listed", func() {
		scim, health := []string{at(own, contract.PortSCIM), at(shared, contract.PortSCIM)}, []string{at(own, contract.PortHealth), at(shared, contract.PortHealth)}
		for _, c := range []struct {
			caller
			who    string
			wanted []string
		}{
			{outsider, "an outsider", nil},
			{neighbour, "another pod of the tenants' namespace", nil},
			{beside, "a pod beside the gateway", nil},
			{gateway, "the gateway", scim},
			{prometheus, "Prometheus", append([]string{at(operator, metricsPort)}, health...)},
			{inOperators, "a pod beside the operator", health},
		} {
			c.expectReaches(all, c.wanted...)
			AddReportEntry(c.who+", at the ports of a server, a ScimServer and the operator", fmt.Sprintf("reaches %d, is refused at %d", len(c.wanted), len(all)-len(c.wanted)))
		}
	})

	It("keep the replicas of a server, the operator, the kubelet, the API server and issuers in touch", func(ctx SpecContext) {
		for _, t := range []*Tenant{acme, globex} {
			before := fallbacks(ctx, t)
			const rounds = 50
			for range rounds {
				user := t.Send(http.MethodPost, Users, PlainUser(Unique("user")+"@example.com")).Has(http.StatusCreated)
				t.Get(Users + "/" + user.ID()).Has(http.StatusOK)
			}
			Expect(fallbacks(ctx, t)).To(Equal(before), "reads that were left to the API server since a replica could not be asked")
			Eventually(func() any { return Dig(KubectlGet(t.Namespace, "scimtenant", t.Name), "status/users") }).
				WithTimeout(time.Minute).Should(BeEquivalentTo(rounds), "the operator asks the pods")
			for _, pod := range t.Pods(ctx) {
				Expect(MetricsOf(pod)).To(MatchRegexp(`(?m)^kubescim_barrier_members\{[^}]*\} 2$`))
				Expect(pod.Status.ContainerStatuses[0].RestartCount).To(BeZero(), "the kubelet finds it alive")
			}
			AddReportEntry(t.Name+": writes that the other replica showed in the next read, and reads that were left to the API server meanwhile", fmt.Sprintf("%d, 0", rounds))
		}
		Apply(NewKey(acme.Namespace, "idp", acme.Name, func(spec *scimv1alpha1.ScimApiKeySpec) {
			spec.Federated = scimv1alpha1.Federation{
				Issuer: provider.URL, CABundle: provider.CABundle, Audiences: []scimv1alpha1.Audience{audience},
				Claims: map[string]scimv1alpha1.ClaimValue{"sub": subject},
			}
		}))
		WaitFor(acme.Namespace, "condition=Ready", "scimapikey/idp")
		acme.EveryReplica(func(c *Client) {
			assertion, err := provider.Token(subject, audience)
			Expect(err).NotTo(HaveOccurred())
			c.WithToken(Exchange(c, "idp", assertion)).Get(Users + "?count=0").Has(http.StatusOK)
		})
	})

	It("let a server reach nothing else", func(ctx SpecContext) {
		twin := newCaller(ctx, acme.Namespace, "twin", acme.Labels()) // It goes at the end of the spec.
		kubernetes, keys := at(apiServer[0], 443), strings.TrimPrefix(provider.URL, "https://")
		others := append([]string{at(outsider.address, 8080), at(outsider.address, 6443), at(operator, metricsPort)}, ofServers...)
		twin.expectReaches(append(others, kubernetes, keys), at(own, contract.PortPeers), kubernetes, keys)
	})

	It("are not widened by who may change them, nor by the author of a tenant", func() {
		tenantOf := func() map[string]any { return KubectlGet(acme.Namespace, "scimtenant", acme.Name) }
		policyOf := func() any { return KubectlGet(acme.Namespace, "networkpolicy", "acme-scim")["spec"] }
		made := policyOf()
		for _, change := range [][]string{
			{"patch", "networkpolicy", "-n", acme.Namespace, "acme-scim", "--type=merge", "-p", `{"spec":{"ingress":[{}]},"metadata":{"labels":null}}`},
			{"patch", "networkpolicy", "-n", acme.Namespace, "acme-scim", "--type=merge", "-p", `{"spec":{"policyTypes":["Egress"]},"metadata":{"ownerReferences":null}}`},
			{"delete", "networkpolicy", "-n", acme.Namespace, "acme-scim"},
		} {
			Kubectl(change...)
			Eventually(policyOf).Should(Equal(made), strings.Join(change, " "))
		}
		Kubectl("patch", "scimtenant", "-n", acme.Namespace, acme.Name, "--type=merge", "-p",
			`{"spec":{"server":{"pod":{"labels":{"app.kubernetes.io/name":"other"}}}}}`)
		Eventually(func() string { return fmt.Sprint(Dig(tenantOf(), "status/conditions")) }).Should(ContainSubstring(scimv1alpha1.ReasonNotAllowed))
		Expect(policyOf()).To(Equal(made))
		Kubectl("patch", "scimtenant", "-n", acme.Namespace, acme.Name, "--type=merge", "-p", `{"spec":{"server":{"pod":null}}}`)
		WaitFor(acme.Namespace, "condition=Ready", "scimtenant/"+acme.Name)
		outsider.expectReaches(all)
		gateway.expectReaches(all, at(own, contract.PortSCIM), at(shared, contract.PortSCIM))
	})

	It("let the gateway reach a tenant that is moved to a shared server, at the port that it has there", func() {
		Kubectl("patch", "scimtenant", acme.Name, "-n", acme.Namespace, "--type=merge", "-p", `{"spec":{"serverRef":{"name":"shared"},"server":null}}`)
		Eventually(func() any {
			status := KubectlGet(acme.Namespace, "scimtenant", acme.Name)
			return []any{Dig(status, "status/servers/0/name"), Dig(status, "status/servers/0/mode")}
		}).WithTimeout(3 * time.Minute).WithPolling(time.Second).Should(Equal([]any{contract.SharedServiceName("shared"), "Memory"}))
		moved := at(shared, contract.FirstTenantPort)
		for _, c := range []caller{outsider, neighbour, prometheus} {
			Expect(c.reaches(moved)).To(BeEmpty())
		}
		Expect(gateway.reaches(moved)).To(ConsistOf(moved))
		Eventually(func() map[string]any { return KubectlGet(acme.Namespace, "networkpolicy", "acme-scim") }).WithTimeout(2*time.Minute).
			Should(BeNil(), "what isolated its own server goes with that")
	})

	It("go when they are switched off", func(ctx SpecContext) {
		release.PutBack(ctx)
		Eventually(func() string {
			return Kubectl("get", "networkpolicies", "--all-namespaces", "-l", "app.kubernetes.io/part-of=kubescim", "-o", "name")
		}).WithTimeout(time.Minute).Should(BeEmpty())
		outsider.expectReaches([]string{at(shared, contract.PortSCIM)}, at(shared, contract.PortSCIM))
	})
})

// fallbacks is how many reads the pods of a tenant's server have left to the API server, since another one could not
// be asked.
func fallbacks(ctx SpecContext, t *Tenant) (lines []string) {
	GinkgoHelper()
	for _, pod := range t.Pods(ctx) {
		lines = append(lines, regexp.MustCompile(`(?m)^kubescim_barrier_fallbacks_total.*$`).FindAllString(MetricsOf(pod), -1)...)
	}
	return lines
}
