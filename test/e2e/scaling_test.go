package e2e

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// ask sends requests, from some clients at a time, until the context ends.
func ask(ctx context.Context, t *Tenant, clients int) (stop func()) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for ctx.Err() == nil {
				_, _ = t.Service.Try(http.MethodGet, Users+"?count=50", "") // its CPU is what counts
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	return func() {
		cancel()
		group.Wait()
	}
}

var _ = Describe("The number of a tenant's pods", func() {
	ready := func(ctx SpecContext, t *Tenant) func() int {
		return func() int {
			count := 0
			for _, pod := range t.Pods(ctx) {
				if IsReady(&pod) {
					count++
				}
			}
			return count
		}
	}

	It("is what kubectl scale says", func(ctx SpecContext) {
		t := Serve(ctx, "scaled", scimv1alpha1.IdentityProviderGeneric, OneReplica)
		Kubectl("scale", "-n", t.Namespace, "stenant/"+t.Name, "--replicas=3")
		Eventually(ready(ctx, t)).WithTimeout(90 * time.Second).Should(Equal(3))
		WaitFor(t.Namespace, "jsonpath={.status.replicas}=3", "scimtenant/"+t.Name)
		WaitFor(t.Namespace, "jsonpath={.status.serverReplicas}=3/3", "scimtenant/"+t.Name)
		Expect(Kubectl("get", "-n", t.Namespace, "stenant/"+t.Name, "--subresource=scale", "-o", "jsonpath={.spec.replicas} {.status.selector}")).
			To(Equal("3 app.kubernetes.io/instance=scaled,app.kubernetes.io/name=kubescim-server"))
		Kubectl("scale", "-n", t.Namespace, "stenant/"+t.Name, "--current-replicas=3", "--replicas=1")
		Eventually(ready(ctx, t)).WithTimeout(90 * time.Second).Should(Equal(1))
		_, err := RunKubectl("", "scale", "-n", t.Namespace, "stenant/"+t.Name, "--replicas=21")
		Expect(err).To(MatchError(ContainSubstring("spec.server.replicas")))
	})

	It("is chosen by the CPU that they use, where the tenant has autoscaling", func(ctx SpecContext) {
		t := Serve(ctx, "autoscaled", scimv1alpha1.IdentityProviderGeneric, Unlimited, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Server.Autoscaling = scimv1alpha1.ServerAutoscaling{MinReplicas: 1, MaxReplicas: 3, TargetCPUUtilizationPercentage: 50}
			spec.Server.Replicas = 1
			spec.Server.Resources = &corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("20m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")},
			}
		})
		for i := range 50 {
			t.Send(http.MethodPost, Users, PlainUser(fmt.Sprintf("user-%d", i))).Has(http.StatusCreated)
		}
		WaitFor(t.Namespace, "condition=Autoscaled", "scimtenant/"+t.Name)
		Expect(Kubectl("top", "pods", "-n", t.Namespace)).To(ContainSubstring("autoscaled-scim-"))

		By("sending more than one pod is meant for")
		stop := ask(ctx, t, 4)
		DeferCleanup(stop)
		Eventually(ready(ctx, t)).WithTimeout(4 * time.Minute).WithPolling(2 * time.Second).Should(BeNumerically(">=", 2))
		WaitFor(t.Namespace, "condition=Ready", "scimtenant/"+t.Name)
		Expect(Dig(KubectlGet(t.Namespace, "scimtenant", t.Name), "spec/server/replicas")).To(BeNumerically(">=", 2))

		By("asking for no autoscaler")
		Kubectl("patch", "scimtenant", "-n", t.Namespace, t.Name, "--type=merge", "-p", `{"spec":{"server":{"autoscaling":null,"replicas":1}}}`)
		Eventually(ready(ctx, t)).WithTimeout(90 * time.Second).Should(Equal(1))
		Expect(KubectlGet(t.Namespace, "hpa", "autoscaled-scim")).To(BeNil())
	})
})
