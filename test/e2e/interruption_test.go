package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// It kills the operator, and no request may fail for another reason than its own: no other spec runs beside it.
var _ = Describe("A provisioning session", Serial, Ordered, ContinueOnFailure, func() {
	var t *Tenant

	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "session", scimv1alpha1.IdentityProviderGeneric)
	})

	It("loses nothing when server pods and the operator are killed, and needs nobody to mend it", func(ctx SpecContext) {
		const steps = 60
		started := time.Now()
		operator := OperatorPods(ctx)[0].Name
		kill := func(namespace string, pods ...string) {
			Kubectl(append([]string{"delete", "pod", "-n", namespace, "--force", "--grace-period=0", "--wait=false"}, pods...)...)
		}
		kills := map[int]func(){
			steps / 4:     func() { kill(t.Namespace, t.Pods(ctx)[0].Name) },
			steps / 2:     func() { kill(OperatorKey.Namespace, operator) },
			steps * 3 / 4: func() { kill(t.Namespace, NamesOf(t.Pods(ctx))...) }, // No replica is left.
		}
		var (
			sessions []*session
			running  sync.WaitGroup
		)
		for i := range 3 {
			s := &session{client: t.Service, prefix: fmt.Sprintf("killed-%d", i)}
			sessions = append(sessions, s)
			running.Go(func() {
				defer GinkgoRecover()
				pace := time.NewTicker(50 * time.Millisecond)
				defer pace.Stop()
				for n := range steps {
					if do := kills[n]; do != nil && i == 0 {
						do()
					}
					s.step(n)
					<-pace.C
				}
			})
		}
		running.Wait()

		Recovered(ctx, t)
		for _, pod := range t.Pods(ctx) {
			Expect(pod.CreationTimestamp.Time).To(BeTemporally(">=", started.Truncate(time.Second)), "all pods are new")
		}
		Eventually(func(g Gomega) {
			deployment := &appsv1.Deployment{}
			g.Expect(Cluster.Get(ctx, OperatorKey, deployment)).To(Succeed())
			g.Expect(IsAvailable(deployment)).To(BeTrue())
			g.Expect(NamesOf(OperatorPods(ctx))).NotTo(ContainElement(operator))
		}).WithTimeout(time.Minute).Should(Succeed())
		t.Expose(ctx)
		nothingLost(t, sessions...)

		By("asking the new operator for something")
		Apply(NewKey(t.Namespace, "after", t.Name))
		WaitFor(t.Namespace, "condition=Ready", "scimapikey/after")
		token, _ := TokenOf(t.Namespace, "after")
		t.EveryReplica(func(c *Client) { c.WithToken(token).Get(Users + "?count=0").Has(http.StatusOK) })
	})

	It("has no failed request while the server is rolled", func(ctx SpecContext) {
		before := NamesOf(t.Pods(ctx))
		clients := &SteadyClients{}
		clients.Start(t, 3, 150*time.Millisecond)
		defer clients.Stop()
		Eventually(clients.Sent).Should(BeNumerically(">", 10))

		Kubectl("patch", "scimtenant", "-n", t.Namespace, t.Name, "--type=merge", "-p",
			`{"spec":{"server":{"resources":{"requests":{"cpu":"20m","memory":"48Mi"},"limits":{"memory":"192Mi"}}}}}`)
		Eventually(func(g Gomega) {
			pods := &corev1.PodList{}
			g.Expect(Cluster.List(ctx, pods, client.InNamespace(t.Namespace), client.MatchingLabels(t.Labels()))).To(Succeed())
			g.Expect(NamesOf(pods.Items)).NotTo(ContainElements(before), "both pods are to be replaced")
			g.Expect(pods.Items).To(HaveLen(2))
			for _, pod := range pods.Items {
				g.Expect(before).NotTo(ContainElement(pod.Name))
				g.Expect(IsReady(&pod)).To(BeTrue())
				g.Expect(pod.Spec.Containers[0].Resources.Limits.Memory().String()).To(Equal("192Mi"))
			}
		}).WithTimeout(2 * time.Minute).Should(Succeed())
		atEnd := clients.Sent()
		Eventually(clients.Sent).Should(BeNumerically(">", atEnd+10))
		clients.Stop()
		GinkgoWriter.Printf("%d requests\n", clients.Sent())
		Expect(clients.Failures()).To(BeEmpty(), "of %d requests, the first that failed: %.300s", clients.Sent(), strings.Join(clients.Failures(), "\n"))
		Recovered(ctx, t)
	})
})
