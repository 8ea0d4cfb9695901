package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
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
			condition = conditionOf(KubectlGet(namespace, "scimtenant", tenant), kind)
			g.Expect(condition).To(And(HaveKeyWithValue("status", status), HaveKeyWithValue("reason", reason)))
		}).Should(Succeed())
		return condition
	}

	It("needs an Ingress class, and belongs to one tenant in the cluster", func(ctx SpecContext) {
		namespace, elsewhere := NewNamespace(ctx, "host"), NewNamespace(ctx, "host")
		host, class := namespace+".example.com", namespace
		url := "https://" + host + "/api/scim/v2"
		Apply(NewTenant(namespace, "first", scimv1alpha1.IdentityProviderOkta, OneReplica, hosted(host, class)))

		By("having no Ingress class")
		condition := has(namespace, "first", scimv1alpha1.ConditionEndpointAccepted, "False", scimv1alpha1.ReasonIngressClassNotFound)
		Expect(condition["message"]).To(And(ContainSubstring(class), ContainSubstring("spec.endpoint.ingress.className"), ContainSubstring(`there is no Secret "certificate"`)))
		has(namespace, "first", scimv1alpha1.ConditionStalled, "True", scimv1alpha1.ReasonIngressClassNotFound)

		By("getting the class")
		ingressClass := &networkingv1.IngressClass{
			ObjectMeta: metav1.ObjectMeta{Name: class},
			Spec:       networkingv1.IngressClassSpec{Controller: "example.com/none"},
		}
		Expect(Cluster.Create(ctx, ingressClass)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(Cluster.Delete(ctx, ingressClass)).To(Succeed()) })
		has(namespace, "first", scimv1alpha1.ConditionEndpointAccepted, "True", scimv1alpha1.ReasonSucceeded)
		has(namespace, "first", scimv1alpha1.ConditionEndpointConfirmed, "False", scimv1alpha1.ReasonEndpointUnconfirmed)

		By("having no certificate, and then one for another host")
		has(namespace, "first", scimv1alpha1.ConditionStalled, "True", scimv1alpha1.ReasonCertificateNotFound)
		for _, certified := range []string{"other.example.com", host} {
			chain, err := controllertest.SelfSigned(certified, time.Now().Add(-time.Hour), 2*time.Hour)
			Expect(err).NotTo(HaveOccurred())
			Apply(&corev1.Secret{
				TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "certificate"},
				Type:       corev1.SecretTypeTLS,
				Data:       map[string][]byte{corev1.TLSCertKey: chain, corev1.TLSPrivateKeyKey: []byte("none")},
			})
			if certified != host {
				has(namespace, "first", scimv1alpha1.ConditionStalled, "True", scimv1alpha1.ReasonCertificateNotForHost)
			}
		}
		WaitFor(namespace, "condition=Ready", "scimtenant/first")
		Expect(Kubectl("get", "scimtenant", "-n", namespace, "first", "-o", "jsonpath={.status.url}")).To(Equal(url))
		Want{
			"spec/ingressClassName":      class,
			"spec/rules/0/host":          host,
			"spec/rules/0/http/paths/0":  And(HaveKeyWithValue("path", "/api/scim/v2"), HaveKeyWithValue("pathType", "Prefix")),
			"spec/tls/0/secretName":      "certificate",
			"spec/tls/0/hosts/0":         host,
			"metadata/ownerReferences/0": HaveKeyWithValue("name", "first"),
		}.In(KubectlGet(namespace, "ingress", "first-scim"), "the Ingress")

		By("wanting the host of another tenant")
		Apply(NewTenant(elsewhere, "second", scimv1alpha1.IdentityProviderOkta, OneReplica, hosted(host, class)))
		condition = has(elsewhere, "second", scimv1alpha1.ConditionEndpointAccepted, "False", scimv1alpha1.ReasonHostConflict)
		Expect(condition["message"]).To(ContainSubstring("set spec.endpoint.host to another host"))
		has(elsewhere, "second", scimv1alpha1.ConditionReady, "False", scimv1alpha1.ReasonHostConflict)
		Expect(KubectlGet(elsewhere, "ingress", "second-scim")).To(BeNil())
		Expect(Kubectl("get", "scimtenant", "-n", elsewhere, "second", "-o", "jsonpath={.status.url}")).To(BeEmpty())
		has(namespace, "first", scimv1alpha1.ConditionEndpointAccepted, "True", scimv1alpha1.ReasonSucceeded)

		By("publishing the URL of the host in every answer")
		Apply(NewKey(namespace, "first", "first"))
		WaitFor(namespace, "condition=Ready", "scimapikey/first")
		t := &Tenant{Namespace: namespace, Name: "first", Path: "/api/scim/v2"}
		t.Token, t.KeyID = TokenOf(namespace, "first")
		t.Expose(ctx)
		r := t.Send("POST", Users, PlainUser("ada@example.com")).Has(201)
		Expect(r.Header.Get("Location")).To(Equal(url + Users + "/" + r.ID()))
		Expect(r.At("meta/location")).To(Equal(url + Users + "/" + r.ID()))

		By("getting the host when the other tenant is gone, and whoever runs the operator keeps it for that one no longer")
		Kubectl("delete", "scimtenant", "-n", namespace, "first", "--timeout=60s")
		record := operand.HostRecordName(host)
		Eventually(func() any {
			return conditionOf(KubectlGet(elsewhere, "scimtenant", "second"), scimv1alpha1.ConditionEndpointAccepted)["message"]
		}).WithTimeout(30 * time.Second).Should(ContainSubstring("delete ConfigMap " + OperatorKey.Namespace + "/" + record))
		Kubectl("delete", "configmap", "-n", OperatorKey.Namespace, record)
		has(elsewhere, "second", scimv1alpha1.ConditionEndpointAccepted, "True", scimv1alpha1.ReasonSucceeded)
		Expect(Cluster.Get(ctx, client.ObjectKey{Namespace: elsewhere, Name: "second-scim"}, &networkingv1.Ingress{})).To(Succeed())
	})
})
