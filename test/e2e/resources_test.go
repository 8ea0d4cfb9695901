package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// version is what changes when an object is written. How much a tenant is used is
// written into its status once a minute while it changes, and does not count.
func version(object map[string]any) string {
	if object["kind"] != "ScimTenant" {
		return dig(object, "metadata/resourceVersion").(string)
	}
	status := maps.Clone(object["status"].(map[string]any))
	for _, usage := range []string{"users", "activeUsers", "groups", "lastRequestTime"} {
		delete(status, usage)
	}
	return fmt.Sprint(dig(object, "metadata/generation"), dig(object, "metadata/finalizers"), status)
}

var _ = Describe("The resources", Ordered, ContinueOnFailure, func() {
	var (
		t                  *tenant
		ada, grace, former string
	)

	BeforeAll(func(ctx SpecContext) {
		t = serve(ctx, "acme", scimv1alpha1.IdentityProviderEntra, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Users.RequiredAttributes = []scimv1alpha1.UserAttribute{"emails"}
		})
		create := func(name string) string {
			return t.send(http.MethodPost, users, fmt.Sprintf(`{"schemas":[%q],"userName":%q,"emails":[{"value":%q}]}`, urnUser, name, name)).
				has(http.StatusCreated).id()
		}
		ada, grace, former = create("ada@example.com"), create("grace@example.com"), create("former@example.com")
		t.send(http.MethodPost, groups, plainGroup("Engineers", ada, grace)).has(http.StatusCreated)
		t.send(http.MethodPatch, users+"/"+grace, patch(`{"op":"Replace","path":"active","value":"False"}`)).has(http.StatusNoContent)
		t.deleted(users, former)
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
		found := row(kubectl("get", "scimtenants", "-n", t.namespace), t.name)
		Expect(found).To(And(HaveKeyWithValue("READY", "True"), HaveKeyWithValue("IDP", "Entra"), HaveKeyWithValue("REPLICAS", "2/2"),
			HaveKeyWithValue("URL", "http://acme-scim."+t.namespace+".svc/scim/v2"), HaveKey("AGE")))
		found = row(kubectl("get", "scimapikeys", "-n", t.namespace), t.name)
		Expect(found).To(And(HaveKeyWithValue("READY", "True"), HaveKeyWithValue("TENANT", "acme"),
			HaveKeyWithValue("KEY ID", t.keyID), HaveKeyWithValue("SECRET", "acme")))
		table := kubectl("get", "scimusers", "-n", t.namespace)
		Expect(row(table, ada)).To(And(HaveKeyWithValue("USERNAME", "ada@example.com"), HaveKeyWithValue("ACTIVE", "true"),
			HaveKeyWithValue("TENANT", "acme"), HaveKey("MODIFIED"), HaveKey("AGE")))
		Expect(row(table, grace)).To(HaveKeyWithValue("ACTIVE", "false"))
		Expect(row(kubectl("get", "scimusers", "-n", t.namespace, "-o", "wide"), former)["DELETED"]).NotTo(Or(BeEmpty(), Equal("<none>")))
		id := strings.TrimSpace(kubectl("get", "scimgroups", "-n", t.namespace, "-o", "jsonpath={.items[0].metadata.name}"))
		Expect(row(kubectl("get", "scimgroups", "-n", t.namespace), id)).To(And(
			HaveKeyWithValue("DISPLAYNAME", "Engineers"), HaveKeyWithValue("MEMBERS", "2"), HaveKeyWithValue("TENANT", "acme")))
		Expect(kubectl("get", "scim", "-n", t.namespace, "-o", "name")).To(And(
			ContainSubstring("scimtenant.scim.kubescim.dev/acme"), ContainSubstring("scimapikey.scim.kubescim.dev/acme"),
			ContainSubstring("scimuser.scim.kubescim.dev/"+ada), ContainSubstring("scimgroup.scim.kubescim.dev/"+id)))
	})

	It("can be selected by what matters", func() {
		present := kubectl("get", "scimusers", "-n", t.namespace, "-l", "!scim.kubescim.dev/deleted", "-o", "name")
		Expect(present).To(And(ContainSubstring(ada), ContainSubstring(grace), Not(ContainSubstring(former))))
		Expect(kubectl("get", "suser", "-n", t.namespace, "--field-selector", "spec.userName=ada@example.com", "-o", "name")).
			To(Equal("scimuser.scim.kubescim.dev/" + ada + "\n"))
		Expect(kubectl("get", "suser", "-n", t.namespace, "--field-selector", "spec.active=true", "-o", "name")).
			To(Equal("scimuser.scim.kubescim.dev/" + ada + "\n"))
		Expect(kubectl("get", "sgroup", "-n", t.namespace, "--field-selector", "spec.displayName=Engineers,spec.tenantRef.name=acme", "-o", "name")).
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
			explained := strings.Join(strings.Fields(kubectl("explain", field)), " ")
			Expect(explained).To(And(ContainSubstring("DESCRIPTION"), ContainSubstring(text)), field)
		}
	})

	It("carry the tenant's rules", func() {
		t.send(http.MethodPost, users, plainUser("nomail@example.com")).isError(http.StatusBadRequest, "invalidValue")
		t.unchanged(users, ada, func() *response {
			r := t.send(http.MethodPatch, users+"/"+ada, patch(`{"op":"Remove","path":"emails"}`)).isError(http.StatusBadRequest, "invalidValue")
			Expect(r.at("detail")).To(ContainSubstring("emails"))
			return t.get(users + "/" + ada)
		})
	})

	It("show in the tenant's status how much it is used", func() {
		known := len(kubectlList(t.namespace, "scimusers", "-l", "!scim.kubescim.dev/deleted"))
		groups := len(kubectlList(t.namespace, "scimgroups"))
		Eventually(func(g Gomega) {
			tenant := kubectlList(t.namespace, "scimtenants")[0]
			g.Expect(dig(tenant, "status/users")).To(BeEquivalentTo(known))
			g.Expect(dig(tenant, "status/groups")).To(BeEquivalentTo(groups))
			g.Expect(dig(tenant, "status/lastRequestTime")).NotTo(BeNil())
		}).WithTimeout(90 * time.Second).Should(Succeed())
	})

	It("come to rest, and stay so when the operator starts again", func(ctx SpecContext) {
		waitFor(t.namespace, "condition=Available", "deployment/acme-scim")
		Eventually(func(g Gomega) {
			server := &appsv1.Deployment{}
			g.Expect(cluster.Get(ctx, client.ObjectKey{Namespace: t.namespace, Name: "acme-scim"}, server)).To(Succeed())
			g.Expect(isAvailable(server)).To(BeTrue())
		}).Should(Succeed())
		versions := func() map[string]string {
			found := map[string]string{}
			for _, object := range kubectlList(t.namespace, "scimtenants,scimapikeys,scimusers,scimgroups,deployments,services,"+
				"serviceaccounts,roles,rolebindings,poddisruptionbudgets,secrets,ingresses") {
				found[fmt.Sprintf("%s/%s", object["kind"], dig(object, "metadata/name"))] = version(object)
			}
			return found
		}
		rest := versions()
		for _, name := range []string{
			"Deployment/acme-scim", "Service/acme-scim", "ServiceAccount/acme-scim", "Role/acme-scim", "RoleBinding/acme-scim",
			"PodDisruptionBudget/acme-scim", "Secret/acme-scim-verifiers", "Secret/acme", "ScimTenant/acme", "ScimApiKey/acme", "ScimUser/" + ada,
		} {
			Expect(rest).To(HaveKey(name))
		}
		atRest := func() {
			GinkgoHelper()
			Consistently(versions).WithTimeout(5 * time.Second).WithPolling(time.Second).Should(Equal(rest))
		}
		atRest()

		By("starting the operator again")
		old := operatorPods(ctx)
		for _, pod := range old {
			kubectl("delete", "pod", "-n", pod.Namespace, pod.Name, "--wait=false")
		}
		Eventually(func(g Gomega) {
			g.Expect(namesOf(operatorPods(ctx))).NotTo(ContainElements(namesOf(old)))
			operator := &appsv1.Deployment{}
			g.Expect(cluster.Get(ctx, operatorKey, operator)).To(Succeed())
			g.Expect(isAvailable(operator)).To(BeTrue())
		}).WithTimeout(90 * time.Second).Should(Succeed())
		// It has read everything by the time that it says something about a key
		// that the one before never saw.
		apply(newKey(t.namespace, "witness", "nobody"))
		waitFor(t.namespace, "condition=Stalled", "scimapikey/witness")
		kubectl("delete", "scimapikey", "-n", t.namespace, "witness", "--timeout=60s")
		atRest()
	})
})
