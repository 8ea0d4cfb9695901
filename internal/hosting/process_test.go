package hosting_test

import (
	"context"
	"log/slog"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

var _ = Describe("A server of many tenants", func() {
	var (
		namespace string
		s         *shared
	)

	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx)
	})

	run := func() {
		GinkgoHelper()
		s = start(namespace, slog.New(slog.NewTextHandler(GinkgoWriter, nil)))
		Eventually(s.Router().Ready).Should(BeTrue())
	}
	list := func(tenant, token string) func() answer {
		return func() answer { return s.send(http.MethodGet, tenant, "/Users", token, "") }
	}
	total := func(a answer) any { return a.Doc["totalResults"] }
	status := func(a answer) int { return a.Status }
	usage := func(tenant string) func() contract.TenantUsage {
		return func() contract.TenantUsage { return usageOf(s.Process)[tenant] }
	}
	tenantOf := func(ctx context.Context, name string) *scimv1alpha1.ScimTenant {
		GinkgoHelper()
		tenant := &scimv1alpha1.ScimTenant{}
		Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, tenant)).To(Succeed())
		return tenant
	}

	It("keeps tenants apart, and takes in those that come", func(ctx SpecContext) {
		acme, globex := apply(ctx, namespace, "acme"), apply(ctx, namespace, "globex")
		run()
		Expect(list("acme", acme)()).To(HaveField("Status", 200))
		Expect(list("acme", globex)()).To(HaveField("Status", 401))

		made := s.send(http.MethodPost, "acme", "/Users", acme, user("babs"))
		Expect(made.Status).To(Equal(http.StatusCreated))
		id := made.Doc["id"].(string)
		Expect(s.send(http.MethodPost, "globex", "/Users", globex, user("babs")).Status).To(Equal(http.StatusCreated), "names are each tenant's own")
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			Expect(s.send(method, "globex", "/Users/"+id, globex, user("babs")).Status).To(Equal(http.StatusNotFound), method)
		}
		group := s.send(http.MethodPost, "globex", "/Groups", globex,
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"all","members":[{"value":"`+id+`"}]}`)
		Expect(group.Doc["members"]).To(BeNil(), "who is no user of the tenant is no member")

		late := apply(ctx, namespace, "late")
		Eventually(list("late", late)).Should(HaveField("Status", 200))
		Expect(s.send(http.MethodPost, "late", "/Users", late, user("babs")).Status).To(Equal(http.StatusCreated))
		Eventually(usage("late")).Should(And(HaveField("State", contract.ServingMemory), HaveField("Usage.Users", BeEquivalentTo(1))))
		Eventually(list("acme", acme)).Should(WithTransform(total, BeEquivalentTo(1)))
		Eventually(list("late", late)).Should(WithTransform(total, BeEquivalentTo(1)))
	})

	It("gives up a tenant that is not its own any more, and what goes with it", func(ctx SpecContext) {
		acme, globex := apply(ctx, namespace, "acme"), apply(ctx, namespace, "globex")
		run()
		Expect(s.send(http.MethodPost, "acme", "/Users", acme, user("babs")).Status).To(Equal(http.StatusCreated))
		tenant := tenantOf(ctx, "acme")
		serve(ctx, tenant, "")
		Eventually(list("acme", acme)).Should(HaveField("Status", 401))
		Eventually(func() string { _, tenants := s.members.accepted(); return tenants }).Should(Equal(tenant.ResourceVersion))
		Expect(usage("acme")()).To(BeZero())
		families, err := s.Gather()
		Expect(err).NotTo(HaveOccurred())
		for _, family := range families {
			Expect(family.String()).NotTo(ContainSubstring(`"acme"`))
		}
		Expect(list("globex", globex)()).To(HaveField("Status", 200))

		serve(ctx, tenant, "shared-scim-server")
		Eventually(list("acme", acme)).Should(WithTransform(total, BeEquivalentTo(1)))
		Expect(admin.Delete(ctx, tenant)).To(Succeed())
		Eventually(list("acme", acme)).Should(HaveField("Status", 401))
	})

	It("serves the others when what one of them says is wrong", func(ctx SpecContext) {
		acme := apply(ctx, namespace, "acme")
		run()
		wrong := apply(ctx, namespace, "wrong", func(t *scimv1alpha1.ScimTenant) {
			t.Spec.SchemaExtensions = []scimv1alpha1.SchemaExtension{{
				ID:         "urn:example:params:wrong",
				Attributes: []scimv1alpha1.SchemaAttribute{{AttributeCharacteristics: scimv1alpha1.AttributeCharacteristics{Name: "a", Type: scimv1alpha1.AttributeTypeString}}},
			}}
		})
		Eventually(list("wrong", wrong)).Should(WithTransform(status, Equal(200)), "it is not wrong yet")
		Expect(list("acme", acme)()).To(HaveField("Status", 200))
		tenant := tenantOf(ctx, "wrong")
		tenant.Spec.SchemaExtensions[0].Attributes[0].Name = "b"
		Expect(admin.Update(ctx, tenant)).To(Succeed())
		Eventually(usage("wrong")).Should(HaveField("State", contract.ServingMemory))
		Expect(list("acme", acme)()).To(HaveField("Status", 200))
	})

	It("acknowledges every revision of its tenants, and at once what somebody may wait for", func(ctx SpecContext) {
		apply(ctx, namespace, "acme")
		run()
		tenant := tenantOf(ctx, "acme")
		acknowledged := func() string { _, tenants := s.members.accepted(); return tenants }
		write := func(change func()) {
			GinkgoHelper()
			change()
			Expect(admin.Status().Update(ctx, tenant)).To(Succeed())
			Eventually(acknowledged).Should(Equal(tenant.ResourceVersion))
		}
		before := s.members.hurried()
		write(func() { tenant.Status.Seats = "1/2" })
		Expect(s.members.hurried()).To(Equal(before), "a tenant at rest costs no write")
		write(func() { tenant.Status.Servers[0].Mode = scimv1alpha1.HostingModeLive })
		Expect(s.members.hurried()).To(Equal(tenant.ResourceVersion))
		write(func() { tenant.Status.Seats = "2/2" })
		Expect(s.members.hurried()).To(Equal(tenant.ResourceVersion), "it is being moved")
		write(func() { tenant.Status.Servers[0].Mode = scimv1alpha1.HostingModeMemory })
		before = s.members.hurried()
		Expect(before).To(Equal(tenant.ResourceVersion))
		write(func() { tenant.Status.Seats = "1/2" })
		Expect(s.members.hurried()).To(Equal(before))
	})

	It("acknowledges a token once it is accepted, whichever tenant it is of", func(ctx SpecContext) {
		run()
		acme := apply(ctx, namespace, "acme")
		credentials := &scimv1alpha1.ScimCredentialList{}
		Expect(admin.List(ctx, credentials, client.InNamespace(namespace))).To(Succeed())
		Eventually(func() string { revision, _ := s.members.accepted(); return revision }).Should(Equal(credentials.Items[0].ResourceVersion))
		Eventually(list("acme", acme)).Should(HaveField("Status", 200))
		Expect(admin.Delete(ctx, &credentials.Items[0])).To(Succeed())
		Eventually(list("acme", acme)).Should(HaveField("Status", 401))
	})
})

var _ = Describe("A tenant of a server of many", func() {
	It("is seen at the URL that was published, and not at one that it asks for", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		acme := apply(ctx, namespace, "acme", func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint.Host = "scim.globex.example.com" })
		s := start(namespace, slog.New(slog.NewTextHandler(GinkgoWriter, nil)))
		Eventually(s.Router().Ready).Should(BeTrue())
		made := s.send(http.MethodPost, "acme", "/Users", acme, user("babs"))
		location := func(a answer) string { return a.Doc["meta"].(map[string]any)["location"].(string) }
		Expect(location(made)).To(HavePrefix(s.url + "/acme/scim/v2/Users/"))

		tenant := &scimv1alpha1.ScimTenant{}
		Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "acme"}, tenant)).To(Succeed())
		tenant.Status.URL = "https://scim.example.com/acme/scim/v2"
		Expect(admin.Status().Update(ctx, tenant)).To(Succeed())
		Eventually(func() string {
			return location(s.send(http.MethodGet, "acme", "/Users/"+made.Doc["id"].(string), acme, ""))
		}).Should(HavePrefix("https://scim.example.com/acme/scim/v2/Users/"))
	})
})

var _ = Describe("A server of many that gives up a tenant", func() {
	It("tells of it until the last request to it is answered", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		acme := apply(ctx, namespace, "acme")
		s := start(namespace, slog.New(slog.NewTextHandler(GinkgoWriter, nil)))
		Eventually(s.Router().Ready).Should(BeTrue())
		held, release := make(chan struct{}), make(chan struct{})
		s.hold = func() {
			close(held)
			<-release
		}
		answered := make(chan int, 1)
		go func() {
			defer GinkgoRecover()
			answered <- s.send(http.MethodPost, "acme", "/Users", acme, user("babs")).Status
		}()
		Eventually(held).Should(BeClosed())
		tenant := &scimv1alpha1.ScimTenant{}
		Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "acme"}, tenant)).To(Succeed())
		serve(ctx, tenant, "")
		Eventually(func() int { return s.send(http.MethodGet, "acme", "/Users", acme, "").Status }).Should(Equal(401))
		known := func() map[string]contract.TenantUsage { return usageOf(s.Process) }
		acknowledged := func() string { _, tenants := s.members.accepted(); return tenants }
		Consistently(known, "1s").Should(HaveKeyWithValue("acme", HaveField("State", contract.ServingNothing)))
		Expect(acknowledged()).NotTo(Equal(tenant.ResourceVersion))
		close(release)
		Eventually(answered).Should(Receive(Equal(http.StatusCreated)))
		Eventually(known).ShouldNot(HaveKey("acme"))
		Eventually(acknowledged).Should(Equal(tenant.ResourceVersion))
	})
})
