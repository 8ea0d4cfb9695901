package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("The deactivation guard", func() {
	It("stops a mass deactivation in whatever form it comes, lets it through when somebody allows it, and no normal day notices it", func(ctx SpecContext) {
		t := Serve(ctx, "guarded", scimv1alpha1.IdentityProviderGeneric, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Users.OnDelete = scimv1alpha1.UserDeletionDelete
			spec.Users.DeactivationGuard = scimv1alpha1.DeactivationGuard{MaxPercent: 30, MinUsers: 2}
		})
		said := func() map[string]any {
			return conditionOf(KubectlGet(t.Namespace, "scimtenant", t.Name), scimv1alpha1.ConditionDeactivationsAllowed)
		}
		has := func(status, reason string) OmegaMatcher {
			return And(HaveKeyWithValue("status", status), HaveKeyWithValue("reason", reason))
		}
		sent := 0
		// send sends requests to one replica after the other, and returns how many of them the guard has stopped.
		send := func(method, path, body string, ids ...string) (stopped int) {
			GinkgoHelper()
			for _, id := range ids {
				sent++
				r := t.Replicas[sent%len(t.Replicas)].Do(method, path+"/"+id, body)
				if r.Status != http.StatusServiceUnavailable {
					r.HasOneOf(http.StatusOK, http.StatusNoContent)
					continue
				}
				stopped++
				Expect(r.IsError(http.StatusServiceUnavailable, "").Header.Get("Retry-After")).To(Equal("300"))
				Expect(r.At("detail")).To(And(ContainSubstring("more than 30 %"), ContainSubstring("ask who runs this service")))
			}
			return stopped
		}
		deactivate := func(ids ...string) int { return send(http.MethodPatch, Users, Replace("active", false), ids...) }
		// allow sets allowUntil, and waits until a request to empty a group is answered so by all replicas.
		allow := func(until time.Time, status int, group string, members ...string) {
			GinkgoHelper()
			Kubectl("patch", "scimtenant", t.Name, "-n", t.Namespace, "--type=merge", "-p",
				`{"spec":{"users":{"deactivationGuard":{"allowUntil":"`+until.UTC().Format(time.RFC3339)+`"}}}}`)
			for _, replica := range t.Replicas {
				Eventually(func() int {
					replica.Do(http.MethodPut, Groups+"/"+group, PlainGroup("Trial", members...)).Has(http.StatusOK)
					return replica.Do(http.MethodPut, Groups+"/"+group, PlainGroup("Trial")).Status
				}).WithTimeout(20 * time.Second).Should(Equal(status))
			}
		}
		var ids []string
		for i := range 20 {
			ids = append(ids, t.Send(http.MethodPost, Users, PlainUser(fmt.Sprintf("user-%d@guarded.example.com", i))).Has(http.StatusCreated).ID())
		}
		staff := t.Send(http.MethodPost, Groups, PlainGroup("Staff", ids...)).Has(http.StatusCreated).ID()
		team := t.Send(http.MethodPost, Groups, PlainGroup("Team", ids[0], ids[1])).Has(http.StatusCreated).ID()

		By("living through a normal day")
		Expect(deactivate(ids[0], ids[1])).To(BeZero())
		Expect(send(http.MethodPatch, Users, Replace("active", true), ids[0], ids[1])).To(BeZero())
		Expect(send(http.MethodDelete, Users, "", ids[19])).To(BeZero())
		Expect(send(http.MethodPatch, Groups, Patch(fmt.Sprintf(`{"op":"remove","path":"members","value":[{"value":%q}]}`, ids[18])), staff)).To(BeZero())
		Expect(send(http.MethodDelete, Groups, "", team)).To(BeZero())
		Eventually(said).WithTimeout(time.Minute).Should(has("True", scimv1alpha1.ReasonWithinGuard))

		By("being told to deactivate 60 %: of 20, 6 go, one of whom was deleted before")
		Expect(deactivate(ids[:12]...)).To(Equal(7))
		Expect(KubectlList(t.Namespace, "scimusers", "--field-selector", "spec.active=true")).To(HaveLen(14))
		Expect(Dig(KubectlGet(t.Namespace, "scimuser", ids[0]), "spec/meta/activeTransitionTime")).NotTo(BeNil())
		By("being told to delete them")
		Expect(send(http.MethodDelete, Users, "", ids[5:17]...)).To(Equal(12))
		By("being told to do either in a bulk request")
		var operations []string
		for i, id := range ids[5:17] {
			operation := fmt.Sprintf(`{"method":"DELETE","path":"/Users/%s"}`, id)
			if i%2 == 0 {
				operation = fmt.Sprintf(`{"method":"PATCH","path":"/Users/%s","data":%s}`, id, Replace("active", false))
			}
			operations = append(operations, operation)
		}
		results, _ := t.Send(http.MethodPost, "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[`+
			strings.Join(operations, ",")+`]}`).Has(http.StatusOK).At("Operations").([]any)
		Expect(results).To(And(HaveLen(12), HaveEach(HaveKeyWithValue("status", "503"))))
		By("undoing what a bulk request has created and cannot complete, which is no departure")
		circle := func(id, name, manager string) string {
			return fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":%q,"data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":%q,`+
				`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"bulkId:%s"}}}}`, id, name, manager)
		}
		results, _ = t.Send(http.MethodPost, "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[`+
			circle("a", "undone@guarded.example.com", "b")+","+circle("b", "user-18@guarded.example.com", "a")+`]}`).Has(http.StatusOK).At("Operations").([]any)
		Expect(results).To(And(HaveLen(2), HaveEach(And(HaveKeyWithValue("status", "409"), Not(HaveKey("location"))))))
		Expect(KubectlList(t.Namespace, "scimusers", "--field-selector", "spec.userName=undone@guarded.example.com")).To(BeEmpty())
		By("being told to empty a group")
		Expect(send(http.MethodPut, Groups, PlainGroup("Staff"), staff)).To(Equal(1))
		Expect(send(http.MethodPatch, Groups, Patch(`{"op":"remove","path":"members"}`), staff)).To(Equal(1))
		Expect(send(http.MethodDelete, Groups, "", staff)).To(Equal(1))
		Expect(t.Get(Groups + "/" + staff).Has(http.StatusOK).At("members")).To(HaveLen(18))

		By("telling somebody")
		Eventually(said).WithTimeout(time.Minute).Should(And(has("False", scimv1alpha1.ReasonDeactivationsGuarded), HaveKeyWithValue("message", ContainSubstring("allowUntil"))))
		WaitFor(t.Namespace, "condition=Ready", "scimtenant/"+t.Name)
		log := Kubectl("scim", "log", t.Name, "-n", t.Namespace, "--refused")
		See("kubectl scim log", log)
		Expect(strings.Join(strings.Fields(log), " ")).To(ContainSubstring("- DeactivationsGuarded: more users would be deactivated"))
		screen := Kubectl("scim", "status", t.Name, "-n", t.Namespace)
		See("kubectl scim status", screen)
		Expect(strings.Join(strings.Fields(screen), " ")).To(MatchRegexp(`DeactivationsGuarded 34 .* To do .*requests are answered 503`))
		Eventually(func() []map[string]any {
			return KubectlList(t.Namespace, "events.events.k8s.io", "--field-selector", "reason=DeactivationsGuarded")
		}).
			WithTimeout(time.Minute).ShouldNot(BeEmpty())

		By("being allowed it")
		trial := t.Send(http.MethodPost, Groups, PlainGroup("Trial")).Has(http.StatusCreated).ID()
		allow(time.Now().Add(time.Hour), http.StatusOK, trial, ids[12:18]...)
		Expect(deactivate(ids[:12]...)).To(BeZero())
		Expect(send(http.MethodPut, Groups, PlainGroup("Staff"), staff)).To(BeZero())
		Eventually(said).WithTimeout(time.Minute).Should(has("True", scimv1alpha1.ReasonGuardOpen))
		By("being allowed no more: of the 7 who are left, 2 go")
		allow(time.Now().Add(2*time.Second), http.StatusServiceUnavailable, trial, ids[12:18]...)
		Expect(send(http.MethodDelete, Users, "", ids[12:19]...)).To(Equal(5))
	})
})
