package e2e

import (
	"fmt"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("How an identity provider gets on", func() {
	It("is in the conditions of its tenant", func(ctx SpecContext) {
		t := Serve(ctx, "getting-on", scimv1alpha1.IdentityProviderGeneric, OneReplica, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Users.Seats = 10
		})
		// has waits until the tenant has a condition. While usage keeps changing, it is written once a minute.
		has := func(kind, status, reason string) {
			GinkgoHelper()
			Eventually(func() map[string]any { return conditionOf(KubectlGet(t.Namespace, "scimtenant", t.Name), kind) }).
				WithTimeout(2 * time.Minute).WithPolling(time.Second).
				Should(And(HaveKeyWithValue("status", status), HaveKeyWithValue("reason", reason)))
		}
		has(scimv1alpha1.ConditionProviderActive, "Unknown", scimv1alpha1.ReasonFewRequests)
		has(scimv1alpha1.ConditionRequestsSucceeding, "Unknown", scimv1alpha1.ReasonFewRequests)

		By("being refused")
		for range 30 {
			t.Send(http.MethodPost, Users, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]}`).IsError(http.StatusBadRequest, "invalidValue")
		}
		has(scimv1alpha1.ConditionRequestsSucceeding, "False", scimv1alpha1.ReasonMostlyFailing)
		WaitFor(t.Namespace, "condition=Ready", "scimtenant/"+t.Name)

		By("doing well, and taking nine of ten seats")
		for i := range 9 {
			t.Send(http.MethodPost, Users, PlainUser(fmt.Sprintf("user-%d@example.com", i))).Has(http.StatusCreated)
		}
		for range 41 {
			t.Get(Users + "?count=0").Has(http.StatusOK)
		}
		has(scimv1alpha1.ConditionRequestsSucceeding, "True", scimv1alpha1.ReasonSucceeded)
		has(scimv1alpha1.ConditionSeatsAvailable, "True", scimv1alpha1.ReasonFewSeatsLeft)

		By("sending nothing for two hours, as far as the status and new pods know, where it sends all the time")
		last, since := time.Now().Add(-2*time.Hour).UTC().Format(time.RFC3339), time.Now().Add(-24*time.Hour).UTC().Format(time.RFC3339)
		Kubectl(append([]string{"delete", "pod", "-n", t.Namespace}, NamesOf(t.Pods(ctx))...)...)
		Recovered(ctx, t)
		Kubectl("patch", "scimtenant", "-n", t.Namespace, t.Name, "--subresource=status", "--type=merge", "-p",
			`{"status":{"lastRequestTime":"`+last+`","requestGaps":{"minutes":50,"sinceTime":"`+since+`","counts":[49]}}}`)
		Kubectl("patch", "scimtenant", "-n", t.Namespace, t.Name, "--type=merge", "-p", `{"spec":{"displayName":"Silent"}}`)
		has(scimv1alpha1.ConditionProviderActive, "False", scimv1alpha1.ReasonProviderSilent)
	})
})
