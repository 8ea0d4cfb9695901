// Package upgrade tests the upgrade from an earlier operator to the present one, on a real cluster, under requests.
// `make e2e` runs it after the other end-to-end tests, since it installs the earlier operator over the present one.
package upgrade

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// root is the checkout, seen from this folder.
const root = "../../.."

func TestUpgrade(t *testing.T) { RunSuite(t, "Kubescim in an upgrade") }

var _ = BeforeSuite(func(ctx SpecContext) {
	Connect(ctx, "make e2e")
	DeferCleanup(installPresent)
	run(ctx, 15*time.Minute, "hack/upgrade/install-previous.sh")
})

var _ = AfterSuite(func(ctx SpecContext) { ExpectNoNamespaceLeft(ctx) })

var _ = JustAfterEach(ReportFailure)

// run starts a program in the root of the checkout. The spec fails with what it prints when it fails.
func run(ctx context.Context, limit time.Duration, name string, args ...string) {
	GinkgoHelper()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = root
	output, err := cmd.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), "%s %s: %s", name, strings.Join(args, " "), output)
	GinkgoWriter.Printf("%s\n", output)
}

// image is the image of the present operator, as its name and its tag.
func image() (name, tag string) {
	GinkgoHelper()
	name, tag, found := strings.Cut(os.Getenv("IMG"), ":")
	Expect(found).To(BeTrue(), "IMG is to be the name and the tag of the image that the cluster has; run `make e2e`")
	return name, tag
}

// installPresent upgrades to the operator of this checkout.
func installPresent() {
	GinkgoHelper()
	name, tag := image()
	_, err := RunHelm("", "upgrade", "--install", OperatorKey.Name, root+"/charts/kubescim",
		"--reset-values", "--set", "image.repository="+name, "--set", "image.tag="+tag, "--wait", "--timeout", "3m")
	Expect(err).NotTo(HaveOccurred())
}

var _ = Describe("An upgrade from the earlier operator", Ordered, func() {
	It("loses no request, user or token, and brings the CustomResourceDefinitions along", func(ctx SpecContext) {
		t := Serve(ctx, "upgraded", scimv1alpha1.IdentityProviderGeneric, func(spec *scimv1alpha1.ScimTenantSpec) { spec.Server.Replicas = 3 })
		revoked := newToken(t, "revoked")
		users := CreateUsers(t.Service, 1000)
		group := t.Send(http.MethodPost, Groups, PlainGroup("Everyone", slices.Collect(maps.Keys(users))...)).Has(http.StatusCreated).ID()

		// While the CustomResourceDefinitions change, the API server ends all watches, and the servers of the earlier
		// release answer 503 for a moment.
		clients := &SteadyClients{Repeating: true}
		clients.Start(t, 3, 200*time.Millisecond)
		defer clients.Stop()
		Eventually(clients.Sent).Should(BeNumerically(">", 10))
		halfway := holdHalfway(ctx, t)
		installPresent()
		Eventually(halfway).WithTimeout(3 * time.Minute).Should(Receive(BeNil()))

		By("having pods of both releases side by side")
		both := podsOfBoth(ctx, t)
		both.accept(t.Token)
		added := newToken(t, "added")
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
		atEnd := clients.Sent()
		Eventually(clients.Sent).Should(BeNumerically(">", atEnd+10))
		clients.Stop()
		AddReportEntry("requests", fmt.Sprintf("%d, of which %d were answered 503 and repeated", clients.Sent(), clients.Repeated()))
		Expect(clients.Repeated()).To(BeNumerically("<", 20))
		Expect(clients.Failures()).To(BeEmpty(), "of %d requests, the first that failed: %.300s", clients.Sent(), strings.Join(clients.Failures(), "\n"))

		By("leaving nothing behind that only the release before needs")
		Eventually(func() string {
			return Kubectl("get", "-n", t.Namespace, "--ignore-not-found", "-o", "name",
				"secret/upgraded-scim-verifiers", "role/upgraded-scim-credentials", "rolebinding/upgraded-scim-credentials")
		}).WithTimeout(2 * time.Minute).Should(BeEmpty())
		Expect(rightsOf(t)).To(And(ContainElement("scimcredentials"), Not(ContainElement("secrets"))))
		Expect(leases(ctx, t)).To(Equal(map[bool]int{anew: 3}))

		By("looking at what is there now, with the token of before")
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
		id := slices.Collect(maps.Keys(users))[0]
		t.Send(http.MethodDelete, Users+"/"+id, "").Has(http.StatusNoContent)
		t.Get(Users+"/"+id).IsError(http.StatusNotFound, "")
	})

	It("can be taken back, with the CustomResourceDefinitions and the tokens of the present one", func(ctx SpecContext) {
		t := Serve(ctx, "restored", scimv1alpha1.IdentityProviderGeneric)
		kept := newToken(t, "kept")
		Kubectl("delete", "secret", "-n", t.Namespace, "restored") // as whoever has copied the token does
		run(ctx, time.Minute, "bash", "-euo", "pipefail", "-c",
			strings.NewReplacer("namespace=acme", "namespace="+t.Namespace, "tenant=acme", "tenant="+t.Name).Replace(Documented(root, "upgrading.md", "-scim-verifiers")))
		run(ctx, 15*time.Minute, "hack/upgrade/install-previous.sh", "--set", "crds.enabled=false")
		Eventually(leases).WithArguments(ctx, t).WithTimeout(3 * time.Minute).Should(Equal(map[bool]int{before: 2}))
		Recovered(ctx, t)
		t.Expose(ctx)
		t.EveryReplica(func(c *Client) {
			c.Get(Users + "?count=1").Has(http.StatusOK)
			c.WithToken(kept).Get(Users + "?count=1").Has(http.StatusOK)
		})
		WaitFor(t.Namespace, "condition=Ready", "scimapikey/restored", "scimapikey/kept")
		Kubectl("diff", "-f", root+"/config/crd/bases")

		By("upgrading once more")
		installPresent()
		Eventually(leases).WithArguments(ctx, t).WithTimeout(3 * time.Minute).Should(Equal(map[bool]int{anew: 2}))
		Eventually(func() string {
			return Kubectl("get", "secret", "-n", t.Namespace, "--ignore-not-found", "-o", "name", "restored-scim-verifiers")
		}).WithTimeout(time.Minute).Should(BeEmpty())
		Recovered(ctx, t)
		t.Expose(ctx)
		t.EveryReplica(func(c *Client) {
			c.Get(Users + "?count=1").Has(http.StatusOK)
			c.WithToken(kept).Get(Users + "?count=1").Has(http.StatusOK)
		})
	})
})
