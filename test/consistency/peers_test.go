package consistency

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("Two pods of a tenant that are cut off from each other", func() {
	It("go on answering, show in the tenant's status, and recover by themselves", func(ctx SpecContext) {
		t := Serve(ctx, "apart", scimv1alpha1.IdentityProviderGeneric)
		t.Expose(ctx)
		mends := []func(){
			cutOff(podOf(ctx, t, 0), podOf(ctx, t, 1)),
			cutOff(podOf(ctx, t, 1), podOf(ctx, t, 0)),
		}
		WaitFor(t.Namespace, `jsonpath={.status.conditions[?(@.type=="ReplicasConnected")].reason}=`+scimv1alpha1.ReasonPeersUnreachable,
			"scimtenant/"+t.Name)
		says := Kubectl("get", "scimtenant", "-n", t.Namespace, t.Name, "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].message}`)
		Expect(says).To(And(ContainSubstring("port 8082"), ContainSubstring(podOf(ctx, t, 0).Name)))
		id := t.Replicas[0].Do(http.MethodPost, Users, PlainUser("apart@example.com")).Has(http.StatusCreated).ID()
		t.Replicas[1].Get(Users + "/" + id).Has(http.StatusOK)

		for _, mend := range mends {
			mend()
		}
		WaitFor(t.Namespace, `jsonpath={.status.conditions[?(@.type=="ReplicasConnected")].status}=True`, "scimtenant/"+t.Name)
		WaitFor(t.Namespace, "condition=Ready", "scimtenant/"+t.Name)
		Eventually(func() int { return t.Replicas[1].Get(Users + "/" + id).Status }).WithTimeout(10 * time.Second).Should(Equal(http.StatusOK))
	})
})
