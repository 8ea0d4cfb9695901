package scimserver_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

var _ = Describe("TLS to the pods of a ScimServer", Ordered, func() {
	BeforeAll(func(ctx context.Context) {
		class := &networkingv1.IngressClass{
			ObjectMeta: metav1.ObjectMeta{Name: "tls"}, Spec: networkingv1.IngressClassSpec{Controller: "example.com/ingress"},
		}
		Expect(env.Client.Create(ctx, class)).To(Succeed())
		DeferCleanup(func(ctx context.Context) { Expect(env.Client.Delete(ctx, class)).To(Succeed()) })
	})

	It("is what its Ingress leads to, and those of its tenants, once all pods serve it", func(ctx context.Context) {
		namespace := newNamespace(ctx)
		server := newServer(ctx, namespace, withHost("pods.example.com"), func(s *scimv1alpha1.ScimServer) { s.Spec.Endpoint.Ingress.ClassName = "tls" })
		tenant := newTenant(ctx, namespace, "acme", withOwnHost("acme.pods.example.com"), func(t *scimv1alpha1.ScimTenant) {
			t.Spec.Endpoint.Ingress.ClassName = "tls"
		})
		rollOut(ctx, namespace)
		host(ctx, namespace, "shared-0", "acme")
		Eventually(current(ctx, tenant)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		byTLS := func() (leading [2]bool, err error) {
			for i, name := range []string{"shared-scim-server", "acme-scim"} {
				ingress, err := ingressOf(ctx, namespace, name)()
				if err != nil {
					return leading, err
				}
				leading[i] = operand.ByIngress(ingress).LeadsByTLS("shared-scim-server")
			}
			return leading, nil
		}
		asking := func(secret string) {
			GinkgoHelper()
			Eventually(func() error {
				now, err := current(ctx, server)()
				if err != nil {
					return err
				}
				now.Spec.TLS.SecretName = secret
				return env.Client.Update(ctx, now)
			}).Should(Succeed())
		}
		Expect(byTLS()).To(Equal([2]bool{false, false}))

		By("having no certificate")
		asking("pods")
		Eventually(current(ctx, server)).Should(controllertest.BeReconciling(scimv1alpha1.ReasonServerCertificateNotFound))
		Eventually(current(ctx, tenant)).Should(And(
			controllertest.Have(scimv1alpha1.ConditionEndpointAccepted, no, scimv1alpha1.ReasonProgressing),
			controllertest.Have(scimv1alpha1.ConditionServerAvailable, yes, scimv1alpha1.ReasonSucceeded)))
		Consistently(byTLS).Should(Equal([2]bool{false, false}))

		By("having one")
		pair, err := controllertest.SelfSignedPair("shared-scim-server."+namespace+".svc", time.Now().Add(-time.Minute), time.Hour)
		Expect(err).NotTo(HaveOccurred())
		Expect(env.Client.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "pods"}, Type: corev1.SecretTypeTLS,
			Data: pair,
		})).To(Succeed())
		Eventually(current(ctx, server)).Should(controllertest.Have(scimv1alpha1.ConditionTLSServed, no, scimv1alpha1.ReasonServerRollingOut))
		Consistently(byTLS).Should(Equal([2]bool{false, false}))
		rollOut(ctx, namespace)
		Eventually(byTLS).Should(Equal([2]bool{true, true}))
		Eventually(current(ctx, server)).Should(And(
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded), controllertest.Have(scimv1alpha1.ConditionTLSServed, yes, scimv1alpha1.ReasonSucceeded)))
		Eventually(current(ctx, tenant)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))

		By("being switched off, while the Ingress of a tenant cannot be led back")
		naming := func(class string) {
			GinkgoHelper()
			Eventually(func() error {
				now, err := current(ctx, tenant)()
				if err != nil {
					return err
				}
				now.Spec.Endpoint.Ingress.ClassName = class
				return env.Client.Update(ctx, now)
			}).Should(Succeed())
		}
		presented := func() (string, error) {
			deployment := &appsv1.Deployment{}
			err := env.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "shared-scim-server"}, deployment)
			return operand.CertificateSecret(deployment), err
		}
		naming("there-is-none")
		Eventually(current(ctx, tenant)).Should(controllertest.BeStalled(scimv1alpha1.ReasonIngressClassNotFound))
		asking("")
		Eventually(byTLS).Should(Equal([2]bool{false, true}))
		Eventually(current(ctx, server)).Should(And(
			controllertest.BeReconciling(scimv1alpha1.ReasonServerRollingOut),
			HaveField("Status.Conditions", ContainElement(And(
				HaveField("Type", scimv1alpha1.ConditionTLSServed), HaveField("Message", ContainSubstring("and 1 still do, for example Ingress acme-scim")))))))
		Consistently(presented).Should(Equal("pods"), "the Ingress leads to nobody else")

		By("being switched off")
		naming("tls")
		Eventually(byTLS).Should(Equal([2]bool{false, false}))
		Eventually(presented).Should(BeEmpty())
		rollOut(ctx, namespace)
		Eventually(current(ctx, server)).Should(And(
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			HaveField("Status.Conditions", Not(ContainElement(HaveField("Type", scimv1alpha1.ConditionTLSServed))))))
	})
})
