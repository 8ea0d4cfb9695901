package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("What docs/many-customers.md says to type", Ordered, func() {
	const document = "many-customers.md"
	var (
		// here says in commands and manifests of the document where the spec is.
		here              *strings.Replacer
		namespace, folder string
	)
	run := func(commands string) string {
		GinkgoHelper()
		printed, err := RunShell("cd " + folder + "\n" + here.Replace(commands))
		Expect(err).NotTo(HaveOccurred(), printed)
		return printed
	}
	enter := func(part string) string {
		GinkgoHelper()
		return run(Documented(checkout, document, part))
	}
	customer := func(ctx SpecContext, name string) *Tenant {
		GinkgoHelper()
		t := TenantOf(NewTenant(namespace, name, scimv1alpha1.IdentityProviderGeneric, On("shared")), name)
		t.Service = NewClient(t.NodePort(ctx, t.Labels()), t.Token)
		return t
	}
	// left are the users, groups and claims of a tenant.
	left := func(tenant string) []map[string]any {
		GinkgoHelper()
		return append(KubectlList(namespace, "scimusers,scimgroups,scimgroupmembers", "-l", scimv1alpha1.LabelTenant+"="+tenant),
			KubectlList(namespace, "leases", "-l", scimv1alpha1.LabelTenant+"="+tenant+","+scimv1alpha1.LabelLease+"="+scimv1alpha1.LeaseClaim)...)
	}

	BeforeAll(func(ctx SpecContext) {
		namespace, folder = NewNamespace(ctx, "customers"), GinkgoT().TempDir()
		class := &networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: "e2e-" + namespace}, Spec: networkingv1.IngressClassSpec{Controller: "example.com/none"}}
		Expect(Cluster.Create(ctx, class)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(Cluster.Delete(ctx, class)).To(Succeed()) })
		here = strings.NewReplacer("-n customers", "-n "+namespace, "namespace: customers", "namespace: "+namespace, "name: customers\n", "name: "+namespace+"\n",
			"className: nginx", "className: "+class.Name, "scim.example.com", namespace+".example.com")
		server := here.Replace(ManifestIn(filepath.Join(checkout, "docs", document)))
		Expect(os.WriteFile(filepath.Join(folder, "server.yaml"), []byte(server), 0o600)).To(Succeed())
	})

	It("serves all customers of the list, with a sheet for each", func() {
		enter("apply -f server.yaml")
		enter("openssl req")
		Expect(enter("scimserver/shared")).To(ContainSubstring("condition met"))
		enter(">customers.txt")
		enter("done <customers.txt >customers.yaml")
		enter("--hand-over")
		for _, name := range []string{"initech", "hooli", "umbrella"} {
			sheet, err := os.ReadFile(filepath.Join(folder, name+".txt"))
			Expect(err).NotTo(HaveOccurred())
			Expect(string(sheet)).To(ContainSubstring("https://" + namespace + ".example.com/" + name + "/scim/v2"))
		}
	})

	It("lets a customer go with its users", func(ctx SpecContext) {
		customer(ctx, "umbrella").Service.Do(http.MethodPost, Users, PlainUser("ada@example.com")).Has(http.StatusCreated)
		Expect(left("umbrella")).NotTo(BeEmpty())
		enter(`"deletionPolicy":"Delete"`)
		Expect(left("umbrella")).To(BeEmpty())
	})

	It("finds users whose tenant has gone, and has them go too", func(ctx SpecContext) {
		customer(ctx, "hooli").Service.Do(http.MethodPost, Users, PlainUser("ada@example.com")).Has(http.StatusCreated)
		Kubectl("delete", "scimapikey/hooli", "scimtenant/hooli", "-n", namespace)
		users := KubectlList(namespace, "scimusers")
		Expect(users).To(HaveLen(1))
		Expect(Dig(users[0], "spec/active")).To(BeFalse(), "nobody of a customer that has left is let in")
		Expect(enter("jq -r '\n  ([.items[]")).To(Equal("hooli\n"))
		run(strings.ReplaceAll(Documented(checkout, document, "state: Paused"), "umbrella", "hooli"))
		Expect(left("hooli")).To(BeEmpty())
		Expect(enter("jq -r '\n  ([.items[]")).To(BeEmpty())
	})
})
