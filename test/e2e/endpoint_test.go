package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

var _ = Describe("The host of a tenant", func() {
	hosted := func(host, class string) func(*scimv1alpha1.ScimTenantSpec) {
		return func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Endpoint.Host, spec.Endpoint.Path = host, "/api/scim/v2"
			spec.Endpoint.TLS = scimv1alpha1.EndpointTLS{SecretName: "certificate"}
			spec.Endpoint.Ingress = scimv1alpha1.EndpointIngress{ClassName: class}
		}
	}
	// has waits until a tenant has a condition, and returns the condition.
	has := func(namespace, tenant, kind, status, reason string) map[string]any {
		GinkgoHelper()
		var condition map[string]any
		Eventually(func(g Gomega) {
			condition = conditionOf(kubectlGet(namespace, "scimtenant", tenant), kind)
			g.Expect(condition).To(And(HaveKeyWithValue("status", status), HaveKeyWithValue("reason", reason)))
		}).Should(Succeed())
		return condition
	}

	It("needs an Ingress class, and belongs to one tenant in the cluster", func(ctx SpecContext) {
		namespace, elsewhere := newNamespace(ctx, "host"), newNamespace(ctx, "host")
		host, class := namespace+".example.com", namespace
		url := "https://" + host + "/api/scim/v2"
		apply(newTenant(namespace, "first", scimv1alpha1.IdentityProviderOkta, oneReplica, hosted(host, class)))

		By("having no Ingress class")
		condition := has(namespace, "first", scimv1alpha1.ConditionEndpointAccepted, "False", scimv1alpha1.ReasonIngressClassNotFound)
		Expect(condition["message"]).To(And(ContainSubstring(class), ContainSubstring("spec.endpoint.ingress.className")))
		has(namespace, "first", scimv1alpha1.ConditionStalled, "True", scimv1alpha1.ReasonIngressClassNotFound)

		By("getting the class")
		ingressClass := &networkingv1.IngressClass{
			ObjectMeta: metav1.ObjectMeta{Name: class},
			Spec:       networkingv1.IngressClassSpec{Controller: "example.com/none"},
		}
		Expect(cluster.Create(ctx, ingressClass)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(cluster.Delete(ctx, ingressClass)).To(Succeed()) })
		has(namespace, "first", scimv1alpha1.ConditionEndpointAccepted, "True", scimv1alpha1.ReasonSucceeded)
		waitFor(namespace, "condition=Ready", "scimtenant/first")
		Expect(kubectl("get", "scimtenant", "-n", namespace, "first", "-o", "jsonpath={.status.url}")).To(Equal(url))
		want{
			"spec/ingressClassName":      class,
			"spec/rules/0/host":          host,
			"spec/rules/0/http/paths/0":  And(HaveKeyWithValue("path", "/api/scim/v2"), HaveKeyWithValue("pathType", "Prefix")),
			"spec/tls/0/secretName":      "certificate",
			"spec/tls/0/hosts/0":         host,
			"metadata/ownerReferences/0": HaveKeyWithValue("name", "first"),
		}.in(kubectlGet(namespace, "ingress", "first-scim"), "the Ingress")

		By("wanting the host of another tenant")
		apply(newTenant(elsewhere, "second", scimv1alpha1.IdentityProviderOkta, oneReplica, hosted(host, class)))
		condition = has(elsewhere, "second", scimv1alpha1.ConditionEndpointAccepted, "False", scimv1alpha1.ReasonHostConflict)
		Expect(condition["message"]).To(ContainSubstring("set spec.endpoint.host to another host"))
		has(elsewhere, "second", scimv1alpha1.ConditionReady, "False", scimv1alpha1.ReasonHostConflict)
		Expect(kubectlGet(elsewhere, "ingress", "second-scim")).To(BeNil())
		Expect(kubectl("get", "scimtenant", "-n", elsewhere, "second", "-o", "jsonpath={.status.url}")).To(BeEmpty())
		has(namespace, "first", scimv1alpha1.ConditionEndpointAccepted, "True", scimv1alpha1.ReasonSucceeded)

		By("publishing the URL of the host in every answer")
		apply(newKey(namespace, "first", "first"))
		waitFor(namespace, "condition=Ready", "scimapikey/first")
		t := &tenant{namespace: namespace, name: "first", path: "/api/scim/v2"}
		t.token, t.keyID = tokenOf(namespace, "first")
		t.expose(ctx)
		r := t.send("POST", users, plainUser("ada@example.com")).has(201)
		Expect(r.header.Get("Location")).To(Equal(url + users + "/" + r.id()))
		Expect(r.at("meta/location")).To(Equal(url + users + "/" + r.id()))

		By("getting the host when the other tenant is gone")
		kubectl("delete", "scimtenant", "-n", namespace, "first", "--timeout=60s")
		has(elsewhere, "second", scimv1alpha1.ConditionEndpointAccepted, "True", scimv1alpha1.ReasonSucceeded)
		Expect(cluster.Get(ctx, client.ObjectKey{Namespace: elsewhere, Name: "second-scim"}, &networkingv1.Ingress{})).To(Succeed())
	})
})
