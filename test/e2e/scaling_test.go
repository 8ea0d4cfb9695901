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
	"k8s.io/apimachinery/pkg/labels"

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

// serverOf is what makes a server of one tenant, shaped as a spec wants it.
type serverOf func(ctx SpecContext, name string, shape func(*scimv1alpha1.ServerSpec)) *Tenant

// ownServer makes a tenant with a server of its own.
func ownServer(ctx SpecContext, name string, shape func(*scimv1alpha1.ServerSpec)) *Tenant {
	GinkgoHelper()
	return Serve(ctx, name, scimv1alpha1.IdentityProviderGeneric, OneReplica, Unlimited, func(spec *scimv1alpha1.ScimTenantSpec) { shape(&spec.Server) })
}

// sharedServer makes a ScimServer with a tenant.
func sharedServer(ctx SpecContext, name string, shape func(*scimv1alpha1.ServerSpec)) *Tenant {
	GinkgoHelper()
	namespace := NewNamespace(ctx, name)
	server := NewServer(namespace, name, 1)
	shape(&server.Spec.ServerSpec)
	Apply(server)
	return ServeIn(ctx, namespace, NewTenant(namespace, name, scimv1alpha1.IdentityProviderGeneric, On(name), Unlimited))[0]
}

var _ = Describe("The number of pods", func() {
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
	// scale is what the scale subresource says.
	scale := func(t *Tenant) string {
		GinkgoHelper()
		return Kubectl("get", "-n", t.Namespace, t.ServerObject(), "--subresource=scale", "-o", "jsonpath={.spec.replicas} {.status.selector}")
	}

	DescribeTable("is what kubectl scale says", func(ctx SpecContext, serve serverOf) {
		t := serve(ctx, "scaled", func(*scimv1alpha1.ServerSpec) {})
		Kubectl("scale", "-n", t.Namespace, t.ServerObject(), "--replicas=3")
		Eventually(ready(ctx, t)).WithTimeout(90 * time.Second).Should(Equal(3))
		WaitFor(t.Namespace, "jsonpath={.status.replicas}=3", t.ServerObject())
		WaitFor(t.Namespace, "jsonpath={.status.serverReplicas}=3/3", t.ServerObject())
		Expect(scale(t)).To(Equal("3 " + labels.Set(t.Labels()).String()))
		Kubectl("scale", "-n", t.Namespace, t.ServerObject(), "--current-replicas=3", "--replicas=1")
		Eventually(ready(ctx, t)).WithTimeout(90 * time.Second).Should(Equal(1))
		_, err := RunKubectl("", "scale", "-n", t.Namespace, t.ServerObject(), "--replicas=21")
		Expect(err).To(MatchError(MatchRegexp(`spec\.(server\.)?replicas`)))
	},
		Entry("of a tenant", serverOf(ownServer)),
		Entry("of a ScimServer", serverOf(sharedServer)),
	)

	DescribeTable("is chosen by the CPU that they use, where there is to be autoscaling", SpecPriority(1), func(ctx SpecContext, serve serverOf, without string) {
		t := serve(ctx, "autoscaled", func(spec *scimv1alpha1.ServerSpec) {
			spec.Autoscaling = scimv1alpha1.ServerAutoscaling{MinReplicas: 1, MaxReplicas: 3, TargetCPUUtilizationPercentage: 50}
			spec.Resources = &corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("20m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
				Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")},
			}
		})
		for i := range 50 {
			t.Send(http.MethodPost, Users, PlainUser(fmt.Sprintf("user-%d", i))).Has(http.StatusCreated)
		}
		WaitFor(t.Namespace, "condition=Autoscaled", t.ServerObject())
		Expect(Kubectl("top", "pods", "-n", t.Namespace)).To(ContainSubstring(t.Deployment() + "-"))

		By("sending more than one pod is meant for")
		stop := ask(ctx, t, 4)
		DeferCleanup(stop)
		Eventually(ready(ctx, t)).WithTimeout(4 * time.Minute).WithPolling(2 * time.Second).Should(BeNumerically(">=", 2))
		WaitFor(t.Namespace, "condition=Ready", t.ServerObject())
		Expect(scale(t)).To(MatchRegexp("^[23] "))

		By("asking for no autoscaler")
		Kubectl("patch", "-n", t.Namespace, t.ServerObject(), "--type=merge", "-p", without)
		Eventually(ready(ctx, t)).WithTimeout(90 * time.Second).Should(Equal(1))
		Expect(KubectlGet(t.Namespace, "hpa", t.Deployment())).To(BeNil())
	},
		Entry("of a tenant", serverOf(ownServer), `{"spec":{"server":{"autoscaling":null,"replicas":1}}}`),
		Entry("of a ScimServer", Label("drill"), serverOf(sharedServer), `{"spec":{"autoscaling":null,"replicas":1}}`),
	)
})
