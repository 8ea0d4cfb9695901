package consistency

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/contract"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// describeHistories has the specs of how replicas answer: as a single server would. The histories of many clients are
// searched for an order in which one server could have given all the answers.
func describeHistories(f *fleet) {
	It("are answered as by one server, undisturbed", f.repeated, func(ctx SpecContext) {
		w := f.startWorkload(&workload{way: directly})
		w.progress(size("CONSISTENCY_OPERATIONS", 4000) / (f.size * replicas))
		w.finish(ctx, "undisturbed")
	})

	It("are answered as by one server while pods are deleted by force", Label("drill"), func(ctx SpecContext) {
		w := f.startWorkload(&workload{way: directly, disturbed: f.tenants})
		defer f.numberPods()()
		w.progress(30)
		for _, victims := range [][]int{{0}, {1, 2}} {
			var gone []string
			for _, t := range f.servers() {
				for _, i := range victims {
					pod := podOf(ctx, t.Tenant, i)
					gone = append(gone, pod.Name)
					Kubectl("delete", "pod", "-n", t.Namespace, pod.Name, "--force", "--grace-period=0", "--wait=false")
				}
			}
			for _, t := range f.servers() {
				Recovered(ctx, t.Tenant)
				Expect(NamesOf(t.Pods(ctx))).NotTo(ContainElements(gone))
			}
			w.progress(30)
		}
		w.finish(ctx, "deleted")
	})

	It("are answered as by one server while the servers are rolled and the operator starts again, and no request fails", f.repeated, func(ctx SpecContext) {
		w := f.startWorkload(&workload{way: throughService})
		w.progress(100)
		before := map[string][]string{}
		for _, t := range f.servers() {
			before[t.Name] = NamesOf(t.Pods(ctx))
			Kubectl("rollout", "restart", "-n", t.Namespace, "deployment/"+t.Deployment())
		}
		Kubectl("rollout", "restart", "-n", OperatorKey.Namespace, "deployment/"+OperatorKey.Name)
		for _, t := range f.servers() {
			Eventually(func(g Gomega) {
				pods := &corev1.PodList{}
				g.Expect(Cluster.List(ctx, pods, client.InNamespace(t.Namespace), client.MatchingLabels(t.Labels()))).To(Succeed())
				g.Expect(pods.Items).To(HaveLen(replicas))
				for _, pod := range pods.Items {
					g.Expect(before[t.Name]).NotTo(ContainElement(pod.Name), "all pods are to be replaced, and to be gone")
				}
			}).WithTimeout(3 * time.Minute).Should(Succeed())
		}
		Eventually(func(g Gomega) {
			operator := &appsv1.Deployment{}
			g.Expect(Cluster.Get(ctx, OperatorKey, operator)).To(Succeed())
			g.Expect(IsAvailable(operator)).To(BeTrue())
		}).WithTimeout(time.Minute).Should(Succeed())
		w.progress(100)
		w.finish(ctx, "rolled")
	})

	if !isLocal() {
		return
	}

	It("are answered as by one server while server processes are killed without warning", f.repeated, func(ctx SpecContext) {
		w := f.startWorkload(&workload{way: directly, disturbed: f.tenants})
		w.progress(30)
		for _, victims := range [][]int{{0}, {1, 2}} {
			var killed []corev1.Pod
			for _, t := range f.servers() {
				for _, i := range victims {
					pod := podOf(ctx, t.Tenant, i)
					killed = append(killed, pod)
					killServer(pod)
				}
			}
			for _, pod := range killed {
				expectRestarted(ctx, pod)
			}
			w.progress(30)
		}
		w.finish(ctx, "killed")
	})

	It("are answered as by one server while they are cut off from each other", f.repeated, func(ctx SpecContext) {
		w := f.startWorkload(&workload{way: directly, disturbed: f.tenants})
		w.progress(30)
		for _, cuts := range [][]cut{
			{{from: 0, to: 1}},
			{{0, 1}, {1, 0}, {0, 2}, {2, 0}},
			{{0, 1}, {1, 0}, {0, 2}, {2, 0}, {1, 2}, {2, 1}},
		} {
			var mends []func()
			for _, t := range f.servers() {
				for _, c := range cuts {
					mends = append(mends, cutOff(podOf(ctx, t.Tenant, c.from), podOf(ctx, t.Tenant, c.to)))
				}
			}
			w.progress(30) // Every replica goes on to answer.
			for _, mend := range mends {
				mend()
			}
			w.progress(30)
		}
		w.finish(ctx, "cut-off")
	})

	It("are answered as by one server after a crash of pods that cannot reach each other, which say so", Label("drill"), func(ctx SpecContext) {
		w := f.startWorkload(&workload{way: directly, disturbed: f.tenants})
		w.progress(30)
		var mends []func()
		for _, t := range f.servers() {
			pods := []corev1.Pod{podOf(ctx, t.Tenant, 0), podOf(ctx, t.Tenant, 1), podOf(ctx, t.Tenant, 2)}
			for _, from := range pods {
				for _, to := range pods {
					if from.Name != to.Name {
						mends = append(mends, cutOff(from, to))
					}
				}
			}
		}
		for _, t := range f.servers() {
			before := t.Pods(ctx)
			for _, pod := range before {
				killServer(pod)
			}
			for _, pod := range before {
				expectRestarted(ctx, pod) // Ready, although nobody has heard of anybody.
			}
			Eventually(func(g Gomega) {
				leases := &coordinationv1.LeaseList{}
				g.Expect(Cluster.List(ctx, leases, client.InNamespace(t.Namespace), client.MatchingLabels(t.LeaseLabels()))).To(Succeed())
				g.Expect(contract.UnreachablePeers(leases.Items)).To(HaveLen(replicas * (replicas - 1)))
			}).WithTimeout(time.Minute).Should(Succeed())
		}
		w.progress(30)
		for _, mend := range mends {
			mend()
		}
		w.progress(30)
		w.finish(ctx, "crashed-apart")
	})

	It("are answered as by one server while the API server stands still", f.repeated, func(ctx SpecContext) {
		w := f.startWorkload(&workload{way: directly, disturbed: f.tenants})
		w.progress(30)
		goOn := stopAPIServer()
		defer goOn() // Before the state of the cluster is reported, if something fails.
		standstill := time.NewTimer(10 * time.Second)
		defer standstill.Stop()
		expectNoAPIServer(ctx)
		select {
		case <-standstill.C:
		case <-ctx.Done():
		}
		goOn()
		w.progress(60)
		w.finish(ctx, "standstill")
	})
}

// cut is a direction between two replicas, by their numbers.
type cut struct{ from, to int }

// expectRestarted waits until the server of a pod runs again after it was killed.
func expectRestarted(ctx SpecContext, before corev1.Pod) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		pod := &corev1.Pod{}
		g.Expect(Cluster.Get(ctx, client.ObjectKeyFromObject(&before), pod)).To(Succeed())
		g.Expect(pod.Status.ContainerStatuses[0].RestartCount).To(BeNumerically(">", before.Status.ContainerStatuses[0].RestartCount))
		g.Expect(IsReady(pod)).To(BeTrue())
	}).WithTimeout(time.Minute).Should(Succeed(), "the server in the pod %s", before.Name)
}

// expectNoAPIServer waits until the API server does not answer any more.
func expectNoAPIServer(ctx SpecContext) {
	GinkgoHelper()
	Eventually(func() error {
		limited, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		return Cluster.List(limited, &corev1.NodeList{})
	}).WithTimeout(5 * time.Second).ShouldNot(Succeed())
}
