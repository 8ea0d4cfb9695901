package consistency

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// The replicas answer as a single server would: the histories of many clients are
// searched for an order in which one server could have given all the answers.
var _ = Describe("The replicas of a server answer as one", func() {
	It("undisturbed", func(ctx SpecContext) {
		w := startWorkload(directly, true)
		w.progress(size("CONSISTENCY_OPERATIONS", 4000) / (2 * replicas))
		w.finish(ctx, "undisturbed")
	})

	It("while pods are deleted by force", Label("drill"), func(ctx SpecContext) {
		w := startWorkload(directly, false)
		defer numberPods()()
		w.progress(30)
		for _, victims := range [][]int{{0}, {1, 2}} {
			var gone []string
			for _, t := range []*Tenant{keeping, erasing} {
				for _, i := range victims {
					pod := podOf(ctx, t, i)
					gone = append(gone, pod.Name)
					Kubectl("delete", "pod", "-n", t.Namespace, pod.Name, "--force", "--grace-period=0", "--wait=false")
				}
			}
			for _, t := range []*Tenant{keeping, erasing} {
				Recovered(ctx, t)
				Expect(NamesOf(t.Pods(ctx))).NotTo(ContainElements(gone))
			}
			w.progress(30)
		}
		w.finish(ctx, "deleted")
	})

	It("while the servers are rolled and the operator starts again, and no request fails", func(ctx SpecContext) {
		w := startWorkload(throughService, true)
		w.progress(100)
		before := map[string][]string{}
		for _, t := range []*Tenant{keeping, erasing} {
			before[t.Name] = NamesOf(t.Pods(ctx))
			Kubectl("rollout", "restart", "-n", t.Namespace, "deployment/"+t.Name+"-scim")
		}
		Kubectl("rollout", "restart", "-n", OperatorKey.Namespace, "deployment/"+OperatorKey.Name)
		for _, t := range []*Tenant{keeping, erasing} {
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

	It("while the schemas of the tenants change", func(ctx SpecContext) {
		w := startWorkload(directly, false)
		w.progress(30)
		for i := range 4 {
			for _, t := range []*Tenant{keeping, erasing} {
				extensions := "null"
				if i%2 == 0 {
					extensions = `[{"id":"urn:example:badge:User","attributes":[{"name":"number","type":"String"}]}]`
				}
				Kubectl("patch", "scimtenant", "-n", t.Namespace, t.Name, "--type=merge", "--patch", `{"spec":{"schemaExtensions":`+extensions+`}}`)
			}
			w.progress(30)
		}
		w.finish(ctx, "schemas")
	})

	if !isLocal() {
		return
	}

	It("while server processes are killed without warning", func(ctx SpecContext) {
		w := startWorkload(directly, false)
		w.progress(30)
		for _, victims := range [][]int{{0}, {1, 2}} {
			var killed []corev1.Pod
			for _, t := range []*Tenant{keeping, erasing} {
				for _, i := range victims {
					pod := podOf(ctx, t, i)
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

	It("while they are cut off from each other", func(ctx SpecContext) {
		w := startWorkload(directly, false)
		w.progress(30)
		for _, cuts := range [][]cut{
			{{from: 0, to: 1}},
			{{0, 1}, {1, 0}, {0, 2}, {2, 0}},
			{{0, 1}, {1, 0}, {0, 2}, {2, 0}, {1, 2}, {2, 1}},
		} {
			var mends []func()
			for _, t := range []*Tenant{keeping, erasing} {
				for _, c := range cuts {
					mends = append(mends, cutOff(podOf(ctx, t, c.from), podOf(ctx, t, c.to)))
				}
			}
			w.progress(60) // Every replica goes on to answer.
			for _, mend := range mends {
				mend()
			}
			w.progress(30)
		}
		w.finish(ctx, "cut-off")
	})

	It("after a crash of pods that cannot reach each other, which say so", Label("drill"), func(ctx SpecContext) {
		w := startWorkload(directly, false)
		w.progress(30)
		var mends []func()
		for _, t := range []*Tenant{keeping, erasing} {
			pods := []corev1.Pod{podOf(ctx, t, 0), podOf(ctx, t, 1), podOf(ctx, t, 2)}
			for _, from := range pods {
				for _, to := range pods {
					if from.Name != to.Name {
						mends = append(mends, cutOff(from, to))
					}
				}
			}
		}
		for _, t := range []*Tenant{keeping, erasing} {
			before := t.Pods(ctx)
			for _, pod := range before {
				killServer(pod)
			}
			for _, pod := range before {
				expectRestarted(ctx, pod) // Ready, although nobody has heard of anybody.
			}
			Eventually(func(g Gomega) {
				leases := &coordinationv1.LeaseList{}
				g.Expect(Cluster.List(ctx, leases, client.InNamespace(t.Namespace), client.MatchingLabels{
					scimv1alpha1.LabelTenant: t.Name, scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica,
				})).To(Succeed())
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

	It("while the API server stands still", func(ctx SpecContext) {
		w := startWorkload(directly, false)
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
})

// cut is a direction between two replicas, by their numbers.
type cut struct{ from, to int }

// podOf is the pod of a tenant with that number.
func podOf(ctx SpecContext, t *Tenant, number int) corev1.Pod {
	GinkgoHelper()
	for _, pod := range t.Pods(ctx) {
		if pod.Labels[LabelReplica] == fmt.Sprint(number) {
			return pod
		}
	}
	Fail(fmt.Sprintf("no pod of the tenant %s has the number %d", t.Name, number))
	return corev1.Pod{}
}

// numberPods gives, until the function that it returns is called, new pods the
// numbers of those in whose place they come.
func numberPods() (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			for _, t := range []*Tenant{keeping, erasing} {
				if err := t.NumberPods(ctx); err != nil && ctx.Err() == nil {
					GinkgoLogr.Error(err, "numbering the pods is tried again", "tenant", t.Name)
				}
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

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
