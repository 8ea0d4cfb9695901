package scimtenant_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

var _ = Describe("TLS to the pods of a tenant", func() {
	const class = "encrypted"
	BeforeEach(func(ctx context.Context) { newIngressClass(ctx, class, false) })

	withTLS := func(secret string) func(*scimv1alpha1.ScimTenant) {
		return func(t *scimv1alpha1.ScimTenant) { t.Spec.Server.TLS.SecretName = secret }
	}
	// presented is the Secret whose certificate the pods get.
	presented := func(ctx context.Context, tenant *scimv1alpha1.ScimTenant) func() (string, error) {
		return func() (string, error) {
			deployment := &appsv1.Deployment{}
			err := env.Client.Get(ctx, key(tenant), deployment)
			return operand.CertificateSecret(deployment), err
		}
	}
	// leads says how the Service and the Ingress lead to the pods.
	leads := func(ctx context.Context, tenant *scimv1alpha1.ScimTenant) func() (string, error) {
		return func() (string, error) {
			service := &corev1.Service{}
			if err := env.Client.Get(ctx, key(tenant), service); err != nil {
				return "", err
			}
			ingress, err := ingressOf(ctx, tenant)()
			found := "Service without TLS"
			if operand.HasTLSPort(service) {
				found = "Service with TLS"
			}
			if operand.ByIngress(ingress).LeadsByTLS(service.Name) {
				return found + ", Ingress with TLS", err
			}
			return found + ", Ingress without TLS", err
		}
	}
	served := func(status metav1.ConditionStatus, reason string) OmegaMatcher {
		return controllertest.Have(scimv1alpha1.ConditionTLSServed, status, reason)
	}
	const (
		yes, no   = metav1.ConditionTrue, metav1.ConditionFalse
		plain     = "Service without TLS, Ingress without TLS"
		between   = "Service with TLS, Ingress without TLS"
		encrypted = "Service with TLS, Ingress with TLS"
	)

	It("is switched on once its certificate is there and all pods have it, and off before they lose it", func(ctx context.Context) {
		tenant := newTenant(ctx, withHost("encrypted.example.com", class))
		becomeReady(ctx, tenant)
		Expect(leads(ctx, tenant)()).To(Equal(plain))
		Expect(current(ctx, tenant)()).NotTo(HaveField("Status.Conditions", ContainElement(HaveField("Type", scimv1alpha1.ConditionTLSServed))))

		By("having no certificate")
		change(ctx, tenant, withTLS("pods"))
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.BeReconciling(scimv1alpha1.ReasonServerCertificateNotFound), served(no, scimv1alpha1.ReasonServerCertificateNotFound),
			controllertest.Have(scimv1alpha1.ConditionServerAvailable, yes, scimv1alpha1.ReasonSucceeded)))
		Consistently(presented(ctx, tenant)).Should(BeEmpty(), "what runs goes on as it is")
		Expect(leads(ctx, tenant)()).To(Equal(plain))

		By("having one that cannot be read, and one that has expired")
		for _, unusable := range []struct {
			reason string
			write  func()
		}{
			{scimv1alpha1.ReasonServerCertificateInvalid, func() { newSecret(ctx, tenant.Namespace, "opaque", corev1.SecretTypeOpaque, time.Hour) }},
			{scimv1alpha1.ReasonServerCertificateExpired, func() { newSecret(ctx, tenant.Namespace, "expired", corev1.SecretTypeTLS, -time.Minute) }},
		} {
			unusable.write()
			change(ctx, tenant, withTLS(map[string]string{
				scimv1alpha1.ReasonServerCertificateInvalid: "opaque", scimv1alpha1.ReasonServerCertificateExpired: "expired",
			}[unusable.reason]))
			Eventually(current(ctx, tenant)).Should(And(controllertest.BeStalled(unusable.reason), served(no, unusable.reason)))
			Expect(presented(ctx, tenant)()).To(BeEmpty())
		}

		By("having one with another's key")
		newSecret(ctx, tenant.Namespace, "pods", corev1.SecretTypeTLS, time.Hour)
		mixed, another := &corev1.Secret{}, &corev1.Secret{}
		Expect(env.Client.Get(ctx, client.ObjectKey{Namespace: tenant.Namespace, Name: "pods"}, mixed)).To(Succeed())
		Expect(env.Client.Get(ctx, client.ObjectKey{Namespace: tenant.Namespace, Name: "expired"}, another)).To(Succeed())
		mixed.ObjectMeta = metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "mixed"}
		mixed.Data[corev1.TLSPrivateKeyKey] = another.Data[corev1.TLSPrivateKeyKey]
		Expect(env.Client.Create(ctx, mixed)).To(Succeed())
		change(ctx, tenant, withTLS("mixed"))
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.BeStalled(scimv1alpha1.ReasonServerCertificateInvalid),
			HaveField("Status.Conditions", ContainElement(HaveField("Message", ContainSubstring(`the private key in Secret "mixed" is not the one of its certificate`))))))
		Consistently(presented(ctx, tenant)).Should(BeEmpty(), "pods would not start with it")

		By("having one")
		change(ctx, tenant, withTLS("pods"))
		Eventually(presented(ctx, tenant)).Should(Equal("pods"))
		Eventually(current(ctx, tenant)).Should(served(no, scimv1alpha1.ReasonServerRollingOut))
		Expect(leads(ctx, tenant)()).To(Equal(between))
		Consistently(leads(ctx, tenant)).Should(Equal(between), "pods that serve no TLS are among those that the Ingress would lead to")
		becomeReady(ctx, tenant)
		Eventually(leads(ctx, tenant)).Should(Equal(encrypted))
		Eventually(current(ctx, tenant)).Should(And(controllertest.BeReady(scimv1alpha1.ReasonSucceeded), served(yes, scimv1alpha1.ReasonSucceeded)))

		By("having its pods replaced for another reason")
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) {
			t.Spec.Server.Scheduling.NodeSelector = map[string]scimv1alpha1.NodeLabelValue{"pool": "scim"}
		})
		Eventually(current(ctx, tenant)).Should(controllertest.Have(scimv1alpha1.ConditionServerAvailable, yes, scimv1alpha1.ReasonServerRollingOut))
		Consistently(current(ctx, tenant)).Should(served(yes, scimv1alpha1.ReasonSucceeded))
		Expect(leads(ctx, tenant)()).To(Equal(encrypted))
		becomeReady(ctx, tenant)

		By("losing it: the pods that run have read it, and go on")
		Expect(env.Client.Delete(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "pods"}})).To(Succeed())
		change(ctx, tenant, withTLS("others"))
		Eventually(current(ctx, tenant)).Should(served(no, scimv1alpha1.ReasonServerCertificateNotFound))
		Consistently(presented(ctx, tenant)).Should(Equal("pods"))
		Expect(leads(ctx, tenant)()).To(Equal(encrypted))

		By("having another one")
		newSecret(ctx, tenant.Namespace, "others", corev1.SecretTypeTLS, time.Hour)
		Eventually(presented(ctx, tenant)).Should(Equal("others"))
		Expect(leads(ctx, tenant)()).To(Equal(encrypted), "while the pods are replaced")
		becomeReady(ctx, tenant)

		By("being switched off")
		change(ctx, tenant, withTLS(""))
		Eventually(leads(ctx, tenant)).Should(Equal(between))
		Eventually(presented(ctx, tenant)).Should(BeEmpty())
		Consistently(leads(ctx, tenant)).Should(Equal(between), "pods that serve TLS are still called by it")
		becomeReady(ctx, tenant)
		Eventually(leads(ctx, tenant)).Should(Equal(plain))
		Eventually(current(ctx, tenant)).ShouldNot(HaveField("Status.Conditions", ContainElement(HaveField("Type", scimv1alpha1.ConditionTLSServed))))
	})

	It("is not switched off while its Ingress cannot be led back", func(ctx context.Context) {
		tenant := newTenant(ctx, withHost("kepttls.example.com", class), withTLS("pods"))
		newSecret(ctx, tenant.Namespace, "pods", corev1.SecretTypeTLS, time.Hour)
		becomeReady(ctx, tenant)
		Eventually(leads(ctx, tenant)).Should(Equal(encrypted))
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) {
			t.Spec.Server.TLS.SecretName, t.Spec.Endpoint.Ingress.ClassName = "", "there-is-none"
		})
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.BeStalled(scimv1alpha1.ReasonIngressClassNotFound), served(no, scimv1alpha1.ReasonServerRollingOut)))
		Consistently(presented(ctx, tenant)).Should(Equal("pods"), "the Ingress leads to nobody else")
		Expect(leads(ctx, tenant)()).To(Equal(encrypted))

		By("having an Ingress that can be written")
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint.Ingress.ClassName = class })
		Eventually(presented(ctx, tenant)).Should(BeEmpty())
		becomeReady(ctx, tenant)
		Eventually(leads(ctx, tenant)).Should(Equal(plain))
	})

	It("is waited for by a server that is new, which serves nobody without", func(ctx context.Context) {
		tenant := newTenant(ctx, withHost("waiting.example.com", class), withTLS("pods"))
		Eventually(presented(ctx, tenant)).Should(Equal("pods"))
		Eventually(leads(ctx, tenant)).Should(Equal(encrypted))
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.BeReconciling(scimv1alpha1.ReasonServerCertificateNotFound),
			HaveField("Status.Conditions", ContainElement(And(
				HaveField("Type", scimv1alpha1.ConditionTLSServed), HaveField("Message", ContainSubstring(`there is no Secret "pods"`)))))))
		newSecret(ctx, tenant.Namespace, "pods", corev1.SecretTypeTLS, 5*time.Minute)
		becomeReady(ctx, tenant)
		Eventually(current(ctx, tenant)).Should(served(yes, scimv1alpha1.ReasonCertificateExpiringSoon))
	})

	It("stays as it is while the tenant leaves for a ScimServer, and is as that one has it then", func(ctx context.Context) {
		tenant := newTenant(ctx, withHost("leaving.example.com", class), withTLS("pods"))
		newSecret(ctx, tenant.Namespace, "pods", corev1.SecretTypeTLS, time.Hour)
		becomeReady(ctx, tenant)
		newOwnPod(tenant)
		newSharedServer(ctx, tenant.Namespace, "shared")
		Eventually(leads(ctx, tenant)).Should(Equal(encrypted))
		change(ctx, tenant, withServerRef("shared"))
		Eventually(current(ctx, tenant), moves).Should(haveList("acme Live, shared Live"))
		Expect(leads(ctx, tenant)()).To(Equal(encrypted))
		Expect(presented(ctx, tenant)()).To(Equal("pods"))
		Eventually(current(ctx, tenant), moves).Should(And(haveList("shared Memory"), haveMoved, controllertest.BeReady(scimv1alpha1.ReasonSucceeded)))
		Expect(leads(ctx, tenant)()).To(Equal(plain))
		ingress, err := ingressOf(ctx, tenant)()
		Expect(err).NotTo(HaveOccurred())
		Expect(operand.ByIngress(ingress).LeadsTo("shared-scim-server")).To(BeTrue())
	})

	It("costs no request once it is there", func(ctx context.Context) {
		tenant := newTenant(ctx, withTLS("pods"))
		newSecret(ctx, tenant.Namespace, "pods", corev1.SecretTypeTLS, time.Hour)
		becomeReady(ctx, tenant)
		Eventually(current(ctx, tenant)).Should(served(yes, scimv1alpha1.ReasonSucceeded))
		before, err := versions(ctx, tenant)
		Expect(err).NotTo(HaveOccurred())
		Consistently(func() (any, error) { return versions(ctx, tenant) }).Should(Equal(before))
	})
})

// newSecret makes a Secret with a certificate of a server's pods, which ends after a time.
func newSecret(ctx context.Context, namespace, name string, secretType corev1.SecretType, lifetime time.Duration) {
	GinkgoHelper()
	pair, err := controllertest.SelfSignedPair("acme-scim."+namespace+".svc", time.Now().Add(-time.Hour), time.Hour+lifetime)
	Expect(err).NotTo(HaveOccurred())
	Expect(env.Client.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: secretType, Data: pair,
	})).To(Succeed())
}
