package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// blockUser is what somebody may want to do past the servers.
const blockUser = `{"spec":{"active":false}}`

// anotherUser is a user whom no identity provider has made.
const anotherUser = `{"apiVersion":"scim.kubescim.dev/v1alpha1","kind":"ScimUser","metadata":{"name":"mallory","namespace":%q},
	"spec":{"tenantRef":{"name":"acme"},"userName":"mallory@acme.example.com",
		"meta":{"createdTime":"2026-05-01T12:00:00.000000Z","lastModifiedTime":"2026-05-01T12:00:00.000000Z"}}}`

// refused succeeds for the error of kubectl about a write that a policy refuses.
func refused(policy string) types.GomegaMatcher {
	return MatchError(And(ContainSubstring("Forbidden"), ContainSubstring("'kubescim-"+policy+"'"), ContainSubstring("only, and not by")))
}

// forbidden succeeds for the error of kubectl about what RBAC does not allow.
func forbidden() types.GomegaMatcher {
	return MatchError(And(ContainSubstring("forbidden"), ContainSubstring(" cannot "), Not(ContainSubstring("ValidatingAdmissionPolicy"))))
}

var _ = Describe("Users, groups and claims", Ordered, ContinueOnFailure, func() {
	var (
		t         *Tenant
		namespace string
		user      string
		expiring  string
	)
	BeforeAll(func(ctx SpecContext) {
		namespace = NewNamespace(ctx, "guarded")
		t = ServeIn(ctx, namespace, NewTenant(namespace, "acme", scimv1alpha1.IdentityProviderGeneric, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Users.RetentionDays = ptr.To[int32](0)
		}))[0]
		expiring = t.Send(http.MethodPost, Users, PlainUser("former@acme.example.com")).Has(http.StatusCreated).ID()
		t.Send(http.MethodDelete, Users+"/"+expiring, "").Has(http.StatusNoContent)
		user = t.Send(http.MethodPost, Users, PlainUser("bob.keller@acme.example.com")).Has(http.StatusCreated).ID()
		t.Send(http.MethodPost, Groups, PlainGroup("Engineering", user)).Has(http.StatusCreated)
	})

	It("are written by nobody who may do everything", func() {
		kubectl := func(args ...string) error {
			_, err := RunKubectl("", append(args, "-n", namespace)...)
			return err
		}
		Expect(kubectl("patch", "scimuser", user, "--type=merge", "-p", blockUser)).To(And(refused("users"), MatchError(ContainSubstring("ScimUser "+user+" is written by the SCIM server of tenant acme"))))
		Expect(kubectl("label", "scimuser", user, "scim.kubescim.dev/deleted=true")).To(refused("users"))
		Expect(kubectl("delete", "scimuser", user)).To(refused("users"))
		Expect(kubectl("delete", "scimusers,scimgroups", "--all")).To(refused("users"))
		_, err := RunKubectl(fmt.Sprintf(anotherUser, namespace), "create", "-f", "-")
		Expect(err).To(refused("users"))
		for _, label := range []string{"claim", "replica"} {
			Expect(kubectl("delete", "leases", "-l", "scim.kubescim.dev/lease="+label)).To(refused("leases"))
		}
		t.EveryReplica(func(c *Client) {
			Expect(c.Get(Users + "/" + user).Has(http.StatusOK).Document).To(HaveKeyWithValue("active", true))
		})
	})

	It("can be held by finalizers of others, who can take them off again", func() {
		for _, finalizers := range []string{`["example.com/mine"]`, "null"} {
			Kubectl("patch", "scimuser", user, "-n", namespace, "--type=merge", "-p", `{"metadata":{"finalizers":`+finalizers+`}}`)
		}
	})

	It("are not written by who may edit the namespace, act as the server's ServiceAccount, or make tokens for it", func() {
		author := NewPerson(namespace, "author")
		Kubectl("create", "rolebinding", "author", "-n", namespace, "--clusterrole=edit", "--serviceaccount="+namespace+":author")
		server := "acme-scim"
		Eventually(func() error {
			_, err := author.Kubectl("", "patch", "scimuser", user, "-n", namespace, "--type=merge", "-p", blockUser,
				"--as=system:serviceaccount:"+namespace+":"+server)
			return err
		}).Should(refused("users"))
		token, err := author.Kubectl("", "create", "token", server, "-n", namespace)
		Expect(err).NotTo(HaveOccurred())
		_, err = PersonWith(strings.TrimSpace(token)).Kubectl("", "patch", "scimuser", user, "-n", namespace, "--type=merge", "-p", blockUser)
		Expect(err).To(refused("users"))

		_, err = author.Kubectl("", "patch", "scimuser", user, "-n", namespace, "--type=merge", "-p", blockUser)
		Expect(err).To(forbidden())
		for _, label := range []string{"claim", "replica"} {
			_, err = author.Kubectl("", "delete", "leases", "-n", namespace, "-l", "scim.kubescim.dev/lease="+label)
			Expect(err).To(refused("leases"))
		}
		own := fmt.Sprintf(`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"leader","namespace":%q}}`, namespace)
		for _, verb := range []string{"create", "delete"} {
			_, err = author.Kubectl(own, verb, "-f", "-")
			Expect(err).NotTo(HaveOccurred())
		}
	})

	It("are written by whom somebody has let break glass, as the document says, and then by nobody else", func() {
		jane := NewPerson(namespace, "jane")
		documented := func(text string) string {
			GinkgoHelper()
			return strings.NewReplacer("-n acme", "-n "+namespace, "break-glass-jane", namespace,
				"--user=jane@example.com", "--serviceaccount="+namespace+":jane").Replace(Documented(checkout, "break-glass.md", text))
		}
		block := documented(blockUser)
		Expect(jane.Run(block)).To(forbidden())
		DeferCleanup(func() { Kubectl("delete", "clusterrolebinding", namespace, "--ignore-not-found") })
		_, err := RunShell(documented("create clusterrolebinding"))
		Expect(err).NotTo(HaveOccurred())
		Eventually(jane.Run).WithArguments(block).Should(Succeed())
		Eventually(func(g Gomega) {
			for _, replica := range t.Replicas {
				g.Expect(replica.Get(Users + "/" + user).Document).To(HaveKeyWithValue("active", false))
			}
		}).WithTimeout(10 * time.Second).Should(Succeed())

		glass := []string{"--as=" + BreakGlassGroup, "--as-group=" + BreakGlassGroup, "-n", namespace}
		for _, resource := range []string{"secrets", "scimapikeys", "pods"} {
			_, err := jane.Kubectl("", append(glass, "get", resource)...)
			Expect(err).To(forbidden(), resource)
		}
		_, err = jane.Kubectl("", "get", "scimusers", "-n", namespace)
		Expect(err).To(forbidden(), "without the flags")
		_, err = jane.Kubectl("", "get", "secrets", "-n", namespace, "--as="+BreakGlassGroup, "--as-group=system:masters")
		Expect(err).To(forbidden(), "as somebody else")
	})

	It("are written by them in the sight of the API server's audit log", Label("audit-log"), func() {
		broken := trail{namespace: namespace}.run("kubescim-users/break-glass")
		Expect(broken).To(MatchRegexp(`\tsystem:serviceaccount:%[1]s:jane\t%[2]s\tpatch\t%[1]s\t%[3]s\n`, namespace, BreakGlassGroup, user))
	})

	It("are changed in a way that can be followed, as the document says, without a value of an attribute", Label("audit-log"), func() {
		expectTrail(t, user)
		seeAuditLog(namespace)
	})

	It("are removed for good with a line that says so, and leave a marker", func() {
		expectExpiry(t, expiring)
		Want{"spec/userName": "deleted-" + expiring, "metadata/annotations": HaveKey(scimv1alpha1.AnnotationMarker)}.In(t.User(expiring), "the marker")
	})
})

// It changes what all tenants are under: no other spec runs beside it.
var _ = Describe("A program that restores users", Serial, func() {
	It("may write them for as long as the chart names it", func(ctx SpecContext) {
		t := Serve(ctx, "restoring", scimv1alpha1.IdentityProviderGeneric, OneReplica)
		user := t.Send(http.MethodPost, Users, PlainUser("bob.keller@acme.example.com")).Has(http.StatusCreated).ID()
		ChangeRelease(chart)
		restore := func() error {
			_, err := RunKubectl("", "patch", "scimuser", user, "-n", t.Namespace, "--type=merge", "-p", blockUser, "--dry-run=server",
				"--as=system:serviceaccount:velero:velero", "--as-group=system:masters")
			return err
		}
		Expect(restore()).To(refused("users"))
		for _, step := range []struct {
			text     string
			expected types.GomegaMatcher
		}{{"velero:velero}'", Succeed()}, {"writers=[]'", refused("users")}} {
			_, err := RunShell(`cd ` + checkout + `; helm() { "$HELM" "$@"; }; ` + Documented(checkout, "break-glass.md", step.text))
			Expect(err).NotTo(HaveOccurred())
			Eventually(restore).WithTimeout(time.Minute).Should(step.expected)
		}
	})
})
