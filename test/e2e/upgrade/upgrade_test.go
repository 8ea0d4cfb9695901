package upgrade

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("An upgrade from the earlier operator", Ordered, func() {
	var (
		t              *Tenant
		added, revoked string            // tokens
		users          map[string]string // names by id
		group          string
	)

	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "upgraded", scimv1alpha1.IdentityProviderGeneric, func(spec *scimv1alpha1.ScimTenantSpec) { spec.Server.Replicas = 3 })
		revoked = newToken(t, "revoked")
		users = CreateUsers(t.Service, 1000)
		group = t.Send(http.MethodPost, Groups, PlainGroup("Everyone", slices.Collect(maps.Keys(users))...)).Has(http.StatusCreated).ID()
	})

	// everybodyIsThere looks at each replica, with the token of before.
	everybodyIsThere := func(ctx SpecContext) {
		GinkgoHelper()
		t.Expose(ctx)
		t.EveryReplica(func(c *Client) {
			c.WithToken(added).Get(Users + "?count=1").Has(http.StatusOK)
			c.WithToken(revoked).Get(Users + "?count=1").Has(http.StatusUnauthorized)
			for id, name := range users {
				Expect(c.Get(Users + "/" + id).Has(http.StatusOK).At("userName")).To(Equal(name))
			}
			Expect(Values(c.Get(Groups + "/" + group).Has(http.StatusOK).At("members"))).To(ConsistOf(slices.Collect(maps.Keys(users))))
		})
		// kubectl diff fails when there is a difference, and prints it.
		Kubectl("diff", "-f", root+"/config/crd/bases")
	}

	It("loses no request, user or token, and brings the CustomResourceDefinitions along", func(ctx SpecContext) {
		// While the CustomResourceDefinitions change, the API server ends all watches, and the servers of the earlier
		// release answer 503 for a moment.
		clients := send(t, "forth", &SteadyClients{Repeating: true})
		defer clients.Stop()
		halfway := holdHalfway(ctx, t)
		installPresent()
		Eventually(halfway).WithTimeout(3 * time.Minute).Should(Receive(BeNil()))

		By("having pods of both releases side by side")
		both := podsOfBoth(ctx, t)
		both.accept(t.Token)
		added = newToken(t, "added")
		both.accept(added)
		both.accept(revoked)
		Kubectl("delete", "scimapikey", "-n", t.Namespace, "revoked", "--timeout=60s")
		both.refuse(revoked)
		Kubectl("get", "-n", t.Namespace, "secret/upgraded-scim-verifiers", "role/upgraded-scim-credentials")
		Expect(rightsOf(t)).To(ContainElement("secrets"))
		Expect(leases(ctx, t)).To(Equal(map[bool]int{before: 3, anew: 1}), "the pods of both releases changed meanwhile")
		Kubectl("rollout", "resume", "-n", t.Namespace, "deployment/upgraded-scim")

		name, tag := image()
		Eventually(func(g Gomega) {
			server := &appsv1.Deployment{}
			g.Expect(Cluster.Get(ctx, client.ObjectKey{Namespace: t.Namespace, Name: t.Name + "-scim"}, server)).To(Succeed())
			g.Expect(server.Spec.Template.Spec.Containers[0].Image).To(Equal(name + ":" + tag))
			g.Expect(IsAvailable(server)).To(BeTrue())
		}).WithTimeout(3 * time.Minute).Should(Succeed())
		Recovered(ctx, t)
		answered(clients)

		By("leaving nothing behind that only the release before needs")
		Eventually(func() string {
			return Kubectl("get", "-n", t.Namespace, "--ignore-not-found", "-o", "name",
				"secret/upgraded-scim-verifiers", "role/upgraded-scim-credentials", "rolebinding/upgraded-scim-credentials")
		}).WithTimeout(2 * time.Minute).Should(BeEmpty())
		Expect(rightsOf(t)).To(And(ContainElement("scimcredentials"), Not(ContainElement("secrets"))))
		Expect(leases(ctx, t)).To(Equal(map[bool]int{anew: 3}))

		everybodyIsThere(ctx)
		id := slices.Collect(maps.Keys(users))[0]
		t.Send(http.MethodDelete, Users+"/"+id, "").Has(http.StatusNoContent)
		t.Get(Users+"/"+id).IsError(http.StatusNotFound, "")
		delete(users, id)
	})

	It("is rolled back without a failed request, but for the CustomResourceDefinitions, and comes again", func(ctx SpecContext) {
		kept := newToken(t, "kept")
		Kubectl("delete", "secret", "-n", t.Namespace, "upgraded", "kept") // as whoever has copied the tokens does
		run(ctx, time.Minute, "bash", "-euo", "pipefail", "-c",
			strings.NewReplacer("namespace=acme", "namespace="+t.Namespace, "tenant=acme", "tenant="+t.Name).Replace(Documented(root, "upgrading.md", "-scim-verifiers")))
		clients := send(t, "back", &SteadyClients{Repeating: true})
		defer clients.Stop()
		_, err := RunHelm("", "rollback", OperatorKey.Name)
		Expect(err).To(MatchError(ContainSubstring("CustomResourceDefinition scimusers.scim.kubescim.dev stays as release")))
		Eventually(leases).WithArguments(ctx, t).WithTimeout(3 * time.Minute).Should(Equal(map[bool]int{before: 3}))
		Recovered(ctx, t)
		everybodyIsThere(ctx)
		t.EveryReplica(func(c *Client) { c.WithToken(kept).Get(Users + "?count=1").Has(http.StatusOK) })
		WaitFor(t.Namespace, "condition=Ready", "scimapikey/upgraded", "scimapikey/kept")

		By("upgrading once more")
		installPresent()
		Eventually(leases).WithArguments(ctx, t).WithTimeout(3 * time.Minute).Should(Equal(map[bool]int{anew: 3}))
		Eventually(func() string {
			return Kubectl("get", "secret", "-n", t.Namespace, "--ignore-not-found", "-o", "name", "upgraded-scim-verifiers")
		}).WithTimeout(time.Minute).Should(BeEmpty())
		Recovered(ctx, t)
		answered(clients)
		everybodyIsThere(ctx)
		t.EveryReplica(func(c *Client) { c.WithToken(kept).Get(Users + "?count=1").Has(http.StatusOK) })
	})

	It("is followed by an uninstallation that leaves tenants served, and an installation that takes them up", func(ctx SpecContext) {
		pods := NamesOf(t.Pods(ctx))
		clients := send(t, "without", &SteadyClients{})
		defer clients.Stop()
		_, err := RunHelm("", "uninstall", OperatorKey.Name, "--wait", "--timeout", "2m")
		Expect(err).NotTo(HaveOccurred())
		err = Cluster.Get(ctx, OperatorKey, &appsv1.Deployment{})
		Expect(apierrors.IsNotFound(err)).To(BeTrue(), "the operator is gone: %v", err)
		everybodyIsThere(ctx)
		installPresent()
		after := newToken(t, "after") // which nobody but an operator makes
		t.EveryReplica(func(c *Client) { c.WithToken(after).Get(Users + "?count=1").Has(http.StatusOK) })
		WaitFor(t.Namespace, "condition=Ready", "scimtenant/upgraded", "scimapikey/upgraded")
		everybodyIsThere(ctx)
		answered(clients)
		Expect(NamesOf(t.Pods(ctx))).To(ConsistOf(pods), "nothing about the server has changed, and its pods stay")
	})
})

// send has three clients send requests to a tenant, and waits until they do.
func send(t *Tenant, prefix string, clients *SteadyClients) *SteadyClients {
	GinkgoHelper()
	clients.Prefix = prefix
	clients.Start(t, 3, 200*time.Millisecond)
	Eventually(clients.Sent).Should(BeNumerically(">", 10))
	return clients
}

// answered ends requests once some more have been sent, and expects all of them to have been answered: few of them 503,
// and then repeated.
func answered(clients *SteadyClients) {
	GinkgoHelper()
	atEnd := clients.Sent()
	Eventually(clients.Sent).Should(BeNumerically(">", atEnd+10))
	clients.Stop()
	AddReportEntry("requests", fmt.Sprintf("%d, of which %d were answered 503 and repeated", clients.Sent(), clients.Repeated()))
	Expect(clients.Repeated()).To(BeNumerically("<", 20))
	Expect(clients.Failures()).To(BeEmpty(), "of %d requests, the first that failed: %.300s", clients.Sent(), strings.Join(clients.Failures(), "\n"))
}
