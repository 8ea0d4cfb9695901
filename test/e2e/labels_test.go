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

// labelledBy makes labels of the attributes of a tenant's users, by key.
func labelledBy(keysAndAttributes ...string) func(*scimv1alpha1.ScimTenantSpec) {
	return func(spec *scimv1alpha1.ScimTenantSpec) {
		for i := 0; i < len(keysAndAttributes); i += 2 {
			spec.Users.Labels = append(spec.Users.Labels, scimv1alpha1.UserLabel{Key: keysAndAttributes[i], Attribute: keysAndAttributes[i+1]})
		}
	}
}

var _ = Describe("Labels and selectors of users", Ordered, func() {
	const document = `{"schemas":[%q,%q],"userName":%q,"emails":[{"primary":true,"value":%q,"type":"work"}],"active":true,"title":"Guide","userType":%q,%[2]q:{"department":%[6]q}}`
	var t *Tenant
	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "labels", scimv1alpha1.IdentityProviderOkta, labelledBy("team", URNEnterprise+":department", "example.com/type", "userType")).
			Each(func(c *Client) *Client { return c.With("User-Agent", "Okta SCIM Client 1.0.0") })
	})
	create := func(userName, userType, department string) string {
		GinkgoHelper()
		body := fmt.Sprintf(document, URNUser, URNEnterprise, userName, userName, userType, department)
		return t.Send(http.MethodPost, Users, body).Has(http.StatusCreated).ID()
	}
	// found are the names of the users whom kubectl finds at once.
	found := func(selector ...string) []string {
		GinkgoHelper()
		return strings.Fields(Kubectl(append([]string{"get", "scimusers", "-n", t.Namespace, "-o", "jsonpath={.items[*].metadata.name}"}, selector...)...))
	}
	labelsOf := func(id string) any { return Dig(KubectlGet(t.Namespace, "scimuser", id), "metadata/labels") }
	wanted := func(more map[string]any) any {
		more[scimv1alpha1.LabelTenant] = t.Name
		return more
	}

	It("find a user as soon as a request has its answer, and wherever the user moves", func() {
		name := Unique("Babs") + "@Okta.example.com"
		id := create(name, "Employee", "Payments")
		Expect(found("-l", "team=payments")).To(Equal([]string{id}))
		Expect(found("--field-selector", "spec.lookup.email="+strings.ToLower(name))).To(Equal([]string{id}))
		Expect(found("--field-selector", "spec.lookup.userName="+strings.ToLower(name))).To(Equal([]string{id}))
		for i := range 10 {
			department := []string{"Sales", "Payments"}[i%2]
			t.Send(http.MethodPatch, Users+"/"+id, Patch(fmt.Sprintf(`{"op":"replace","path":"%s:department","value":%q}`, URNEnterprise, department))).
				HasOneOf(http.StatusOK, http.StatusNoContent)
			Expect(found("-l", "team="+strings.ToLower(department))).To(Equal([]string{id}))
		}
		address := Unique("new") + "@okta.example.com"
		t.Send(http.MethodPut, Users+"/"+id, fmt.Sprintf(document, URNUser, URNEnterprise, name, address, "Contractor", "R&D / Zürich")).Has(http.StatusOK)
		Expect(found("-l", "team=r-d-zurich,example.com/type=contractor")).To(Equal([]string{id}))
		Expect(found("-l", "team in (sales,payments)")).To(BeEmpty())
		Expect(found("--field-selector", "spec.lookup.email="+address)).To(Equal([]string{id}))

		By("deleting the user")
		t.Send(http.MethodDelete, Users+"/"+id, "").Has(http.StatusNoContent)
		Expect(found("-l", "team")).To(BeEmpty())
		Expect(found("--field-selector", "spec.lookup.email="+address)).To(BeEmpty())
		Expect(labelsOf(id)).To(Equal(wanted(map[string]any{scimv1alpha1.LabelDeleted: "true"})))
	})

	It("take whatever an identity provider sends, or leave it", func() {
		for value, want := range map[string]OmegaMatcher{
			"payments,team!=x":               Equal("payments-team-x"),
			"../../etc/passwd":               Equal("etc-passwd"),
			"a b\tc":                         Equal("a-b-c"),
			"営業部":                            BeNil(),
			"---":                            BeNil(),
			"Łódź":                           Equal("lodz"),
			"kubernetes.io/x: y":             Equal("kubernetes.io-x-y"),
			strings.Repeat("long name ", 40): Equal(strings.TrimRight(strings.Repeat("long-name-", 7)[:63], "-")),
		} {
			id := create(Unique("hostile")+"@okta.example.com", "x", value)
			labels, _ := labelsOf(id).(map[string]any)
			Expect(labels["team"]).To(want, "%q", value)
			Expect(labels).To(HaveKeyWithValue(scimv1alpha1.LabelTenant, t.Name))
		}
	})

	It("come to users who are there already, whose version stays", func() {
		const people = 150
		ids := make([]string, 0, people)
		for i := range people {
			ids = append(ids, create(fmt.Sprintf("there-%d@okta.example.com", i), "Employee", fmt.Sprintf("Team %d", i%3)))
		}
		meta := func() []any {
			GinkgoHelper()
			person := t.Get(Users + "/" + ids[0]).Has(http.StatusOK)
			return []any{person.At("meta/version"), person.At("meta/lastModified")}
		}
		before := meta()
		generation := func() any { return Dig(KubectlGet(t.Namespace, "scimtenant", t.Name), "metadata/generation") }
		former := generation()
		began := time.Now()
		Apply(NewTenant(t.Namespace, t.Name, scimv1alpha1.IdentityProviderOkta, labelledBy("title", "title", "team", URNEnterprise+":department")))
		Expect(generation()).NotTo(Equal(former))
		Eventually(func() []string { return found("-l", "title=guide") }).WithTimeout(2 * time.Minute).Should(ContainElements(ids))
		AddReportEntry(fmt.Sprintf("150 users had another label %s after the tenant was applied", time.Since(began).Round(time.Second)))
		Eventually(func() []string { return found("-l", "example.com/type") }).WithTimeout(2*time.Minute).Should(BeEmpty(), "nobody wants it any more")
		Expect(meta()).To(Equal(before), "SCIM sees nothing of it")

		By("saying so")
		Eventually(func() string {
			return Kubectl("get", "scimtenant", "-n", t.Namespace, t.Name, "-o", `jsonpath={.status.conditions[?(@.type=="UsersSelectable")]['status','observedGeneration']}`)
		}).WithTimeout(3 * time.Minute).Should(Equal(fmt.Sprintf("True %v", generation())))
		WaitFor(t.Namespace, "condition=LabelsAccepted", "scimtenant/"+t.Name)
	})

	It("are made of what there is, and what is wrong is said", func() {
		Apply(NewTenant(t.Namespace, t.Name, scimv1alpha1.IdentityProviderOkta, labelledBy("team", URNEnterprise+":department", "badge", urnBadge+":number")))
		WaitFor(t.Namespace, "condition=LabelsAccepted=False", "scimtenant/"+t.Name)
		Expect(Kubectl("get", "scimtenant", "-n", t.Namespace, t.Name, "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].message}`)).
			To(ContainSubstring(`the label "badge": `))
		id := create(Unique("still")+"@okta.example.com", "x", "Payments")
		Expect(labelsOf(id)).To(HaveKeyWithValue("team", "payments"))
		_, err := RunKubectl("", "patch", "scimtenant", "-n", t.Namespace, t.Name, "--type=merge", "-p",
			`{"spec":{"users":{"labels":[{"key":"velero.io/exclude-from-backup","attribute":"active"}]}}}`)
		Expect(err).To(MatchError(ContainSubstring("must not be in a domain that others go by")))
	})

	It("are written by nobody else", func() {
		id := create(Unique("mine")+"@okta.example.com", "x", "Payments")
		_, err := RunKubectl("", "label", "scimuser", "-n", t.Namespace, id, "team=sales", "--overwrite")
		Expect(err).To(HaveOccurred())
		Expect(found("-l", "team=payments")).To(ContainElement(id))
	})
})
