package scimtenant_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

// A move takes some steps of a second each, and some seconds in which nobody calls.
const moves = "60s"

// withServerRef lets a tenant be hosted by a ScimServer; by none with "".
func withServerRef(server string) func(*scimv1alpha1.ScimTenant) {
	return func(t *scimv1alpha1.ScimTenant) {
		t.Spec.ServerRef.Name, t.Spec.Server = server, scimv1alpha1.ServerSpec{}
	}
}

// newSharedServer creates a ScimServer of which all pods are ready, and one follows its tenants.
func newSharedServer(ctx context.Context, namespace, name string) *controllertest.Pod {
	GinkgoHelper()
	Expect(env.Client.Create(ctx, &scimv1alpha1.ScimServer{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})).To(Succeed())
	Eventually(func() error { return env.RollOutServer(ctx, namespace, name) }).Should(Succeed())
	pod := env.StartSharedPod(namespace, name, name+"-0")
	DeferCleanup(pod.Stop)
	Eventually(func() (*coordinationv1.Lease, error) {
		lease := &coordinationv1.Lease{}
		return lease, env.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name + "-0"}, lease)
	}).Should(HaveField("Annotations", HaveKey(contract.AnnotationTenantsRevision)))
	return pod
}

// newOwnPod starts a pod of a tenant's own server.
func newOwnPod(tenant *scimv1alpha1.ScimTenant) *controllertest.Pod {
	pod := env.StartPod(tenant.Namespace, tenant.Name, tenant.Name+"-scim-0")
	DeferCleanup(pod.Stop)
	return pod
}

func serviceOf(ctx context.Context, tenant *scimv1alpha1.ScimTenant) func() (map[string]string, error) {
	return func() (map[string]string, error) {
		service := &corev1.Service{}
		err := env.Client.Get(ctx, key(tenant), service)
		return service.Spec.Selector, err
	}
}

var haveMoved = controllertest.Have(scimv1alpha1.ConditionMoved, metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded)

var _ = Describe("A tenant that is moved", func() {
	It("goes from its own server to a ScimServer and back, by steps, Ready all the time, and keeps its URL", func(ctx context.Context) {
		tenant := newTenant(ctx, func(t *scimv1alpha1.ScimTenant) { t.Spec.Server.Replicas = 3 })
		becomeReady(ctx, tenant)
		own := newOwnPod(tenant)
		newSharedServer(ctx, tenant.Namespace, "shared")
		before, err := current(ctx, tenant)()
		Expect(err).NotTo(HaveOccurred())
		Expect(before.Status.Server).To(Equal("deployment/acme-scim"))
		Expect(before.Status.Conditions).NotTo(ContainElement(HaveField("Type", scimv1alpha1.ConditionMoved)))
		deployment := &appsv1.Deployment{}
		Expect(env.Client.Get(ctx, key(tenant), deployment)).To(Succeed())

		h := watchMove(ctx, tenant)
		change(ctx, tenant, withServerRef("shared"))
		Eventually(current(ctx, tenant), moves).Should(And(haveList("acme Live, shared Live"),
			HaveField("Status.Servers", HaveExactElements(HaveField("Port", BeZero()), HaveField("Port", contract.FirstTenantPort)))))
		Consistently(serviceOf(ctx, tenant), "300ms").Should(Equal(operand.SelectorLabels("acme")))
		Expect(targetOf(ctx, tenant)()).To(Equal("http"))
		Eventually(current(ctx, tenant), moves).Should(haveList("shared Live, acme Live"))
		Eventually(serviceOf(ctx, tenant)).Should(Equal(operand.SharedSelectorLabels("shared")))
		Expect(targetOf(ctx, tenant)()).To(Equal("10000"))
		untouched := &appsv1.Deployment{}
		Expect(env.Client.Get(ctx, key(tenant), untouched)).To(Succeed())
		Expect(untouched.Generation).To(Equal(deployment.Generation))
		Eventually(current(ctx, tenant), moves).Should(And(haveList("shared Memory"), haveMoved,
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded), HaveField("Status.URL", before.Status.URL),
			HaveField("Status.ServerReplicas", BeEmpty()), HaveField("Status.Server", "scimserver/shared")))
		Eventually(h.seen).Should(HaveLen(6), "the watch brings the last one too")
		lists, unready, messages := h.get()
		Expect(lists).To(Equal([]string{"", "acme Live", "acme Live, shared Live", "shared Live, acme Live", "shared Live", "shared Memory"}))
		Expect(unready).To(BeEmpty())
		Expect(messages).To(ContainElements(ContainSubstring("no replica of its own server reads from memory"),
			ContainSubstring(`all replicas of ScimServer "shared" serve it`), ContainSubstring("no request has come to its own server"),
			ContainSubstring("all replicas of other servers have acknowledged")))

		By("losing all of its own server but the Service, once no pod of that is left")
		Eventually(func() error { return env.Client.Get(ctx, key(tenant), &appsv1.Deployment{}) }).Should(BeNotFound())
		Expect(own.Stop(ctx)).To(Succeed())
		for _, object := range []client.Object{&policyv1.PodDisruptionBudget{}, &rbacv1.RoleBinding{}, &rbacv1.Role{}, &corev1.ServiceAccount{}} {
			Eventually(func() error { return env.Client.Get(ctx, key(tenant), object) }, moves).Should(BeNotFound())
		}
		Eventually(func() error { _, err := signingSecret(ctx, tenant)(); return err }).Should(BeNotFound())
		Expect(serviceOf(ctx, tenant)()).To(Equal(operand.SharedSelectorLabels("shared")))
		Expect(portClaims(ctx, tenant)()).To(Equal(map[string]string{"shared-scim-server-port-10000": "acme"}))

		By("being moved back, as its spec asks for then")
		h = watchMove(ctx, tenant)
		change(ctx, tenant, withServerRef(""))
		Eventually(current(ctx, tenant)).Should(controllertest.Have(scimv1alpha1.ConditionMoved, metav1.ConditionFalse, scimv1alpha1.ReasonServerNotReady))
		Consistently(current(ctx, tenant), "300ms").Should(haveList("shared Memory"))
		Eventually(func() error { return env.RollOut(ctx, tenant.Namespace, tenant.Name) }).Should(Succeed())
		newOwnPod(tenant)
		Eventually(current(ctx, tenant), moves).Should(And(haveList("acme Memory"), haveMoved,
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded), HaveField("Status.URL", before.Status.URL), HaveField("Status.ServerReplicas", "2/2")))
		Expect(serviceOf(ctx, tenant)()).To(Equal(operand.SelectorLabels("acme")))
		Expect(targetOf(ctx, tenant)()).To(Equal("http"))
		Expect(portClaims(ctx, tenant)()).To(BeEmpty())
		Expect(warningsOf(ctx, tenant)()).To(BeEmpty())
		Eventually(h.seen).Should(HaveLen(6))
		lists, unready, _ = h.get()
		Expect(lists).To(Equal([]string{"shared Memory", "shared Live", "shared Live, acme Live", "acme Live, shared Live", "acme Live", "acme Memory"}))
		Expect(unready).To(BeEmpty())
	})

	It("goes from one ScimServer to another one with its host, whose Ingress follows", func(ctx context.Context) {
		newIngressClass(ctx, "moves", false)
		first := newTenant(ctx, func(t *scimv1alpha1.ScimTenant) { t.Name = "unrelated" })
		newSharedServer(ctx, first.Namespace, "one")
		newSharedServer(ctx, first.Namespace, "two")
		host := "acme." + first.Namespace + ".example.com"
		tenant := newTenant(ctx, in(first, "acme"), withHost(host, "moves"), withServerRef("one"))
		Eventually(current(ctx, tenant)).Should(And(controllertest.BeReady(scimv1alpha1.ReasonSucceeded), haveList("one Memory"),
			HaveField("Status.URL", "https://"+host+"/scim/v2")))

		change(ctx, tenant, withServerRef("two"))
		Eventually(current(ctx, tenant), moves).Should(And(haveList("two Memory"), haveMoved, HaveField("Status.URL", "https://"+host+"/scim/v2"),
			HaveField("Status.Servers", ConsistOf(HaveField("Host", host)))))
		ingress, err := ingressOf(ctx, tenant)()
		Expect(err).NotTo(HaveOccurred())
		Expect(operand.ByIngress(ingress).LeadsTo("two-scim-server")).To(BeTrue())
		_, err = serviceOf(ctx, tenant)()
		Expect(err).To(BeNotFound())
	})

	It("waits for each pod that has not acknowledged a step, also over a restart of the operator", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		newOwnPod(tenant)
		second := env.StartPod(tenant.Namespace, tenant.Name, "acme-scim-1")
		DeferCleanup(second.Stop)
		shared := newSharedServer(ctx, tenant.Namespace, "shared")
		unrelated := newSharedServer(ctx, tenant.Namespace, "unrelated")

		second.Set(true, false)
		change(ctx, tenant, withServerRef("shared"))
		Eventually(current(ctx, tenant)).Should(haveList("acme Live"))
		Consistently(current(ctx, tenant), "3s").Should(haveList("acme Live"))
		shared.Set(true, false)
		second.Set(false, false)
		Eventually(current(ctx, tenant)).Should(haveList("acme Live, shared Live"))
		Expect(stopManager()).To(Succeed())
		var err error
		stopManager, err = env.StartManager(controllertest.Operator)
		Expect(err).NotTo(HaveOccurred())
		Consistently(current(ctx, tenant), "3s").Should(haveList("acme Live, shared Live"))
		shared.Set(false, false)
		Eventually(current(ctx, tenant)).Should(haveList("shared Live, acme Live"))
		unrelated.Set(true, false)
		Eventually(current(ctx, tenant), moves).Should(haveList("shared Live"))
		Consistently(current(ctx, tenant), "3s").Should(haveList("shared Live"))
		unrelated.Set(false, false)
		Eventually(current(ctx, tenant), moves).Should(haveList("shared Memory"))
	})

	It("goes back when its target is changed back, or goes away, before it has the traffic", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		newOwnPod(tenant)
		shared := newSharedServer(ctx, tenant.Namespace, "shared")
		shared.Set(true, false)
		change(ctx, tenant, withServerRef("shared"))
		Eventually(current(ctx, tenant)).Should(haveList("acme Live, shared Live"))
		Expect(env.Client.Delete(ctx, &scimv1alpha1.ScimServer{ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "shared"}})).To(Succeed())
		Eventually(current(ctx, tenant)).Should(And(controllertest.BeStalled(scimv1alpha1.ReasonServerNotFound),
			controllertest.Have(scimv1alpha1.ConditionServerAvailable, metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded)))
		shared.Set(false, false)
		Eventually(current(ctx, tenant), moves).Should(haveList("acme Memory"))
		change(ctx, tenant, withServerRef(""))
		Eventually(current(ctx, tenant)).Should(And(haveMoved, controllertest.BeReady(scimv1alpha1.ReasonSucceeded)))
	})

	It("waits for clients that go on calling its former server, and says where and with which key", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		own := newOwnPod(tenant)
		newSharedServer(ctx, tenant.Namespace, "shared")
		okta := &scimv1alpha1.ScimApiKey{
			ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "okta"},
			Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: "acme"}},
		}
		Expect(env.Client.Create(ctx, okta)).To(Succeed())
		Eventually(func() (string, error) {
			err := env.Client.Get(ctx, client.ObjectKeyFromObject(okta), okta)
			return okta.Status.KeyID, err
		}).ShouldNot(BeEmpty())
		own.Call(okta.Status.KeyID)
		change(ctx, tenant, withServerRef("shared"))
		Eventually(current(ctx, tenant), moves).Should(WithTransform(movedMessage, ContainSubstring(
			`no request has come to its own server for 3 s; pod acme-scim-0 still gets some, the last with ScimApiKey "okta"`)))
		Consistently(current(ctx, tenant), "3s").Should(haveList("shared Live, acme Live"))
		own.Call("")
		Eventually(current(ctx, tenant), moves).Should(haveList("shared Memory"))
	})

	It("can be deleted in the middle: all of its servers stop", func(ctx context.Context) {
		tenant := newTenant(ctx, withDeletionPolicy(scimv1alpha1.DeletionPolicyDelete))
		becomeReady(ctx, tenant)
		own := newOwnPod(tenant)
		shared := newSharedServer(ctx, tenant.Namespace, "shared")
		change(ctx, tenant, withServerRef("shared"))
		Eventually(current(ctx, tenant)).Should(haveList("shared Live, acme Live"))
		shared.Set(true, false)
		Expect(env.Client.Delete(ctx, tenant)).To(Succeed())
		Eventually(func() error { return env.Client.Get(ctx, key(tenant), &appsv1.Deployment{}) }).Should(BeNotFound())
		Expect(own.Stop(ctx)).To(Succeed())
		Eventually(current(ctx, tenant)).Should(WithTransform(func(t *scimv1alpha1.ScimTenant) string {
			return meta.FindStatusCondition(t.Status.Conditions, scimv1alpha1.ConditionReady).Message
		}, ContainSubstring("waiting until no replica of ScimServer")))
		shared.Set(false, false)
		Eventually(func() error { _, err := current(ctx, tenant)(); return err }, moves).Should(BeNotFound())
	})

	It("leaves a ScimServer that is gone, with the URL at which nobody answers any more", func(ctx context.Context) {
		first := newTenant(ctx, func(t *scimv1alpha1.ScimTenant) { t.Name = "unrelated" })
		gone := newSharedServer(ctx, first.Namespace, "gone")
		newSharedServer(ctx, first.Namespace, "other")
		tenant := newTenant(ctx, in(first, "acme"), withServerRef("gone"))
		Eventually(current(ctx, tenant)).Should(And(controllertest.BeReady(scimv1alpha1.ReasonSucceeded), haveList("gone Memory")))
		server := &scimv1alpha1.ScimServer{ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "gone"}}
		change(ctx, server, func(s *scimv1alpha1.ScimServer) {
			metav1.SetMetaDataAnnotation(&s.ObjectMeta, scimv1alpha1.AnnotationAbandonTenants, "true")
		})
		Expect(env.Client.Delete(ctx, server)).To(Succeed())
		Eventually(current(ctx, tenant)).Should(controllertest.BeStalled(scimv1alpha1.ReasonServerNotFound))
		Expect(gone.Stop(ctx)).To(Succeed())

		change(ctx, tenant, withServerRef("other"))
		Eventually(current(ctx, tenant), moves).Should(And(haveList("other Memory"), haveMoved, controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			HaveField("Status.URL", contract.SharedURL(tenant.Namespace, "other")+contract.SharedPath("acme"))))
	})

	It("is not taken for one that had its name, and its own server, before", func(ctx context.Context) {
		namespace := newTenant(ctx, func(t *scimv1alpha1.ScimTenant) { t.Name = "unrelated" }).Namespace
		newSharedServer(ctx, namespace, "shared")
		earlier := metav1.ObjectMeta{
			Namespace: namespace, Name: "acme-scim", Labels: operand.Labels("acme"),
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: scimv1alpha1.GroupVersion.String(), Kind: operand.KindTenant, Name: "acme", UID: "earlier", Controller: ptr.To(true),
			}},
		}
		account, service := &corev1.ServiceAccount{ObjectMeta: earlier}, &corev1.Service{ObjectMeta: earlier}
		service.Spec.Ports = []corev1.ServicePort{{Port: 80}}
		Expect(env.Client.Create(ctx, account)).To(Succeed())
		Expect(env.Client.Create(ctx, service)).To(Succeed())
		tenant := newTenant(ctx, func(t *scimv1alpha1.ScimTenant) { t.Namespace = namespace }, withServerRef("shared"))
		Eventually(current(ctx, tenant)).Should(HaveField("Status.URL", "http://shared-scim-server."+namespace+".svc/acme/scim/v2"))
		Consistently(current(ctx, tenant)).Should(haveList(""))

		By("being served once that is gone")
		Expect(env.Client.Delete(ctx, service)).To(Succeed())
		Expect(env.Client.Delete(ctx, account)).To(Succeed())
		Eventually(current(ctx, tenant)).Should(And(haveList("shared Memory"), controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			HaveField("Status.URL", "http://shared-scim-server."+namespace+".svc/acme/scim/v2")))
		_, err := serviceOf(ctx, tenant)()
		Expect(err).To(BeNotFound())
	})
})
