// Package e2e tests Kubescim on a real cluster, as its users meet it: a platform
// team with kubectl, and an identity provider with HTTP. `make e2e` brings up the
// cluster, installs the operator and runs it.
package e2e

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The operator as `make e2e` installs it.
var operatorKey = client.ObjectKey{Namespace: "kubescim-system", Name: "kubescim"}

const howToGetThere = "run `make e2e`, which starts a cluster, builds the image, installs the operator and runs this suite"

func TestEndToEnd(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(30 * time.Second)
	SetDefaultEventuallyPollingInterval(200 * time.Millisecond)
	RunSpecs(t, "Kubescim end to end")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	connect()
	operator := &appsv1.Deployment{}
	err := cluster.Get(ctx, operatorKey, operator)
	if apierrors.IsNotFound(err) {
		Fail(fmt.Sprintf("the operator is not installed: there is no Deployment %s; %s", operatorKey, howToGetThere))
	}
	Expect(err).NotTo(HaveOccurred(), "the cluster does not answer; %s", howToGetThere)
	Eventually(func(g Gomega) {
		g.Expect(cluster.Get(ctx, operatorKey, operator)).To(Succeed())
		g.Expect(isAvailable(operator)).To(BeTrue(), "%+v", operator.Status)
	}).WithTimeout(2*time.Minute).Should(Succeed(),
		"Deployment %s does not become available: see `kubectl -n %s describe pods`; to install it again, %s",
		operatorKey, operatorKey.Namespace, howToGetThere)
})

// A namespace is deleted together with everything in it. Nothing that the
// operator puts into it may keep it.
var _ = AfterSuite(func(ctx SpecContext) {
	Eventually(func(g Gomega) {
		left := &corev1.NamespaceList{}
		g.Expect(cluster.List(ctx, left, client.HasLabels{labelOfSuite})).To(Succeed())
		var names []string
		for _, namespace := range left.Items {
			if madeHere[namespace.Name] {
				names = append(names, namespace.Name)
			}
		}
		g.Expect(names).To(BeEmpty(), "these namespaces were deleted and are still there")
	}).WithTimeout(2 * time.Minute).WithPolling(time.Second).Should(Succeed())
})

// What went wrong is rarely in the failed assertion alone.
var _ = JustAfterEach(func() {
	if CurrentSpecReport().Failed() {
		reportNamespaces()
	}
})

// isAvailable reports whether all pods of a Deployment are of its newest
// template and available.
func isAvailable(d *appsv1.Deployment) bool {
	wanted := *d.Spec.Replicas
	return d.Status.ObservedGeneration >= d.Generation && d.Status.Replicas == wanted &&
		d.Status.UpdatedReplicas == wanted && d.Status.AvailableReplicas == wanted
}

// operatorPods are the operator's pods that are not going away.
func operatorPods(ctx SpecContext) []corev1.Pod {
	GinkgoHelper()
	operator := &appsv1.Deployment{}
	Expect(cluster.Get(ctx, operatorKey, operator)).To(Succeed())
	return podsOf(ctx, operatorKey.Namespace, operator.Spec.Selector.MatchLabels)
}

// podsOf are the pods with the labels that are not going away.
func podsOf(ctx SpecContext, namespace string, labels map[string]string) []corev1.Pod {
	GinkgoHelper()
	list := &corev1.PodList{}
	Expect(cluster.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels(labels))).To(Succeed())
	var pods []corev1.Pod
	for _, pod := range list.Items {
		if pod.DeletionTimestamp.IsZero() {
			pods = append(pods, pod)
		}
	}
	return pods
}

// isReady reports whether a pod is ready.
func isReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// namesOf are the names of objects.
func namesOf[T any, P interface {
	*T
	metav1.Object
}](objects []T) []string {
	names := make([]string, len(objects))
	for i := range objects {
		names[i] = P(&objects[i]).GetName()
	}
	return names
}
