package scimtest

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// IsAvailable reports whether all pods of a Deployment are of its newest
// template and available.
func IsAvailable(d *appsv1.Deployment) bool {
	wanted := *d.Spec.Replicas
	return d.Status.ObservedGeneration >= d.Generation && d.Status.Replicas == wanted &&
		d.Status.UpdatedReplicas == wanted && d.Status.AvailableReplicas == wanted
}

// OperatorPods are the operator's pods that are not going away.
func OperatorPods(ctx SpecContext) []corev1.Pod {
	GinkgoHelper()
	operator := &appsv1.Deployment{}
	Expect(Cluster.Get(ctx, OperatorKey, operator)).To(Succeed())
	return podsOf(ctx, OperatorKey.Namespace, operator.Spec.Selector.MatchLabels)
}

// WithoutOperator calls do while no operator runs. A spec that does so is Serial.
func WithoutOperator(ctx SpecContext, do func()) {
	GinkgoHelper()
	operator := &appsv1.Deployment{}
	Expect(Cluster.Get(ctx, OperatorKey, operator)).To(Succeed())
	scale := func(replicas int32) {
		Kubectl("scale", "deployment", "-n", OperatorKey.Namespace, OperatorKey.Name, fmt.Sprintf("--replicas=%d", replicas))
	}
	defer func() {
		scale(*operator.Spec.Replicas)
		operatorRuns(ctx)
	}()
	scale(0)
	Kubectl("wait", "--for=delete", "pod", "-n", OperatorKey.Namespace, "-l", metav1.FormatLabelSelector(operator.Spec.Selector), "--timeout=60s")
	do()
}

// podsOf are the pods with the labels that are not going away.
func podsOf(ctx SpecContext, namespace string, labels map[string]string) []corev1.Pod {
	GinkgoHelper()
	pods, err := listPods(ctx, namespace, labels)
	Expect(err).NotTo(HaveOccurred())
	return pods
}

// listPods is podsOf outside of a spec's own goroutine.
func listPods(ctx context.Context, namespace string, labels map[string]string) ([]corev1.Pod, error) {
	list := &corev1.PodList{}
	if err := Cluster.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels(labels)); err != nil {
		return nil, fmt.Errorf("listing the pods in %s: %w", namespace, err)
	}
	var pods []corev1.Pod
	for _, pod := range list.Items {
		if pod.DeletionTimestamp.IsZero() {
			pods = append(pods, pod)
		}
	}
	return pods, nil
}

// IsReady reports whether a pod is ready.
func IsReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// NamesOf are the names of objects.
func NamesOf[T any, P interface {
	*T
	metav1.Object
}](objects []T) []string {
	names := make([]string, len(objects))
	for i := range objects {
		names[i] = P(&objects[i]).GetName()
	}
	return names
}

// Recovered waits until all replicas of a tenant's server are ready again, and serve it.
func Recovered(ctx SpecContext, t *Tenant) {
	GinkgoHelper()
	Eventually(func(g Gomega) { t.expectServes(ctx, g) }).WithTimeout(90 * time.Second).Should(Succeed())
}

// MetricsOf reads the metrics of a server pod.
func MetricsOf(pod corev1.Pod) string {
	GinkgoHelper()
	return Kubectl("get", "--raw", fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:8081/proxy/metrics", pod.Namespace, pod.Name))
}
