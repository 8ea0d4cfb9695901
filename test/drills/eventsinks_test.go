//go:build drills

package drills

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

const (
	// absence is how long the receiver is away.
	absence = 10 * time.Minute
	// listening lets events be sent to an address.
	listening = `
config:
  allow:
    eventSinks:
      hosts: ["%[1]s:%[2]s"]
      networks: ["%[1]s/32"]
`
)

// It starts the operator again, under other rules for all tenants: no other spec runs beside it.
var _ = Describe("A receiver of events", Serial, func() {
	It("that was away for ten minutes ends with the state of the store", func(ctx SpecContext) {
		address := AddressOfThisMachine(ctx)
		ChangeRelease("../../charts/kubescim").Upgrade(ctx, fmt.Sprintf(listening, address, EventsPort))
		t := Serve(ctx, "events", scimv1alpha1.IdentityProviderGeneric, Unlimited)
		t.Expose(ctx)
		events := ReceiverOf(t, address)
		var ids []string
		write := func(n int) {
			send := func(method, path, body string) *Response {
				r, err := t.Service.Try(method, path, body)
				if err != nil {
					return nil // The pod is gone that it went to.
				}
				return r
			}
			if r := send(http.MethodPost, Users, PlainUser(fmt.Sprintf("user-%d@events.example.com", n))); r != nil && r.Status == http.StatusCreated {
				ids = append(ids, r.ID())
			}
			if n%3 == 0 && len(ids) > 3 {
				send(http.MethodPatch, Users+"/"+ids[n%len(ids)], Replace("active", n%2 == 0))
				send(http.MethodDelete, Users+"/"+ids[len(ids)/2], "")
			}
			if n%10 == 0 && len(ids) > 3 {
				send(http.MethodPost, Groups, PlainGroup(fmt.Sprintf("Group %d", n), ids[len(ids)-1]))
			}
		}
		Expect(events.Stop()).To(Succeed())
		began, restarts, kills := time.Now(), 0, 0
		for n := 0; time.Since(began) < absence; n++ {
			write(n)
			if kills < int(time.Since(began)/(absence/4)) { // Three times, whichever pod sends.
				kills++
				Kubectl("delete", "pod", "-n", t.Namespace, "--force", "--grace-period=0", "--wait=false", t.Pods(ctx)[0].Name)
			}
			time.Sleep(200 * time.Millisecond) // Changes are to come all the time, and not at once.
		}
		for ; restarts < 2; restarts++ { // What is in the middle of it is sent again.
			Expect(events.Start()).To(Succeed())
			before := len(events.Known())
			Eventually(func() int { return len(events.Known()) }).WithTimeout(2 * time.Minute).Should(BeNumerically(">", before))
			Expect(events.Stop()).To(Succeed())
		}
		Expect(events.Start()).To(Succeed())
		back := time.Now()
		Eventually(func(g Gomega) { t.ExpectHeard(g, events) }).WithTimeout(5 * time.Minute).WithPolling(time.Second).Should(Succeed())
		AddReportEntry("users that were created meanwhile", len(ids))
		AddReportEntry("pods of the server that were killed", kills)
		AddReportEntry("until the receiver knew all, in seconds", fmt.Sprintf("%.1f", time.Since(back).Seconds()))

		By("being at rest")
		version := func() any { return Dig(KubectlGet(t.Namespace, "scimeventsink", "app"), "metadata/resourceVersion") }
		Eventually(func() string {
			return fmt.Sprint(KubectlGet(t.Namespace, "scimeventsink", "app")["status"])
		}).WithTimeout(time.Minute).Should(ContainSubstring("pending:0"))
		at := version()
		Consistently(version).WithTimeout(2*time.Minute).WithPolling(5*time.Second).Should(Equal(at), "a sink at rest costs nothing")
		Expect(strings.Join(events.Bad(), "\n")).To(BeEmpty())
	})

	It("that has no server is not Ready, and one that was away for longer than a deletion can be seen is known to miss it", func(ctx SpecContext) {
		address := AddressOfThisMachine(ctx)
		ChangeRelease("../../charts/kubescim").Upgrade(ctx, fmt.Sprintf(listening, address, EventsPort))
		t := Serve(ctx, "events", scimv1alpha1.IdentityProviderGeneric, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Users.RetentionDays, spec.TombstoneDays = ptr.To[int32](0), ptr.To[int32](0) // Two minutes later, nothing is left.
		})
		t.Expose(ctx)
		user := func(name string) string {
			return t.Service.Do(http.MethodPost, Users, PlainUser(name+"@events.example.com")).Has(http.StatusCreated).ID()
		}
		heard, missed := user("heard"), user("missed")
		user("stays")
		events := ReceiverOf(t, address)
		complete := func() string {
			return Kubectl("get", "scimeventsink", "app", "-n", t.Namespace, "-o", "jsonpath={.status.conditions[?(@.type=='DeletionsComplete')].status}")
		}
		gone := func(id string) {
			GinkgoHelper()
			t.Service.Do(http.MethodDelete, Users+"/"+id, "").Has(http.StatusNoContent)
			Eventually(func() string {
				return Kubectl("get", "scimusers", "-n", t.Namespace, "-o", "name")
			}).WithTimeout(4 * time.Minute).WithPolling(time.Second).ShouldNot(ContainSubstring(id))
		}
		Eventually(complete).WithTimeout(20 * time.Second).Should(Equal("True"))

		By("being without a server for a while")
		reason := func() string {
			return Kubectl("get", "scimeventsink", "app", "-n", t.Namespace, "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].reason}")
		}
		nodes := strings.Fields(Kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}"))
		for _, node := range nodes {
			Kubectl("cordon", node)
			DeferCleanup(func() { Kubectl("uncordon", node) })
		}
		Kubectl("delete", "pods", "-n", t.Namespace, "--all", "--force", "--grace-period=0", "--wait=false")
		Eventually(reason).WithTimeout(2 * time.Minute).Should(Equal(scimv1alpha1.ReasonNotServed))
		for _, node := range nodes {
			Kubectl("uncordon", node)
		}
		back := time.Now()
		Eventually(reason).WithTimeout(2 * time.Minute).Should(Equal(scimv1alpha1.ReasonDelivering))
		AddReportEntry("from when pods could be placed again until the sink was Ready, in seconds", fmt.Sprintf("%.1f", time.Since(back).Seconds()))
		WaitFor(t.Namespace, "condition=Ready", "scimtenant/"+t.Name)

		By("hearing of a deletion in time")
		gone(heard)
		Expect(complete()).To(Equal("True"), "the receiver has heard of it")

		By("being away for too long")
		Expect(events.Stop()).To(Succeed())
		gone(missed)
		Expect(complete()).To(Equal("False"))

		Expect(events.Start()).To(Succeed())
		Kubectl("patch", "scimeventsink", "app", "-n", t.Namespace, "--subresource=status", "--type=merge", "-p", `{"status":{"cursor":null}}`)
		Eventually(complete).WithTimeout(2 * time.Minute).Should(Equal("True"))
	})
})
