package e2e

import (
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// leader is the name of the operator's pod that leads.
func leader(ctx SpecContext) string {
	GinkgoHelper()
	lease := &coordinationv1.Lease{}
	Expect(Cluster.Get(ctx, client.ObjectKey{Namespace: OperatorKey.Namespace, Name: "kubescim-manager"}, lease)).To(Succeed())
	pod, _, _ := strings.Cut(ptr.Deref(lease.Spec.HolderIdentity, ""), "_")
	return pod
}

// It ends the operator: no other spec runs beside it.
var _ = Describe("A second operator", Serial, func() {
	It("is ready to take over from one that leaves, and from one that is killed", func(ctx SpecContext) {
		t := Serve(ctx, "takeover", scimv1alpha1.IdentityProviderGeneric, OneReplica)
		ChangeRelease(chart).Upgrade(ctx, `{"replicas": 2}`)
		for _, end := range []struct {
			how    string
			within time.Duration
			args   []string
		}{
			{"leaves", 15 * time.Second, nil},
			{"is killed", 45 * time.Second, []string{"--force", "--grace-period=0"}}, // Its Lease has to run out.
		} {
			Eventually(func() []string { return NamesOf(OperatorPods(ctx)) }).WithTimeout(time.Minute).Should(And(HaveLen(2), ContainElement(leader(ctx))))
			first := leader(ctx)
			began := time.Now()
			Kubectl(append([]string{"delete", "pod", "-n", OperatorKey.Namespace, "--wait=false", first}, end.args...)...)
			// The one that ends may still do something before it does.
			Eventually(func() string { return leader(ctx) }).WithTimeout(2 * end.within).WithPolling(100 * time.Millisecond).ShouldNot(Equal(first))
			key := fmt.Sprintf("after-one-%s", strings.Fields(end.how)[0])
			Apply(NewKey(t.Namespace, key, t.Name))
			WaitFor(t.Namespace, "condition=Ready", "scimapikey/"+key)
			took := time.Since(began)
			AddReportEntry("take-over", fmt.Sprintf("when the leader %s, a new key is Ready %.1f s later", end.how, took.Seconds()))
			Expect(took).To(BeNumerically("<", end.within))
		}
	})
})
