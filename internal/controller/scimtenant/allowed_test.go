package scimtenant_test

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

var _ = Describe("What a tenant asks for", func() {
	notAllowed := controllertest.BeStalled(scimv1alpha1.ReasonNotAllowed)
	message := func(tenant *scimv1alpha1.ScimTenant) string {
		return meta.FindStatusCondition(tenant.Status.Conditions, scimv1alpha1.ConditionSpecAllowed).Message
	}
	schedule := func(s scimv1alpha1.ServerScheduling) func(*scimv1alpha1.ScimTenant) {
		return func(t *scimv1alpha1.ScimTenant) { t.Spec.Server.Scheduling = s }
	}
	annotate := func(key, value string) func(*scimv1alpha1.ScimTenant) {
		return func(t *scimv1alpha1.ScimTenant) {
			t.Spec.Endpoint.Ingress.Annotations = map[string]scimv1alpha1.IngressAnnotation{key: scimv1alpha1.IngressAnnotation(value)}
		}
	}

	DescribeTable("is not written where the operator's configuration does not allow it, and nothing runs by it",
		func(ctx context.Context, server scimv1alpha1.ServerSpec, names string) {
			tenant := newTenant(ctx, func(t *scimv1alpha1.ScimTenant) { t.Spec.Server = server })
			Eventually(current(ctx, tenant)).Should(And(notAllowed, HaveField("Status.ServerReplicas", BeEmpty())))
			now, err := current(ctx, tenant)()
			Expect(err).NotTo(HaveOccurred())
			Expect(message(now)).To(And(ContainSubstring(names), ContainSubstring("whoever runs the operator")))
			Consistently(func() error { return env.Client.Get(ctx, key(tenant), &appsv1.Deployment{}) }).Should(BeNotFound())

			change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.Server = scimv1alpha1.ServerSpec{} })
			becomeReady(ctx, tenant)
		},
		Entry("a PriorityClass", scimv1alpha1.ServerSpec{
			Scheduling: scimv1alpha1.ServerScheduling{PriorityClassName: "system-cluster-critical"},
		}, "system-cluster-critical"),
		Entry("a toleration", scimv1alpha1.ServerSpec{
			Scheduling: scimv1alpha1.ServerScheduling{Tolerations: []corev1.Toleration{{Key: "node-role.kubernetes.io/control-plane", Operator: corev1.TolerationOpExists}}},
		}, "node-role.kubernetes.io/control-plane"),
		Entry("every toleration", scimv1alpha1.ServerSpec{
			Scheduling: scimv1alpha1.ServerScheduling{Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}}},
		}, "every taint"),
		Entry("a label of pods", scimv1alpha1.ServerSpec{
			Pod: scimv1alpha1.ServerPod{Labels: map[string]scimv1alpha1.PodLabelValue{"role": "db-client"}},
		}, `label "role" in spec.server.pod.labels is not allowed (allow.podLabels)`),
		Entry("an annotation of pods", scimv1alpha1.ServerSpec{
			Pod: scimv1alpha1.ServerPod{Annotations: map[string]scimv1alpha1.PodAnnotationValue{"sidecar.istio.io/inject": "true"}},
		}, `annotation "sidecar.istio.io/inject" in spec.server.pod.annotations is not allowed (allow.podAnnotations)`))

	It("leaves a server that runs as it is", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		change(ctx, tenant, schedule(scimv1alpha1.ServerScheduling{PriorityClassName: "system-cluster-critical"}))
		Eventually(current(ctx, tenant)).Should(And(notAllowed,
			controllertest.Have(scimv1alpha1.ConditionServerAvailable, metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded),
			HaveField("Status.ServerReplicas", "2/2")))
		deployment := &appsv1.Deployment{}
		Expect(env.Client.Get(ctx, key(tenant), deployment)).To(Succeed())
		Expect(deployment.Generation).To(Equal(int64(1)))
	})

	DescribeTable("is no annotation that makes the Ingress controller serve others",
		func(ctx context.Context, annotation, host string) {
			newIngressClass(ctx, "annotated", false)
			tenant := newTenant(ctx, withHost(host, "annotated"))
			becomeReady(ctx, tenant)
			change(ctx, tenant, annotate(annotation, "other.example.com"))
			Eventually(current(ctx, tenant)).Should(And(notAllowed,
				controllertest.Have(scimv1alpha1.ConditionEndpointAccepted, metav1.ConditionFalse, scimv1alpha1.ReasonNotAllowed),
				HaveField("Status.URL", "https://"+host+"/scim/v2")))
			now, err := current(ctx, tenant)()
			Expect(err).NotTo(HaveOccurred())
			Expect(message(now)).To(ContainSubstring(annotation))
			Expect(ingressOf(ctx, tenant)()).To(HaveField("Annotations", BeEmpty()))
			collectAfter(ctx, tenant)
		},
		Entry("a snippet", "nginx.ingress.kubernetes.io/configuration-snippet", "snippet.example.com"),
		Entry("an alias", "nginx.ingress.kubernetes.io/server-alias", "alias.example.com"),
		Entry("a name", "external-dns.alpha.kubernetes.io/hostname", "name.example.com"))

	It("is told also where that is more than a condition and an event have room for", func(ctx context.Context) {
		newIngressClass(ctx, "long", false)
		tenant := newTenant(ctx, withHost("long.example.com", "long"), annotate("example.com/"+strings.Repeat("a", 40_000), "a"))
		Eventually(current(ctx, tenant)).Should(notAllowed)
		now, err := current(ctx, tenant)()
		Expect(err).NotTo(HaveOccurred())
		Expect(message(now)).To(HavePrefix(`annotation "example.com/aaa`))
		Eventually(func(g Gomega) {
			events := &eventsv1.EventList{}
			g.Expect(env.Client.List(ctx, events, client.InNamespace(tenant.Namespace))).To(Succeed())
			g.Expect(events.Items).To(ContainElement(HaveField("Reason", scimv1alpha1.ReasonNotAllowed)))
		}).Should(Succeed())
		collectAfter(ctx, tenant)
	})

	DescribeTable("gives no rights to a ServiceAccount of somebody else, and runs nothing under it",
		func(ctx context.Context, foreign client.Object, kind string) {
			namespace, err := env.NewNamespace(ctx)
			Expect(err).NotTo(HaveOccurred())
			foreign.SetNamespace(namespace)
			foreign.SetName("acme-scim")
			Expect(env.Client.Create(ctx, foreign)).To(Succeed())
			tenant := newTenant(ctx, func(t *scimv1alpha1.ScimTenant) { t.Namespace = namespace })
			Eventually(current(ctx, tenant)).Should(And(
				controllertest.BeStalled(scimv1alpha1.ReasonObjectConflict),
				HaveField("Status.Conditions", ContainElement(HaveField("Message", ContainSubstring(kind+` "acme-scim"`))))))
			Consistently(func(g Gomega) {
				g.Expect(env.Client.Get(ctx, key(tenant), &rbacv1.RoleBinding{})).To(BeNotFound())
				g.Expect(env.Client.Get(ctx, key(tenant), &appsv1.Deployment{})).To(BeNotFound())
			}).Should(Succeed())

			By("moving it out of the way")
			Expect(env.Client.Delete(ctx, foreign)).To(Succeed())
			change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.DisplayName = "Acme" })
			becomeReady(ctx, tenant)
		},
		Entry("a ServiceAccount", &corev1.ServiceAccount{}, "ServiceAccount"),
		Entry("a Role", &rbacv1.Role{}, "Role"))
})

// collectAfter frees the host of a tenant for the next entry.
func collectAfter(ctx context.Context, tenant *scimv1alpha1.ScimTenant) {
	GinkgoHelper()
	change(ctx, tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint = scimv1alpha1.EndpointSpec{} })
	Eventually(findIngress(ctx, tenant)).Should(BeNotFound())
}
