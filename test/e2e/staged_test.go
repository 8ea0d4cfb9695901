package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// concurrent counts, again and again, how many Deployments of a namespace have pods that are
// not of their newest template or not available, until the context ends. It returns the most.
func concurrent(ctx context.Context, namespace string) <-chan int {
	most := make(chan int, 1)
	go func() {
		highest := 0
		for ctx.Err() == nil {
			deployments := &appsv1.DeploymentList{}
			if err := Cluster.List(ctx, deployments, client.InNamespace(namespace)); err == nil {
				moving := 0
				for i := range deployments.Items {
					if !IsAvailable(&deployments.Items[i]) {
						moving++
					}
				}
				highest = max(highest, moving)
			}
			time.Sleep(100 * time.Millisecond)
		}
		most <- highest
	}()
	return most
}

// It starts the operator again, with another image for all servers: no other spec runs beside it.
var _ = Describe("What changes the pods of all servers", Serial, func() {
	It("reaches a few of them at a time, and no more if these do not become ready", Label("drill"), func(ctx SpecContext) {
		namespace := NewNamespace(ctx, "staged")
		var manifests []*scimv1alpha1.ScimTenant
		for i := range 4 {
			name, server := fmt.Sprintf("staged-%d", i), OneReplica
			if i >= 2 { // The server is one that tenants share.
				Apply(NewServer(namespace, name, 1))
				server = On(name)
			}
			manifests = append(manifests, NewTenant(namespace, name, scimv1alpha1.IdentityProviderGeneric, server))
		}
		tenants := ServeIn(ctx, namespace, manifests...)
		deployment := func(t *Tenant) *appsv1.Deployment {
			GinkgoHelper()
			d := &appsv1.Deployment{}
			Expect(Cluster.Get(ctx, client.ObjectKey{Namespace: namespace, Name: t.Deployment()}, d)).To(Succeed())
			return d
		}
		// those are the tenants whose server's container is as given.
		those := func(is func(image string, arguments []string) bool) func() []*Tenant {
			return func() []*Tenant {
				var found []*Tenant
				for _, t := range tenants {
					c := deployment(t).Spec.Template.Spec.Containers[0]
					if is(c.Image, c.Args) {
						found = append(found, t)
					}
				}
				return found
			}
		}
		answer := func() {
			GinkgoHelper()
			for _, t := range tenants {
				t.Service.Get(Users + "?count=0").Has(http.StatusOK) // the pods are others than at first
			}
		}

		By("changing an argument of all servers")
		watching, enough := context.WithCancel(ctx)
		defer enough()
		most := concurrent(watching, namespace)
		release := ChangeRelease(chart)
		release.Upgrade(ctx, "config: {servers: {absence: 23h, rollout: {maxConcurrent: 2}}}")
		Eventually(those(func(_ string, arguments []string) bool { return slices.Contains(arguments, "--absence=23h0m0s") })).
			WithTimeout(3 * time.Minute).Should(HaveLen(4))
		for _, t := range tenants {
			WaitFor(namespace, "condition=UpToDate", t.ServerObject())
		}
		enough()
		Expect(<-most).To(BeNumerically("<=", 2))

		By("giving them an image that there is not")
		broken := those(func(image string, _ []string) bool { return image == "registry.example.com/kubescim:none" })
		release.Upgrade(ctx, "{server: {image: 'registry.example.com/kubescim:none'}, config: {servers: {rollout: {maxConcurrent: 1}}}}")
		Eventually(broken).WithTimeout(time.Minute).Should(HaveLen(1))
		Consistently(broken).WithTimeout(10 * time.Second).WithPolling(time.Second).Should(HaveLen(1))
		answer()
		// Of each kind there is one that waits.
		for _, shared := range []bool{false, true} {
			waits := tenants[slices.IndexFunc(tenants, func(t *Tenant) bool { return t != broken()[0] && (t.Server != "") == shared })]
			kind, name, _ := strings.Cut(waits.ServerObject(), "/")
			Expect(conditionOf(KubectlGet(namespace, kind, name), scimv1alpha1.ConditionUpToDate)).
				To(And(HaveKeyWithValue("status", "False"), HaveKeyWithValue("reason", scimv1alpha1.ReasonWaitingForRollout)))
			WaitFor(namespace, "condition=Ready", waits.ServerObject())

			By("scaling one that waits")
			Kubectl("scale", "-n", namespace, waits.ServerObject(), "--replicas=2")
			WaitFor(namespace, "jsonpath={.status.serverReplicas}=2/2", waits.ServerObject())
			Expect(broken()).To(HaveLen(1))
		}

		By("giving them a good one again")
		release.Upgrade(ctx, "server: {image: ''}")
		Eventually(broken).WithTimeout(time.Minute).Should(BeEmpty())
		for _, t := range tenants {
			WaitFor(namespace, "condition=UpToDate", t.ServerObject())
		}
		answer()
	})
})
