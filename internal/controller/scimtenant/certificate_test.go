package scimtenant_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

var _ = Describe("The certificate of a host", func() {
	const class = "certified"
	named := func(secret string) func(*scimv1alpha1.ScimTenant) {
		return func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint.TLS = scimv1alpha1.EndpointTLS{SecretName: secret} }
	}
	BeforeEach(func(ctx context.Context) { newIngressClass(ctx, class, false) })

	It("has to be there", func(ctx context.Context) {
		tenant := newTenant(ctx, withHost("certified.example.com", class), named("certified"))
		Eventually(func() error { return env.RollOut(ctx, tenant.Namespace, tenant.Name) }).Should(Succeed())
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.BeStalled(scimv1alpha1.ReasonCertificateNotFound),
			controllertest.Have(scimv1alpha1.ConditionCertificateValid, metav1.ConditionFalse, scimv1alpha1.ReasonCertificateNotFound),
			// An issuer needs the Ingress first.
			controllertest.Have(scimv1alpha1.ConditionEndpointAccepted, metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded)))
		newCertificate(ctx, tenant.Namespace, "certified", "certified.example.com", time.Hour)
		becomeReady(ctx, tenant)
		Expect(current(ctx, tenant)()).To(
			controllertest.Have(scimv1alpha1.ConditionCertificateValid, metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded))
	})

	It("has to be for the host", func(ctx context.Context) {
		tenant := newTenant(ctx, withHost("mine.example.com", class), named("other"))
		newCertificate(ctx, tenant.Namespace, "other", "other.example.com", time.Hour)
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.DisplayName = "Acme" })
		Eventually(current(ctx, tenant)).Should(controllertest.BeStalled(scimv1alpha1.ReasonCertificateNotForHost))
	})

	It("must not have expired, which is seen when it does", func(ctx context.Context) {
		tenant := newTenant(ctx, withHost("expiring.example.com", class))
		becomeReady(ctx, tenant)
		newCertificate(ctx, tenant.Namespace, "expiring", "expiring.example.com", 10*time.Second)
		change(ctx, tenant, named("expiring"))
		Eventually(current(ctx, tenant)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		Eventually(current(ctx, tenant)).Should(controllertest.BeStalled(scimv1alpha1.ReasonCertificateExpired))
	})

	It("is said to expire soon, while the tenant stays ready, until there is another one", func(ctx context.Context) {
		tenant := newTenant(ctx, withHost("ending.example.com", class))
		becomeReady(ctx, tenant)
		newCertificate(ctx, tenant.Namespace, "ending", "ending.example.com", 5*time.Minute)
		newCertificate(ctx, tenant.Namespace, "renewed", "ending.example.com", time.Hour)
		for secret, reason := range map[string]string{"ending": scimv1alpha1.ReasonCertificateExpiringSoon, "renewed": scimv1alpha1.ReasonSucceeded} {
			change(ctx, tenant, named(secret))
			Eventually(current(ctx, tenant)).Should(And(
				controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
				controllertest.Have(scimv1alpha1.ConditionCertificateValid, metav1.ConditionTrue, reason)), secret)
		}
	})

	It("is not found in a Secret of another kind, whose content is told to nobody", func(ctx context.Context) {
		tenant := newTenant(ctx, withHost("secret.example.com", class), named("password"))
		Expect(env.Client.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "password"},
			StringData: map[string]string{corev1.TLSCertKey: "hunter2"},
		})).To(Succeed())
		Eventually(current(ctx, tenant)).Should(controllertest.BeStalled(scimv1alpha1.ReasonCertificateInvalid))
		now, err := current(ctx, tenant)()
		Expect(err).NotTo(HaveOccurred())
		Expect(now.Status.Conditions).NotTo(ContainElement(HaveField("Message", ContainSubstring("hunter2"))))
	})

	It("is confirmed by no Ingress controller until that states an address", func(ctx context.Context) {
		tenant := newTenant(ctx, withHost("address.example.com", class))
		becomeReady(ctx, tenant)
		Expect(current(ctx, tenant)()).To(controllertest.Have(
			scimv1alpha1.ConditionEndpointConfirmed, metav1.ConditionFalse, scimv1alpha1.ReasonEndpointUnconfirmed))
		ingress, err := ingressOf(ctx, tenant)()
		Expect(err).NotTo(HaveOccurred())
		ingress.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{IP: "192.0.2.1"}}
		Expect(env.Client.Status().Update(ctx, ingress)).To(Succeed())
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			controllertest.Have(scimv1alpha1.ConditionEndpointConfirmed, metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded)))
	})
})

// newCertificate makes a Secret with a certificate for a host.
func newCertificate(ctx context.Context, namespace, name, host string, lifetime time.Duration) {
	GinkgoHelper()
	chain, err := controllertest.SelfSigned(host, time.Now().Add(-time.Hour), lifetime+time.Hour)
	Expect(err).NotTo(HaveOccurred())
	Expect(env.Client.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Type:       corev1.SecretTypeTLS,
		Data:       map[string][]byte{corev1.TLSCertKey: chain, corev1.TLSPrivateKeyKey: []byte("not looked at")},
	})).To(Succeed())
}
