package scimtenant_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

var _ = Describe("The endpoint of a tenant", func() {
	It("is an Ingress as long as there is a host", func(ctx context.Context) {
		newIngressClass(ctx, "public", false)
		tenant := newTenant(ctx, withHost("ingress.example.com", "public"), func(t *scimv1alpha1.ScimTenant) {
			t.Spec.Endpoint.TLS = scimv1alpha1.EndpointTLS{SecretName: "acme-tls"}
			t.Spec.Endpoint.Ingress.Annotations = map[string]scimv1alpha1.IngressAnnotation{"cert-manager.io/issuer": "acme"}
		})
		newCertificate(ctx, tenant.Namespace, "acme-tls", "ingress.example.com", time.Hour)
		becomeReady(ctx, tenant)
		ingress, err := ingressOf(ctx, tenant)()
		Expect(err).NotTo(HaveOccurred())
		Expect(ingress.Annotations).To(HaveKeyWithValue("cert-manager.io/issuer", "acme"))
		Expect(ingress.Spec.TLS).To(ConsistOf(networkingv1.IngressTLS{Hosts: []string{"ingress.example.com"}, SecretName: "acme-tls"}))
		Expect(current(ctx, tenant)()).To(And(
			HaveField("Status.URL", "https://ingress.example.com/scim/v2"),
			controllertest.Have(scimv1alpha1.ConditionEndpointAccepted, metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded)))

		By("removing an annotation")
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint.Ingress.Annotations = nil })
		Eventually(ingressOf(ctx, tenant)).Should(HaveField("Annotations", BeEmpty()))

		By("removing the host")
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint = scimv1alpha1.EndpointSpec{} })
		Eventually(findIngress(ctx, tenant)).Should(BeNotFound())
		Eventually(current(ctx, tenant)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})

	It("waits for the IngressClass that the tenant names", func(ctx context.Context) {
		tenant := newTenant(ctx, withHost("class.example.com", "missing"))
		Eventually(current(ctx, tenant)).Should(controllertest.BeStalled(scimv1alpha1.ReasonIngressClassNotFound))
		Expect(env.RollOut(ctx, tenant.Namespace, tenant.Name)).To(Succeed())
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.BeStalled(scimv1alpha1.ReasonIngressClassNotFound),
			controllertest.Have(scimv1alpha1.ConditionServerAvailable, metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded)))
		Expect(findIngress(ctx, tenant)()).To(BeNotFound())

		newIngressClass(ctx, "missing", false)
		Eventually(current(ctx, tenant)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		Expect(ingressOf(ctx, tenant)()).NotTo(BeNil())
	})

	It("takes the default IngressClass when the tenant names none", Serial, func(ctx context.Context) {
		tenant := newTenant(ctx, withHost("default.example.com", ""))
		Eventually(current(ctx, tenant)).Should(controllertest.BeStalled(scimv1alpha1.ReasonIngressClassNotFound))
		newIngressClass(ctx, "standard", true)
		becomeReady(ctx, tenant)
		Expect(ingressOf(ctx, tenant)()).To(HaveField("Spec.IngressClassName", HaveValue(Equal("standard"))))
	})

	It("leaves an Ingress of somebody else alone", func(ctx context.Context) {
		newIngressClass(ctx, "taken", false)
		namespace, err := env.NewNamespace(ctx)
		Expect(err).NotTo(HaveOccurred())
		foreign := &networkingv1.Ingress{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme-scim"},
			Spec: networkingv1.IngressSpec{DefaultBackend: &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
				Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80},
			}}},
		}
		Expect(env.Client.Create(ctx, foreign)).To(Succeed())
		tenant := newTenant(ctx, withHost("taken.example.com", "taken"), func(t *scimv1alpha1.ScimTenant) { t.Namespace = namespace })
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.BeStalled(scimv1alpha1.ReasonObjectConflict),
			controllertest.Have(scimv1alpha1.ConditionEndpointAccepted, metav1.ConditionFalse, scimv1alpha1.ReasonObjectConflict)))
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint = scimv1alpha1.EndpointSpec{} })
		becomeReady(ctx, tenant)
		Expect(ingressOf(ctx, tenant)()).NotTo(BeNil())
	})
})
