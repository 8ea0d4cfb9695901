package scimtenant_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

// byIngress lets a tenant publish a host by an Ingress, and by no Gateway any more.
func byIngress(host, class string) func(*scimv1alpha1.ScimTenant) {
	return func(t *scimv1alpha1.ScimTenant) {
		t.Spec.Endpoint = scimv1alpha1.EndpointSpec{}
		withHost(host, class)(t)
	}
}

var _ = Describe("What publishes a tenant from before", Ordered, Serial, func() {
	const class = "former"
	BeforeAll(func(ctx context.Context) {
		Eventually(env.InstallGatewayAPI).Should(Succeed(), "what is still being deleted cannot be installed")
		newIngressClass(ctx, class, false)
	})
	AfterAll(func() { Expect(env.RemoveGatewayAPI()).To(Succeed()) })

	It("leads to the port where the pods are, as an Ingress", func(ctx context.Context) {
		tenant := newTenant(ctx, withHost("formertls.example.com", class), func(t *scimv1alpha1.ScimTenant) { t.Spec.Server.TLS.SecretName = "pods" })
		newSecret(ctx, tenant.Namespace, "pods", corev1.SecretTypeTLS, time.Hour)
		becomeReady(ctx, tenant)
		leads := func(backend operand.Backend) OmegaMatcher {
			return WithTransform(func(i *networkingv1.Ingress) bool { return operand.ByIngress(i).LeadsBy(backend) }, BeTrue())
		}
		Eventually(ingressOf(ctx, tenant)).Should(leads(operand.Backend{Service: "acme-scim", TLS: true}))
		change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) {
			withRoute("formertls.example.com", "public")(t)
			t.Spec.Server.TLS = scimv1alpha1.ServerTLS{}
		})
		Eventually(ingressOf(ctx, tenant)).Should(And(leads(operand.Backend{Service: "acme-scim"}),
			HaveField("Annotations", BeEmpty()), HaveField("Spec.IngressClassName", HaveValue(Equal(class)))))
		Eventually(func() (string, error) {
			deployment := &appsv1.Deployment{}
			err := env.Client.Get(ctx, key(tenant), deployment)
			return operand.CertificateSecret(deployment), err
		}).Should(BeEmpty())
		Eventually(current(ctx, tenant)).Should(And(HaveField("Status.URL", "https://formertls.example.com/scim/v2"),
			haveAccepted(metav1.ConditionFalse, scimv1alpha1.ReasonRoutePending, "the Ingress stays as it is")))
	})

	It("follows a tenant that is moved, be it an Ingress or an HTTPRoute", func(ctx context.Context) {
		first := newTenant(ctx, func(t *scimv1alpha1.ScimTenant) { t.Name = "unrelated" })
		newSharedServer(ctx, first.Namespace, "one")
		newSharedServer(ctx, first.Namespace, "two")
		tenant := newTenant(ctx, in(first, "acme"), withHost("formermoved.example.com", class), withServerRef("one"), func(t *scimv1alpha1.ScimTenant) {
			t.Spec.Endpoint.Ingress.Annotations = map[string]scimv1alpha1.IngressAnnotation{"cert-manager.io/issuer": "acme"}
		})
		url := HaveField("Status.URL", "https://formermoved.example.com/scim/v2")
		Eventually(current(ctx, tenant)).Should(And(controllertest.BeReady(scimv1alpha1.ReasonSucceeded), haveList("one Memory"), url))
		change(ctx, tenant, withRoute("formermoved.example.com", "public"))
		Eventually(findRoute(ctx, tenant)).Should(Succeed())
		before, err := ingressOf(ctx, tenant)()
		Expect(err).NotTo(HaveOccurred())

		change(ctx, tenant, withServerRef("two"))
		Eventually(current(ctx, tenant), moves).Should(And(haveList("two Memory"), haveMoved, url,
			haveAccepted(metav1.ConditionFalse, scimv1alpha1.ReasonRoutePending, "the Ingress stays as it is")))
		ingress, err := ingressOf(ctx, tenant)()
		Expect(err).NotTo(HaveOccurred())
		Expect(operand.ByIngress(ingress).LeadsTo("two-scim-server")).To(BeTrue())
		Expect(ingress.ObjectMeta).To(And(HaveField("Annotations", before.Annotations), HaveField("Labels", before.Labels), HaveField("OwnerReferences", before.OwnerReferences)))
		Expect(ingress.Spec).To(And(HaveField("IngressClassName", before.Spec.IngressClassName), HaveField("TLS", before.Spec.TLS)))

		By("being an HTTPRoute, which a Gateway publishes while no controller states an address of the Ingress")
		accept(ctx, tenant)
		Eventually(findIngress(ctx, tenant)).Should(BeNotFound())
		change(ctx, tenant, byIngress("formermoved.example.com", class))
		Eventually(findIngress(ctx, tenant)).Should(Succeed())
		change(ctx, tenant, withServerRef("one"))
		Eventually(routeOf(ctx, tenant), moves).Should(WithTransform(func(r *gatewayv1.HTTPRoute) bool { return operand.ByHTTPRoute(r).LeadsTo("one-scim-server") }, BeTrue()))
		Expect(routeOf(ctx, tenant)()).To(HaveField("Spec.ParentRefs", HaveLen(1)))
		accept(ctx, tenant)
		Eventually(current(ctx, tenant), moves).Should(And(haveList("one Memory"), haveMoved, url, controllertest.BeReady(scimv1alpha1.ReasonSucceeded)))
		Expect(findRoute(ctx, tenant)()).To(Succeed())
	})

	It("goes at once where it is for another host than the spec's", func(ctx context.Context) {
		tenant := newTenant(ctx, withRoute("formera.example.com", "public"))
		readyByRoute(ctx, tenant)
		change(ctx, tenant, byIngress("formerb.example.com", class))
		Eventually(current(ctx, tenant)).Should(And(HaveField("Status.URL", "https://formerb.example.com/scim/v2"), controllertest.BeReady(scimv1alpha1.ReasonSucceeded)))
		Eventually(findRoute(ctx, tenant)).Should(BeNotFound())
		Eventually(recordOf(ctx, "formera.example.com")).Should(WithTransform(operand.GivenUpSince, Not(BeZero())))

		change(ctx, tenant, withRoute("formerc.example.com", "public"))
		Eventually(findIngress(ctx, tenant)).Should(BeNotFound())
		Eventually(recordOf(ctx, "formerb.example.com")).Should(WithTransform(operand.GivenUpSince, Not(BeZero())))
		readyByRoute(ctx, tenant)
		Expect(current(ctx, tenant)()).To(HaveField("Status.URL", "https://formerc.example.com/scim/v2"))
	})
})
