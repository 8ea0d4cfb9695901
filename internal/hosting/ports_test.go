package hosting_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strconv"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/server/servertest/crossing"
)

// addressOf is that of the port of a tenant.
func (s *shared) addressOf(port int) string { return net.JoinHostPort(s.host, strconv.Itoa(port)) }

// at is the server by the port of a tenant.
func (s *shared) at(port int) *shared {
	return &shared{Process: s.Process, members: s.members, namespace: s.namespace, url: "http://" + s.addressOf(port)}
}

// assign makes tenants be served at ports of their own.
func assign(ctx context.Context, namespace string, ports map[string]int32) (revision string) {
	GinkgoHelper()
	for name, port := range ports {
		tenant := &scimv1alpha1.ScimTenant{}
		Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, tenant)).To(Succeed())
		tenant.Status.URL = contract.URL(tenant)
		tenant.Status.Servers = []scimv1alpha1.TenantServer{{Name: "shared-scim-server", Mode: scimv1alpha1.HostingModeMemory, Port: port}}
		Expect(admin.Status().Update(ctx, tenant)).To(Succeed())
		revision = tenant.ResourceVersion
	}
	return revision
}

var _ = Describe("The port of a tenant of a shared server", func() {
	var (
		namespace string
		s         *shared
	)
	usage := func(tenant string) func() contract.TenantUsage {
		return func() contract.TenantUsage { return usageOf(s.Process)[tenant] }
	}
	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx)
	})
	run := func() {
		GinkgoHelper()
		s = start(namespace, slog.New(slog.NewTextHandler(GinkgoWriter, nil)))
		Eventually(s.Router().Ready).Should(BeTrue())
	}
	// status is that of the answer to a request at the tenant's own path; 0 while nobody listens.
	status := func(ctx context.Context, at *shared, token string) func() int {
		return func() int {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.url+"/scim/v2/Users", http.NoBody)
			Expect(err).NotTo(HaveOccurred())
			request.Header.Set("Authorization", "Bearer "+token)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return 0
			}
			Expect(response.Body.Close()).To(Succeed())
			return response.StatusCode
		}
	}

	It("is open before the process acknowledges it, and goes when the tenant does", func(ctx SpecContext) {
		acme, globex := apply(ctx, namespace, "acme"), apply(ctx, namespace, "globex")
		assign(ctx, namespace, map[string]int32{"acme": 10000})
		run()
		Expect(status(ctx, s.at(10000), acme)()).To(Equal(200), "it is open once the process is ready")
		Expect(status(ctx, s.at(10001), globex)()).To(BeZero())
		revision := assign(ctx, namespace, map[string]int32{"globex": 10001})
		Eventually(func() string { _, tenants := s.members.accepted(); return tenants }).Should(Equal(revision))
		Expect(status(ctx, s.at(10001), globex)()).To(Equal(200))
		Expect(status(ctx, s.at(10000), globex)()).To(Equal(401))

		tenant := &scimv1alpha1.ScimTenant{}
		Expect(admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "acme"}, tenant)).To(Succeed())
		serve(ctx, tenant, "")
		Eventually(func() string { _, tenants := s.members.accepted(); return tenants }).Should(Equal(tenant.ResourceVersion))
		_, err := net.Dial("tcp", s.addressOf(10000))
		Expect(err).To(MatchError(ContainSubstring("refused")))

		By("being another tenant's then")
		assign(ctx, namespace, map[string]int32{"globex": 10000})
		Eventually(status(ctx, s.at(10000), globex)).Should(Equal(200))
		Eventually(status(ctx, s.at(10001), globex)).Should(BeZero())
	})

	It("is said to be in use, and the tenant not served, until it is free, while the others are", func(ctx SpecContext) {
		acme, globex := apply(ctx, namespace, "acme"), apply(ctx, namespace, "globex")
		run()
		foreign, err := net.Listen("tcp", s.addressOf(10000))
		Expect(err).NotTo(HaveOccurred())
		assign(ctx, namespace, map[string]int32{"acme": 10000, "globex": 10001})
		Eventually(usage("acme")).Should(And(HaveField("State", contract.ServingNothing), HaveField("Message", ContainSubstring("port 10000"))))
		Eventually(status(ctx, s.at(10001), globex)).Should(Equal(200))
		Expect(usage("globex")()).To(HaveField("State", contract.ServingMemory))
		Expect(s.send(http.MethodGet, "acme", "/Users", acme, "").Status).To(Equal(200), "at the port of all")
		Expect(foreign.Close()).To(Succeed())
		Eventually(usage("acme")).Should(HaveField("State", contract.ServingMemory))
		Expect(status(ctx, s.at(10000), acme)()).To(Equal(200))
	})

	It("knows no other tenant, whatever host and path a request names", func(ctx SpecContext) {
		own, other := apply(ctx, namespace, "attacker", unlimited), apply(ctx, namespace, "victim", unlimited)
		run()
		facts := factsOf(s, "victim", other, 4)
		assign(ctx, namespace, map[string]int32{"attacker": 10000, "victim": 10001})
		Eventually(status(ctx, s.at(10000), own)).Should(Equal(200))
		Eventually(status(ctx, s.at(10001), other)).Should(Equal(200))
		others := s.at(10001)
		for _, path := range []string{"/scim/v2/Users/" + facts.User, "/victim/scim/v2/Users/" + facts.User, "/attacker/scim/v2/Users", "/Users/" + facts.User} {
			for _, host := range []string{"attacker-scim." + namespace + ".svc", "victim-scim", "shared-scim-server", "127.0.0.1"} {
				request := crossing.Request{Method: http.MethodGet, Path: path, Header: "Host", Value: host}
				answer := others.answerTo(ctx, request, own)
				Expect(answer.Status).To(Equal(http.StatusUnauthorized), request.String())
				Expect(answer.Without(facts)).To(Equal(others.answerTo(ctx, request, "nonsense").Without(facts)), request.String())
			}
		}
	})
})
