package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("The resources", Ordered, ContinueOnFailure, func() {
	var (
		t                  *Tenant
		ada, grace, former string
	)

	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "acme", scimv1alpha1.IdentityProviderEntra, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Users.RequiredAttributes = []scimv1alpha1.UserAttribute{"emails"}
		})
		create := func(name string) string {
			return t.Send(http.MethodPost, Users, fmt.Sprintf(`{"schemas":[%q],"userName":%q,"emails":[{"value":%q}]}`, URNUser, name, name)).
				Has(http.StatusCreated).ID()
		}
		ada, grace, former = create("ada@example.com"), create("grace@example.com"), create("former@example.com")
		t.Send(http.MethodPost, Groups, PlainGroup("Engineers", ada, grace)).Has(http.StatusCreated)
		t.Send(http.MethodPatch, Users+"/"+grace, Patch(`{"op":"Replace","path":"active","value":"False"}`)).Has(http.StatusNoContent)
		t.Deleted(Users, former)
	})

	// row returns the line of a table for an object, by its columns.
	row := func(table, name string) map[string]string {
		GinkgoHelper()
		lines := strings.Split(strings.TrimRight(table, "\n"), "\n")
		var starts []int
		for i := range lines[0] {
			if lines[0][i] != ' ' && (i == 0 || strings.HasSuffix(lines[0][:i], "  ")) {
				starts = append(starts, i)
			}
		}
		cells := func(line string) (list []string) {
			for i, start := range starts {
				end := len(line)
				if i+1 < len(starts) {
					end = starts[i+1]
				}
				list = append(list, strings.TrimSpace(line[start:end]))
			}
			return list
		}
		for _, line := range lines[1:] {
			if strings.HasPrefix(line, name) {
				found := map[string]string{}
				for i, title := range cells(lines[0]) {
					found[title] = cells(line)[i]
				}
				return found
			}
		}
		Fail(fmt.Sprintf("no %s in:\n%s", name, table))
		return nil
	}

	It("show what a person looks for", func() {
		found := row(Kubectl("get", "scimtenants", "-n", t.Namespace), t.Name)
		Expect(found).To(And(HaveKeyWithValue("READY", "True"), HaveKeyWithValue("REASON", "Succeeded"), HaveKeyWithValue("STATE", "Active"),
			HaveKeyWithValue("IDP", "Entra"), HaveKey("USERS"), HaveKey("SEATS"), HaveKey("LAST REQUEST"), HaveKey("AGE")))
		found = row(Kubectl("get", "scimtenants", "-n", t.Namespace, "-o", "wide"), t.Name)
		Expect(found).To(And(HaveKeyWithValue("REPLICAS", "2/2"), HaveKeyWithValue("URL", "http://acme-scim."+t.Namespace+".svc/scim/v2")))
		found = row(Kubectl("get", "scimapikeys", "-n", t.Namespace), t.Name)
		Expect(found).To(And(HaveKeyWithValue("READY", "True"), HaveKeyWithValue("TENANT", "acme"),
			HaveKeyWithValue("KEY ID", t.KeyID), HaveKeyWithValue("SECRET", "acme"), HaveKeyWithValue("TYPE", "BearerToken")))
		Expect(row(Kubectl("get", "scimapikeys", "-n", t.Namespace, "-o", "wide"), t.Name)).To(HaveKey("ACCESS"))
		table := Kubectl("get", "scimusers", "-n", t.Namespace)
		Expect(row(table, ada)).To(And(HaveKeyWithValue("USERNAME", "ada@example.com"), HaveKeyWithValue("ACTIVE", "true"),
			HaveKeyWithValue("TENANT", "acme"), HaveKey("MODIFIED"), HaveKey("AGE")))
		Expect(row(table, grace)).To(And(HaveKeyWithValue("ACTIVE", "false"), HaveKeyWithValue("DELETED", BeEmpty())))
		Expect(row(table, former)["DELETED"]).NotTo(Or(BeEmpty(), Equal("<none>")))
		id := strings.TrimSpace(Kubectl("get", "scimgroups", "-n", t.Namespace, "-o", "jsonpath={.items[0].metadata.name}"))
		Expect(row(Kubectl("get", "scimgroups", "-n", t.Namespace), id)).To(And(
			HaveKeyWithValue("DISPLAYNAME", "Engineers"), HaveKeyWithValue("MEMBERS", "2"), HaveKeyWithValue("TENANT", "acme")))
		// kubectl remembers for hours what an earlier installation on this cluster had in the category.
		Expect(Kubectl("get", "scim", "-n", t.Namespace, "-o", "name", "--cache-dir="+GinkgoT().TempDir())).To(And(
			ContainSubstring("scimtenant.scim.kubescim.dev/acme"), ContainSubstring("scimapikey.scim.kubescim.dev/acme"),
			Not(ContainSubstring("scimuser")), Not(ContainSubstring("scimgroup"))))
	})

	It("can be selected by what matters", func() {
		present := Kubectl("get", "scimusers", "-n", t.Namespace, "-l", "!scim.kubescim.dev/deleted", "-o", "name")
		Expect(present).To(And(ContainSubstring(ada), ContainSubstring(grace), Not(ContainSubstring(former))))
		Expect(Kubectl("get", "suser", "-n", t.Namespace, "--field-selector", "spec.userName=ada@example.com", "-o", "name")).
			To(Equal("scimuser.scim.kubescim.dev/" + ada + "\n"))
		Expect(Kubectl("get", "suser", "-n", t.Namespace, "--field-selector", "spec.active=true", "-o", "name")).
			To(Equal("scimuser.scim.kubescim.dev/" + ada + "\n"))
		Expect(Kubectl("get", "sgroup", "-n", t.Namespace, "--field-selector", "spec.displayName=Engineers,spec.tenantRef.name=acme", "-o", "name")).
			NotTo(BeEmpty())
	})

	It("are explained by kubectl", func() {
		for field, text := range map[string]string{
			"scimuser.spec.userName":                  "unique in the tenant",
			"scimuser.spec.enterprise.employeeNumber": "organisation",
			"scimgroup.spec.members":                  "SCIM ids",
			"scimtenant.spec.endpoint.host":           "DNS name",
			"scimapikey.spec.secretName":              "written",
		} {
			explained := strings.Join(strings.Fields(Kubectl("explain", field)), " ")
			Expect(explained).To(And(ContainSubstring("DESCRIPTION"), ContainSubstring(text)), field)
		}
	})

	It("carry the tenant's rules", func() {
		t.Send(http.MethodPost, Users, PlainUser("nomail@example.com")).IsError(http.StatusBadRequest, "invalidValue")
		t.Unchanged(Users, ada, func() *Response {
			r := t.Send(http.MethodPatch, Users+"/"+ada, Patch(`{"op":"Remove","path":"emails"}`)).IsError(http.StatusBadRequest, "invalidValue")
			Expect(r.At("detail")).To(ContainSubstring("emails"))
			return t.Get(Users + "/" + ada)
		})
	})

	It("show in the tenant's status how much it is used", func() {
		known := len(KubectlList(t.Namespace, "scimusers", "-l", "!scim.kubescim.dev/deleted"))
		groups := len(KubectlList(t.Namespace, "scimgroups"))
		Eventually(func(g Gomega) {
			tenant := KubectlList(t.Namespace, "scimtenants")[0]
			g.Expect(Dig(tenant, "status/users")).To(BeEquivalentTo(known))
			g.Expect(Dig(tenant, "status/groups")).To(BeEquivalentTo(groups))
			g.Expect(Dig(tenant, "status/lastRequestTime")).NotTo(BeNil())
		}).WithTimeout(90 * time.Second).Should(Succeed())
	})

	It("tell that all seats are taken", func() {
		seats := func(seats string) {
			GinkgoHelper()
			Kubectl("patch", "scimtenant", "-n", t.Namespace, t.Name, "--type=merge", "-p", `{"spec":{"users":{"seats":`+seats+`}}}`)
		}
		seats("1")
		Eventually(func(g Gomega) {
			tenant := KubectlList(t.Namespace, "scimtenants")[0]
			g.Expect(Dig(tenant, "status/seats")).To(Equal("1/1"))
			g.Expect(tenant["status"]).To(HaveKeyWithValue("conditions", ContainElement(And(
				HaveKeyWithValue("type", scimv1alpha1.ConditionSeatsAvailable), HaveKeyWithValue("status", "False"),
				HaveKeyWithValue("reason", scimv1alpha1.ReasonSeatsExhausted)))))
		}).WithTimeout(90 * time.Second).Should(Succeed())
		Expect(row(Kubectl("get", "scimtenants", "-n", t.Namespace), t.Name)).To(And(
			HaveKeyWithValue("READY", "True"), HaveKeyWithValue("SEATS", "1/1")))
		Eventually(func() string {
			return Kubectl("get", "events", "-n", t.Namespace, "--field-selector", "reason="+scimv1alpha1.ReasonSeatsExhausted)
		}).Should(ContainSubstring("1 of 1 seats are taken"))
		seats("null")
		Eventually(func() any { return Dig(KubectlList(t.Namespace, "scimtenants")[0], "status/seats") }).Should(BeNil())
	})

	It("come to rest, and stay so when the operator starts again", func(ctx SpecContext) {
		WaitFor(t.Namespace, "condition=Available", "deployment/acme-scim")
		Eventually(func(g Gomega) {
			server := &appsv1.Deployment{}
			g.Expect(Cluster.Get(ctx, client.ObjectKey{Namespace: t.Namespace, Name: "acme-scim"}, server)).To(Succeed())
			g.Expect(IsAvailable(server)).To(BeTrue())
		}).Should(Succeed())
		versions := func() map[string]string {
			return Versions(t.Namespace, Generated+","+Kept+","+Provisioned+",secrets,horizontalpodautoscalers,ingresses")
		}
		rest := versions()
		for _, name := range []string{
			"Deployment/acme-scim", "Service/acme-scim", "ServiceAccount/acme-scim", "Role/acme-scim", "RoleBinding/acme-scim",
			"PodDisruptionBudget/acme-scim", "Secret/acme", "ScimCredential/" + t.KeyID, "ScimTenant/acme", "ScimApiKey/acme", "ScimUser/" + ada,
		} {
			Expect(rest).To(HaveKey(name))
		}
		atRest := func() {
			GinkgoHelper()
			Consistently(versions).WithTimeout(5 * time.Second).WithPolling(time.Second).Should(Equal(rest))
		}
		atRest()

		By("starting the operator again")
		old := OperatorPods(ctx)
		for _, pod := range old {
			Kubectl("delete", "pod", "-n", pod.Namespace, pod.Name, "--wait=false")
		}
		Eventually(func(g Gomega) {
			g.Expect(NamesOf(OperatorPods(ctx))).NotTo(ContainElements(NamesOf(old)))
			operator := &appsv1.Deployment{}
			g.Expect(Cluster.Get(ctx, OperatorKey, operator)).To(Succeed())
			g.Expect(IsAvailable(operator)).To(BeTrue())
		}).WithTimeout(90 * time.Second).Should(Succeed())
		// It has read everything by the time that it says something about a key
		// that the one before never saw.
		Apply(NewKey(t.Namespace, "witness", "nobody"))
		WaitFor(t.Namespace, "condition=Stalled", "scimapikey/witness")
		Kubectl("delete", "scimapikey", "-n", t.Namespace, "witness", "--timeout=60s")
		atRest()
	})

	It("come back when somebody strips or deletes them, and rest then", func(ctx SpecContext) {
		ExpectRestored(ctx, t, Generated+","+Kept)
		ExpectRest(t.Namespace, Generated+","+Kept+","+Provisioned, 15*time.Second)
	})
})
