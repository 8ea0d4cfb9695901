package scimtenant_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// pendingPod does as if a change of the tenant's Deployment had made a pod for which no
// node has room.
func pendingPod(ctx context.Context, d *appsv1.Deployment) {
	GinkgoHelper()
	owned := func(by metav1.ObjectMeta, kind, name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: d.Namespace, Name: name, Labels: d.Spec.Template.Labels, OwnerReferences: []metav1.OwnerReference{{
			APIVersion: "apps/v1", Kind: kind, Name: by.Name, UID: by.UID, Controller: ptr.To(true),
		}}}
	}
	set := &appsv1.ReplicaSet{
		ObjectMeta: owned(d.ObjectMeta, "Deployment", d.Name+"-new"),
		Spec:       appsv1.ReplicaSetSpec{Selector: d.Spec.Selector, Template: d.Spec.Template},
	}
	set.Annotations = map[string]string{"deployment.kubernetes.io/revision": "2"}
	Expect(env.Client.Create(ctx, set)).To(Succeed())
	pod := &corev1.Pod{
		ObjectMeta: owned(set.ObjectMeta, "ReplicaSet", set.Name+"-a"),
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "scim", Image: "registry.example.com/a"}}},
	}
	Expect(env.Client.Create(ctx, pod)).To(Succeed())
	pod.Status.Phase = corev1.PodPending
	pod.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/1 nodes are available.",
	}}
	Expect(env.Client.Status().Update(ctx, pod)).To(Succeed())
}

var _ = Describe("A roll-out of a tenant's server", func() {
	It("counts no older pod as up to date, and tells what keeps the new one from running", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		d := &appsv1.Deployment{}
		Expect(env.Client.Get(ctx, key(tenant), d)).To(Succeed())
		pendingPod(ctx, d)
		d.Status.Replicas, d.Status.UpdatedReplicas = 3, 1
		Expect(env.Client.Status().Update(ctx, d)).To(Succeed())
		Eventually(current(ctx, tenant)).Should(HaveField("Status.Conditions", ContainElement(And(
			HaveField("Type", scimv1alpha1.ConditionReady),
			HaveField("Reason", scimv1alpha1.ReasonServerRollingOut),
			HaveField("Message", And(
				ContainSubstring("0 of 2 server replicas are ready and up to date; older ones that serve meanwhile: 2"),
				ContainSubstring("pod acme-scim-new-a is Pending: Unschedulable 0/1 nodes are available")))))))
	})
})
