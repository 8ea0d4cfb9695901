package e2e

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// It waits for minutes, and begins first, so that the suite need not wait for it in the end.
var _ = Describe("What is absent", SpecPriority(1), func() {
	It("is expected for as long as the configuration says, and is a member again when it comes", func(ctx SpecContext) {
		tenant := Serve(ctx, "absent", scimv1alpha1.IdentityProviderGeneric, OneReplica)
		userIDs, groupID := populate(tenant)
		pod := tenant.Pods(ctx)[0]
		Expect(pod.Spec.Containers[0].Args).To(ContainElement("--absence=24h0m0s"), "what the operator's configuration says by default")
		key := func(id string) client.ObjectKey { return client.ObjectKey{Namespace: tenant.Namespace, Name: id} }
		group := &scimv1alpha1.ScimGroup{}
		Expect(Cluster.Get(ctx, key(groupID), group)).To(Succeed())
		var users []*scimv1alpha1.ScimUser
		for _, id := range userIDs {
			user := &scimv1alpha1.ScimUser{}
			Expect(Cluster.Get(ctx, key(id), user)).To(Succeed())
			users = append(users, user)
			Expect(BreakGlass.Delete(ctx, user.DeepCopy())).To(Succeed())
		}
		Expect(BreakGlass.Delete(ctx, group.DeepCopy())).To(Succeed())
		putBack := func(object client.Object) {
			GinkgoHelper()
			object.SetResourceVersion("")
			object.SetUID("")
			Expect(BreakGlass.Create(ctx, object)).To(Succeed())
		}
		putBack(group)

		// The upkeep has looked, and has found both members to be absent.
		Eventually(func() string {
			return Kubectl("get", "--raw", "/api/v1/namespaces/"+pod.Namespace+"/pods/"+pod.Name+":8081/proxy/metrics")
		}).WithTimeout(3 * time.Minute).WithPolling(5 * time.Second).Should(MatchRegexp(`kubescim_store_absent_members\{[^}]*\} 2`))
		// A read that has to go to the API server for once shows what is stored.
		Eventually(func() map[string]any {
			return tenant.Send(http.MethodGet, Groups+"/"+groupID, "").Has(http.StatusOK).Document
		}).WithTimeout(30*time.Second).ShouldNot(HaveKey("members"), "nobody is shown who is not there")

		for _, user := range users {
			putBack(user)
		}
		Eventually(func() []string {
			return Values(tenant.Get(Groups + "/" + groupID).Has(http.StatusOK).Document["members"])
		}).WithTimeout(30 * time.Second).Should(ConsistOf(userIDs))
		Expect(KubectlList(tenant.Namespace, "events", "--field-selector=reason=MembersRemoved")).To(BeEmpty())
	})
})
