package e2e

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// What is changed of a tenant that is moved.
const (
	toShared = `{"spec":{"serverRef":{"name":"shared"},"server":null}}`
	toItsOwn = `{"spec":{"serverRef":null}}`
)

// moveTo changes tenants, and waits until each is served by the server with a name, or of its own with "".
func moveTo(namespace, patch, server string, tenants ...string) {
	GinkgoHelper()
	began := time.Now()
	for _, tenant := range tenants {
		Kubectl("patch", "scimtenant", tenant, "-n", namespace, "--type=merge", "-p", patch)
	}
	for _, tenant := range tenants {
		Eventually(func() any {
			status := KubectlGet(namespace, "scimtenant", tenant)
			return []any{Dig(status, "status/servers/0/name"), Dig(status, "status/servers/0/mode"), conditionOf(status, scimv1alpha1.ConditionMoved)["status"]}
		}).WithTimeout(5 * time.Minute).WithPolling(time.Second).Should(Equal([]any{cmp.Or(server, contract.ServiceName(tenant)), "Memory", "True"}))
	}
	AddReportEntry("moved to "+cmp.Or(server, "its own server"), time.Since(began).Round(time.Second).String())
}

// atService sends requests to a tenant's own Service, which leads to other pods when it is moved, by the IP
// address.
func atService(namespace, tenant, token string) *Client {
	GinkgoHelper()
	address := Kubectl("get", "service", "-n", namespace, contract.ServiceName(tenant), "-o", "jsonpath={.spec.clusterIP}")
	service := NewClient("http://"+address+scimv1alpha1.DefaultPath, token)
	service.AwaitAnswer()
	return service
}

var _ = Describe("A tenant that is moved between servers", func() {
	It("loses no request and misses no write, from its own server to a ScimServer and back", func(ctx SpecContext) {
		namespace := NewNamespace(ctx, "moved")
		Apply(NewServer(namespace, "shared", 2), NewTenant(namespace, "acme", scimv1alpha1.IdentityProviderGeneric), NewKey(namespace, "acme", "acme"))
		WaitFor(namespace, "condition=Ready", "scimserver/shared", "scimtenant/acme", "scimapikey/acme")
		token, _ := TokenOf(namespace, "acme")
		url := Dig(KubectlGet(namespace, "scimtenant", "acme"), "status/url")
		Expect(url).To(Equal("http://acme-scim." + namespace + ".svc/scim/v2"))
		service := atService(namespace, "acme", token)
		users := CreateUsers(service, 1000)
		// Whoever calls the Service finds the tenant, by whatever host: its IP address, its name, that of a gateway.
		hosts := map[string]*Client{"its IP address": service}
		for _, host := range []string{"acme-scim." + namespace + ".svc", "gateway.example.com", "127.0.0.1:8080", "shared-scim-server." + namespace + ".svc"} {
			hosts[host] = service.With("Host", host)
		}
		callByAll := func() {
			GinkgoHelper()
			for host, c := range hosts {
				made := c.Do(http.MethodPost, Users, PlainUser(Unique("by-host")+"@example.com")).Has(http.StatusCreated)
				if c != service {
					Expect(made.At("meta/location")).To(HavePrefix("http://" + host + "/scim/v2/Users/"))
				}
				c.Do(http.MethodDelete, Users+"/"+made.ID(), "").Has(http.StatusNoContent)
			}
		}
		callByAll()

		clients := &CheckingClients{}
		clients.Start(service, 16, 400*time.Millisecond, users)
		for _, step := range []struct{ patch, server, shown string }{
			{toShared, "shared-scim-server", "scimserver/shared"}, {toItsOwn, "", "deployment/acme-scim"},
		} {
			moveTo(namespace, step.patch, step.server, "acme")
			Expect(Dig(KubectlGet(namespace, "scimtenant", "acme"), "status/url")).To(Equal(url))
			Expect(Kubectl("get", "scimtenant", "acme", "-n", namespace, "-o", "wide")).To(ContainSubstring(" " + step.shown + " "))
			callByAll()
			if step.patch == toShared {
				Eventually(func() any { return KubectlList(namespace, "deployments") }).WithTimeout(2*time.Minute).Should(HaveLen(1), "its own server goes")
				Expect(Dig(KubectlGet(namespace, "scimtenant", "acme"), "status/servers/0/port")).To(BeEquivalentTo(contract.FirstTenantPort))
				Expect(KubectlList(namespace, "leases", "-l", "scim.kubescim.dev/lease=port")).To(HaveLen(1))
			}
		}
		Expect(KubectlList(namespace, "leases", "-l", "scim.kubescim.dev/lease=port")).To(BeEmpty(), "the port is given up")
		reads, writes, failed, stale := clients.Stop()
		AddReportEntry("requests", fmt.Sprintf("%d reads and %d writes, %d failed, %d stale", reads, writes, len(failed), len(stale)))
		Expect(failed).To(BeEmpty(), "the first requests that failed: %.600s", strings.Join(failed, "\n"))
		Expect(stale).To(BeEmpty(), "the first reads that missed something: %.600s", strings.Join(stale, "\n"))
		Expect(reads).To(BeNumerically(">", 500))

		By("leaving one server, with all users, and no warning")
		Expect(KubectlList(namespace, "deployments")).To(HaveLen(2))
		Expect(service.Get(Users + "?count=0").Has(http.StatusOK).At("totalResults")).To(BeEquivalentTo(1000))
		Expect(KubectlList(namespace, "events", "--field-selector", "type=Warning,involvedObject.kind=ScimTenant")).To(BeEmpty())
	})

	It("keeps the access tokens of its OAuth clients, and waits for those that go on calling its former server", Label("drill"), func(ctx SpecContext) {
		namespace := NewNamespace(ctx, "moved")
		Apply(NewServer(namespace, "shared", 1), NewTenant(namespace, "acme", scimv1alpha1.IdentityProviderGeneric, OneReplica),
			NewKey(namespace, "client", "acme", func(spec *scimv1alpha1.ScimApiKeySpec) { spec.OAuthClient = &scimv1alpha1.OAuthClient{} }))
		WaitFor(namespace, "condition=Ready", "scimserver/shared", "scimtenant/acme", "scimapikey/client")
		secret := &corev1.Secret{}
		Expect(Cluster.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "client"}, secret)).To(Succeed())
		clientSecret := string(secret.Data["clientSecret"])
		service := atService(namespace, "acme", "")
		tokens := []string{AccessToken(service, "client", clientSecret)}

		By("saying who keeps it waiting")
		former := KubectlList(namespace, "pods", "-l", "app.kubernetes.io/name=kubescim-server,app.kubernetes.io/instance=acme")[0]
		caller := NewClient(fmt.Sprintf("http://%s:8080/scim/v2", Dig(former, "status/podIP")), tokens[0])
		Kubectl("patch", "scimtenant", "acme", "-n", namespace, "--type=merge", "-p", toShared)
		Eventually(func() any {
			caller.Get(Users).Has(http.StatusOK)
			return conditionOf(KubectlGet(namespace, "scimtenant", "acme"), scimv1alpha1.ConditionMoved)["message"]
		}).WithTimeout(3 * time.Minute).WithPolling(time.Second).Should(
			ContainSubstring(fmt.Sprintf(`pod %s still gets some, the last with ScimApiKey "client"`, Dig(former, "metadata/name"))))
		moveTo(namespace, toShared, "shared-scim-server", "acme")
		tokens = append(tokens, AccessToken(service, "client", clientSecret))
		for _, token := range tokens {
			service.WithToken(token).Get(Users).Has(http.StatusOK)
		}
	})
})
