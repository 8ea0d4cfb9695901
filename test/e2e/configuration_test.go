package e2e

import (
	"fmt"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// chart is the chart of this checkout, seen from this folder.
const chart = "../../charts/kubescim"

// allowing lets the tenants of one namespace publish hosts, and all tenants have an
// annotation, a PriorityClass and a toleration.
const allowing = `
config:
  allow:
    hosts:
      - {namespaces: [%[1]s], hosts: ["*.%[1]s.example.com"]}
    ingressAnnotations: [external-dns.alpha.kubernetes.io/ttl]
    gateways: [infra/public]
    priorityClasses: [%[1]s]
    tolerations:
      - {key: example.com/pool, value: scim, effect: NoSchedule}
  servers:
    imagePullSecrets: [everybody]
  credentials:
    maxLifetimeDays: 30
`

// It starts the operator again, under other rules for all tenants: no other spec runs beside it.
var _ = Describe("The operator's configuration", Serial, func() {
	It("decides what tenants get, and takes nothing from them that they have", func(ctx SpecContext) {
		namespace, elsewhere := NewNamespace(ctx, "allowed"), NewNamespace(ctx, "elsewhere")
		class := namespace
		for _, object := range []client.Object{
			&networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: class}, Spec: networkingv1.IngressClassSpec{Controller: "example.com/none"}},
			&schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: class}, Value: 1},
		} {
			Expect(Cluster.Create(ctx, object)).To(Succeed())
			DeferCleanup(func(ctx SpecContext) { Expect(Cluster.Delete(ctx, object)).To(Succeed()) })
		}
		host := "acme." + namespace + ".example.com"
		publish := func(host string) func(*scimv1alpha1.ScimTenantSpec) {
			return func(spec *scimv1alpha1.ScimTenantSpec) {
				spec.Endpoint = scimv1alpha1.EndpointSpec{
					Host: host, TLS: scimv1alpha1.EndpointTLS{Termination: scimv1alpha1.TLSTerminationElsewhere},
					Ingress: scimv1alpha1.EndpointIngress{ClassName: class},
				}
			}
		}
		refused := func(namespace string, says ...string) {
			GinkgoHelper()
			WaitFor(namespace, "condition=Stalled", "scimtenant/acme")
			condition := conditionOf(KubectlGet(namespace, "scimtenant", "acme"), scimv1alpha1.ConditionStalled)
			Expect(condition).To(HaveKeyWithValue("reason", scimv1alpha1.ReasonNotAllowed))
			for _, part := range append(says, "take it out of the spec, or ask whoever runs the operator to allow it in the operator's configuration") {
				Expect(condition["message"]).To(ContainSubstring(part))
			}
		}
		wish := []string{
			`annotation "external-dns.alpha.kubernetes.io/ttl" in spec.endpoint.ingress.annotations is not allowed (allow.ingressAnnotations)`,
			fmt.Sprintf("spec.server.scheduling.priorityClassName %q is not allowed (allow.priorityClasses)", class),
			`spec.server.scheduling.tolerations[0], of taint "example.com/pool", is not allowed (allow.tolerations)`,
		}
		tenant := NewTenant(namespace, "acme", scimv1alpha1.IdentityProviderGeneric, OneReplica, publish(host), func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Endpoint.Ingress.Annotations = map[string]scimv1alpha1.IngressAnnotation{"external-dns.alpha.kubernetes.io/ttl": "60"}
			spec.Server.Scheduling = scimv1alpha1.ServerScheduling{
				PriorityClassName: class,
				Tolerations:       []corev1.Toleration{{Key: "example.com/pool", Value: "scim", Effect: corev1.TaintEffectNoSchedule}},
			}
			spec.Server.ImagePullSecrets = []scimv1alpha1.ImagePullSecret{{Name: "mine"}}
		})
		Apply(tenant)
		refused(namespace, wish...)
		Expect(KubectlGet(namespace, "deployment", "acme-scim")).To(BeNil())
		Expect(KubectlGet(namespace, "ingress", "acme-scim")).To(BeNil())

		By("allowing it")
		release := ChangeRelease(chart)
		release.Upgrade(ctx, fmt.Sprintf(allowing, namespace)+"server: {image: registry.example.com/kubescim:none}\n")
		Eventually(func() any {
			return conditionOf(KubectlGet(namespace, "scimtenant", "acme"), scimv1alpha1.ConditionReady)["message"]
		}).Should(And(ContainSubstring("no server replica of 1 is ready"),
			ContainSubstring("see the events of its pods: kubectl describe pods -n "+namespace+" -l app.kubernetes.io/instance=acme,app.kubernetes.io/name=kubescim-server")))
		Eventually(func() string {
			return Kubectl("describe", "pods", "-n", namespace, "-l", "app.kubernetes.io/instance=acme,app.kubernetes.io/name=kubescim-server")
		}).
			WithTimeout(time.Minute).Should(MatchRegexp(`FailedToRetrieveImagePullSecret.*\(everybody, mine\)`), "neither of these Secrets exists")

		By("having an image that can be pulled")
		release.Upgrade(ctx, "server: {image: ''}")
		t := ServeIn(ctx, namespace, tenant)[0]
		credential := KubectlGet(namespace, "scimcredential", t.KeyID)
		issued, err := time.Parse(time.RFC3339, fmt.Sprint(Dig(credential, "spec/issueTime")))
		Expect(err).NotTo(HaveOccurred())
		Want{"spec/expirationTime": issued.AddDate(0, 0, 30).Format(time.RFC3339)}.In(credential, "the end that the configuration sets")
		pod := t.Pods(ctx)[0]
		Expect(pod.Spec.PriorityClassName).To(Equal(class))
		Expect(pod.Spec.Tolerations).To(ContainElement(And(HaveField("Key", "example.com/pool"), HaveField("Value", "scim"))))
		Expect(pullSecretsOf(pod)).To(Equal([]string{"everybody", "mine"}))
		ingress := &networkingv1.Ingress{}
		name := client.ObjectKey{Namespace: namespace, Name: "acme-scim"}
		Expect(Cluster.Get(ctx, name, ingress)).To(Succeed())
		Expect(ingress.Annotations).To(HaveKeyWithValue("external-dns.alpha.kubernetes.io/ttl", "60"))

		By("refusing Gateways, but for one")
		Apply(NewTenant(elsewhere, "acme", scimv1alpha1.IdentityProviderGeneric, OneReplica, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Endpoint = scimv1alpha1.EndpointSpec{Host: host, HTTPRoute: scimv1alpha1.EndpointHTTPRoute{
				ParentRefs: []scimv1alpha1.GatewayReference{{Name: "public"}, {Name: "public", Namespace: "infra"}},
			}}
		}))
		refused(elsewhere, fmt.Sprintf(`; Gateway "%s/public" in spec.endpoint.httpRoute.parentRefs is not allowed (allow.gateways): take it out`, elsewhere))

		By("refusing the host to another namespace")
		Apply(NewTenant(elsewhere, "acme", scimv1alpha1.IdentityProviderGeneric, OneReplica, publish("globex."+namespace+".example.com")))
		refused(elsewhere, fmt.Sprintf(`spec.endpoint.host "globex.%s.example.com" is not allowed for namespace %q (allow.hosts)`, namespace, elsewhere))
		Expect(KubectlGet(elsewhere, "ingress", "acme-scim")).To(BeNil())

		By("allowing it no longer")
		deployment := &appsv1.Deployment{}
		Expect(Cluster.Get(ctx, name, deployment)).To(Succeed())
		release.PutBack(ctx)
		refused(namespace, wish...)
		WaitFor(elsewhere, "condition=Ready", "scimtenant/acme")
		now, nowPublished := &appsv1.Deployment{}, &networkingv1.Ingress{}
		Expect(Cluster.Get(ctx, name, now)).To(Succeed())
		Expect(now.Generation).To(Equal(deployment.Generation))
		Expect(Cluster.Get(ctx, name, nowPublished)).To(Succeed())
		Expect(nowPublished.ResourceVersion).To(Equal(ingress.ResourceVersion))
		Expect(NamesOf(t.Pods(ctx))).To(ConsistOf(pod.Name))
		t.Get(Users + "?count=0").Has(http.StatusOK)
	})
})
