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

// hearOfChanges has a receiver, whose host is allowed, hear of the changes of a tenant. It is away in between, as pods are.
func hearOfChanges(ctx SpecContext, t *Tenant, address string) {
	GinkgoHelper()
	user := func(name string) string {
		GinkgoHelper()
		return t.Service.Do(http.MethodPost, Users, PlainUser(name+"@events.example.com")).Has(http.StatusCreated).ID()
	}
	changed, removed, inactive := user("changed"), user("removed"), user("inactive")
	events := ReceiverOf(t, address)
	group := t.Service.Do(http.MethodPost, Groups, PlainGroup("Events", changed, removed)).Has(http.StatusCreated).ID()
	heard := func() {
		GinkgoHelper()
		Eventually(func(g Gomega) { t.ExpectHeard(g, events) }).WithTimeout(time.Minute).WithPolling(200 * time.Millisecond).Should(Succeed())
	}
	heard()
	config := t.Service.Get("/ServiceProviderConfig").Has(http.StatusOK)
	Expect(config.At("securityEvents/eventUris")).To(ContainElement("urn:ietf:params:scim:event:prov:put:full"))

	By("being away, as the pod that sends is killed")
	Expect(events.Stop()).To(Succeed())
	t.Service.Do(http.MethodPatch, Users+"/"+changed, Replace("displayName", "Changed")).HasOneOf(http.StatusOK, http.StatusNoContent)
	Eventually(func() map[string]any {
		return conditionOf(KubectlGet(t.Namespace, "scimeventsink", "app"), scimv1alpha1.ConditionReady)
	}).WithTimeout(20 * time.Second).Should(HaveKeyWithValue("reason", scimv1alpha1.ReasonDeliveryFailed))
	t.Service.Do(http.MethodDelete, Users+"/"+removed, "").Has(http.StatusNoContent)
	Kubectl("delete", "pod", "-n", t.Namespace, "--force", "--grace-period=0", "--wait=false", t.Pods(ctx)[0].Name)
	done := func(method, path, body string, statuses ...any) { // Some requests still go to the pod.
		GinkgoHelper()
		Eventually(func() (int, error) {
			r, err := t.Service.Try(method, path, body)
			if err != nil {
				return 0, err
			}
			return r.Status, nil
		}).WithTimeout(20 * time.Second).WithPolling(200 * time.Millisecond).Should(BeElementOf(statuses...))
	}
	done(http.MethodPatch, Users+"/"+inactive, Replace("active", false), http.StatusOK, http.StatusNoContent)
	done(http.MethodDelete, Groups+"/"+group, "", http.StatusNoContent, http.StatusNotFound)
	done(http.MethodPost, Users, PlainUser("new@events.example.com"), http.StatusCreated, http.StatusConflict)

	By("coming back")
	Expect(events.Start()).To(Succeed())
	heard()
	Eventually(func() bool {
		return events.Revoked(Users+"/"+inactive) && events.Revoked(Users+"/"+removed) && !events.Revoked(Users+"/"+changed)
	}).WithTimeout(10*time.Second).Should(BeTrue(), "the sessions of two are over")
	Expect(events.Known()).To(HaveKey(Groups+"/"+group), "the group was deleted")

	By("being at rest")
	status := func() string { return fmt.Sprint(KubectlGet(t.Namespace, "scimeventsink", "app")["status"]) }
	Eventually(status).WithTimeout(20 * time.Second).WithPolling(time.Second).Should(And(ContainSubstring("pending:0"), ContainSubstring("Delivering")))
	Expect(conditionOf(KubectlGet(t.Namespace, "scimeventsink", "app"), scimv1alpha1.ConditionDeletionsComplete)).To(HaveKeyWithValue("status", "True"))

	By("losing the tenant")
	Kubectl("delete", "scimtenant", t.Name, "-n", t.Namespace, "--wait=false")
	Eventually(func() map[string]any {
		return conditionOf(KubectlGet(t.Namespace, "scimeventsink", "app"), scimv1alpha1.ConditionReady)
	}).WithTimeout(20 * time.Second).Should(HaveKeyWithValue("reason", scimv1alpha1.ReasonTenantNotFound))
}
