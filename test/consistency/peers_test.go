package consistency

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// describePeers has the spec of what is said of pods that cannot reach each other, which is where the server's conditions are.
func describePeers(f *fleet) {
	if !isLocal() {
		return
	}

	It("are answered by two pods that are cut off from each other, which the status says until they are not", func(ctx SpecContext) {
		t := f.tenants[0]
		mends := []func(){
			cutOff(podOf(ctx, t.Tenant, 0), podOf(ctx, t.Tenant, 1)),
			cutOff(podOf(ctx, t.Tenant, 1), podOf(ctx, t.Tenant, 0)),
		}
		WaitFor(t.Namespace, `jsonpath={.status.conditions[?(@.type=="ReplicasConnected")].reason}=`+scimv1alpha1.ReasonPeersUnreachable,
			t.ServerObject())
		says := Kubectl("get", t.ServerObject(), "-n", t.Namespace, "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].message}`)
		Expect(says).To(And(ContainSubstring("port 8082"), ContainSubstring(podOf(ctx, t.Tenant, 0).Name)))
		id := t.Replicas[0].Do(http.MethodPost, Users, PlainUser(Unique("apart")+"@example.com")).Has(http.StatusCreated).ID()
		t.Replicas[1].Get(Users + "/" + id).Has(http.StatusOK)

		for _, mend := range mends {
			mend()
		}
		WaitFor(t.Namespace, `jsonpath={.status.conditions[?(@.type=="ReplicasConnected")].status}=True`, t.ServerObject())
		WaitFor(t.Namespace, "condition=Ready", t.ServerObject())
		Eventually(func() int { return t.Replicas[1].Get(Users + "/" + id).Status }).WithTimeout(10 * time.Second).Should(Equal(http.StatusOK))
	})
}
