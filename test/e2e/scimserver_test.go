package e2e

import (
	"context"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("A ScimServer", func() {
	It("serves tenants by path and by host, forgets one that is deleted, and goes only when that is meant", func(ctx SpecContext) {
		namespace := NewNamespace(ctx, "shared")
		hosted := func(spec *scimv1alpha1.ScimTenantSpec) {
			On("shared")(spec)
			spec.Endpoint.Host, spec.Endpoint.Path = "globex."+namespace+".example.com", "/api"
			spec.Endpoint.TLS.Termination = scimv1alpha1.TLSTerminationElsewhere
			spec.Endpoint.Ingress.ClassName = "none"
		}
		Apply(NewServer(namespace, "shared", 2),
			NewTenant(namespace, "acme", scimv1alpha1.IdentityProviderEntra, On("shared")), NewKey(namespace, "acme", "acme"),
			NewTenant(namespace, "initech", scimv1alpha1.IdentityProviderOkta, On("shared"), func(spec *scimv1alpha1.ScimTenantSpec) {
				spec.DeletionPolicy = scimv1alpha1.DeletionPolicyDelete
			}), NewKey(namespace, "initech", "initech"),
			NewTenant(namespace, "globex", scimv1alpha1.IdentityProviderOkta, hosted))
		WaitFor(namespace, "condition=Ready", "scimserver/shared", "scimtenant/acme", "scimtenant/initech", "scimapikey/acme", "scimapikey/initech")
		Expect(KubectlList(namespace, "deployments")).To(HaveLen(1))
		Expect(Kubectl("get", "scim", "-n", namespace)).To(ContainSubstring("scimserver.scim.kubescim.dev/shared"))

		at := func(tenant string) *Client {
			t := &Tenant{Namespace: namespace, Name: tenant, Path: contract.SharedPath(tenant), Server: "shared"}
			token, _ := TokenOf(namespace, tenant)
			return NewClient(t.NodePort(ctx, t.Labels()), token)
		}
		acme, initech := at("acme"), at("initech")
		babs := acme.Do(http.MethodPost, "/Users", PlainUser(Plant("userName", "babs@example.com"))).Has(http.StatusCreated).ID()
		jim := initech.Do(http.MethodPost, "/Users", PlainUser(Plant("userName", "jim@example.com"))).Has(http.StatusCreated).ID()
		Eventually(func() any { return Dig(KubectlGet(namespace, "scimtenant", "acme"), "status/users") }).WithTimeout(time.Minute).Should(BeEquivalentTo(1))

		By("keeping the tenants apart")
		acme.Get("/Users/"+jim).IsError(http.StatusNotFound, "")
		foreign, _ := TokenOf(namespace, "initech")
		acme.WithToken(foreign).Get("/Users").IsError(http.StatusUnauthorized, "")

		By("giving nobody a host that no Ingress publishes for them")
		Expect(Dig(KubectlGet(namespace, "scimtenant", "globex"), "status/servers/0/host")).To(BeNil())

		By("giving it the rights of its own account, and no others")
		account := client.ObjectKey{Namespace: namespace, Name: "shared-scim-server"}
		everyone := mayDo(context.Background(), client.ObjectKey{Namespace: namespace, Name: "no-such-account"}, namespace)
		Expect(mayDo(context.Background(), account, namespace)).To(Equal(everyone.and(rightsOfSharedServer())))
		Expect(mayDo(context.Background(), account, "default")).To(Equal(everyone))

		By("not moving a tenant away whose clients know no other URL")
		Kubectl("patch", "scimtenant", "acme", "-n", namespace, "--type=merge", "-p", `{"spec":{"serverRef":{"name":"other"}}}`)
		Eventually(func() any {
			return conditionOf(KubectlGet(namespace, "scimtenant", "acme"), scimv1alpha1.ConditionMoved)["reason"]
		}).Should(Equal(scimv1alpha1.ReasonURLWouldChange))
		acme.Get("/Users/" + babs).Has(http.StatusOK)
		Kubectl("patch", "scimtenant", "acme", "-n", namespace, "--type=merge", "-p", `{"spec":{"serverRef":{"name":"shared"}}}`)
		WaitFor(namespace, "condition=Ready", "scimtenant/acme")

		By("deleting one tenant, and serving the other")
		Kubectl("delete", "scimtenant", "initech", "-n", namespace)
		Expect(KubectlList(namespace, "scimusers")).To(HaveLen(1))
		initech.Get("/Users").IsError(http.StatusUnauthorized, "")
		acme.Get("/Users/" + babs).Has(http.StatusOK)

		By("keeping a server that is to be deleted, and serving on")
		served := func() (int, error) {
			answer, err := acme.Try(http.MethodGet, "/Users/"+babs, "")
			if err != nil {
				return 0, err
			}
			return answer.Status, nil
		}
		deleting := func(cascade string) {
			GinkgoHelper()
			Kubectl("delete", "scimserver", "shared", "-n", namespace, "--cascade="+cascade, "--wait=false")
			Eventually(func() any {
				return conditionOf(KubectlGet(namespace, "scimserver", "shared"), scimv1alpha1.ConditionReady)
			}).Should(And(HaveKeyWithValue("reason", scimv1alpha1.ReasonHasTenants), HaveKeyWithValue("message", ContainSubstring(`ScimTenants "acme", "globex"`))))
		}
		deleting("background")
		Consistently(served, "5s").Should(Equal(http.StatusOK))

		By("deleting it since that is said to be meant, which leaves the tenant and its users")
		Kubectl("annotate", "scimserver", "shared", "-n", namespace, "scim.kubescim.dev/abandon-tenants=true")
		Kubectl("wait", "--for=delete", "scimserver/shared", "-n", namespace, "--timeout=2m")
		Eventually(func() any {
			return conditionOf(KubectlGet(namespace, "scimtenant", "acme"), scimv1alpha1.ConditionServerAvailable)["reason"]
		}).Should(Equal(scimv1alpha1.ReasonServerNotFound))
		Eventually(func() any {
			return conditionOf(KubectlGet(namespace, "scimapikey", "acme"), scimv1alpha1.ConditionReady)["reason"]
		}).Should(Equal(scimv1alpha1.ReasonServerNotFound))
		Expect(KubectlList(namespace, "scimusers")).To(HaveLen(1))
		Apply(NewServer(namespace, "shared", 2))
		WaitFor(namespace, "condition=Ready", "scimserver/shared", "scimtenant/acme", "scimapikey/acme")
		Eventually(served).Should(Equal(http.StatusOK))

		By("bringing back what the cluster has deleted before its tenants are gone, and going with the last one")
		deleting("foreground")
		Eventually(func() any {
			return Dig(KubectlGet(namespace, "deployment", "shared-scim-server"), "status/readyReplicas")
		}).
			WithTimeout(time.Minute).Should(BeEquivalentTo(2))
		Eventually(served).Should(Equal(http.StatusOK))
		Consistently(served, "5s").Should(Equal(http.StatusOK))
		Kubectl("delete", "scimtenants", "--all", "-n", namespace)
		Kubectl("wait", "--for=delete", "scimserver/shared", "-n", namespace, "--timeout=2m")
	})
})
