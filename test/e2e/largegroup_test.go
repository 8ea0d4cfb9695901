package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// It waits for minutes, and begins first, so that the suite need not wait for it in the end.
var _ = Describe("A group that outgrows one object", SpecPriority(1), func() {
	It("has all of its members, while they come at once and while the server moves them to their places", Label("drill"), func(ctx SpecContext) {
		t := Serve(ctx, "grow", scimv1alpha1.IdentityProviderGeneric, Unlimited)
		const small, count = 90, 150
		ids := make([]string, count)
		for i := range ids {
			ids[i] = t.Send(http.MethodPost, Users, PlainUser(Unique("member")+"@example.com")).Has(http.StatusCreated).ID()
		}
		group := t.Send(http.MethodPost, Groups, PlainGroup("Everyone", ids[:small]...)).Has(http.StatusCreated).ID()
		Want{"spec/memberCount": small}.In(t.Group(group), "the group, which is in one object")

		var adding sync.WaitGroup
		for i, id := range ids[small:] {
			adding.Go(func() {
				defer GinkgoRecover()
				add := Patch(fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":%q}]}`, id))
				t.Replicas[i%len(t.Replicas)].Do(http.MethodPatch, Groups+"/"+group, add).Has(http.StatusOK)
			})
		}
		adding.Wait()
		everybody := func(g Gomega) {
			for _, c := range t.Replicas {
				g.Expect(Values(c.Get(Groups + "/" + group).Has(http.StatusOK).At("members"))).To(ConsistOf(ids))
			}
		}
		everybody(NewWithT(GinkgoT()))

		By("moving those who were there before")
		Eventually(func(g Gomega) {
			everybody(NewWithT(GinkgoT())) // Nobody is missed in between.
			g.Expect(Dig(t.Group(group), "spec/memberCount")).To(BeEquivalentTo(0))
		}).WithContext(ctx).WithTimeout(6 * time.Minute).WithPolling(2 * time.Second).Should(Succeed())
		listed := 0
		for _, slice := range KubectlList(t.Namespace, "scimgroupmembers", "-l", "scim.kubescim.dev/group="+group) {
			Expect(Dig(slice, "metadata/annotations")).To(HaveKey("scim.kubescim.dev/slice-depth"))
			size, isNumber := Dig(slice, "spec/memberCount").(float64)
			Expect(isNumber).To(BeTrue())
			listed += int(size)
		}
		Expect(listed).To(Equal(count), "each once")
	})
})
