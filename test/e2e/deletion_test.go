package e2e

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// populate makes two users and a group of both in a tenant.
func populate(t *Tenant) (userIDs []string, groupID string) {
	GinkgoHelper()
	for _, name := range []string{"ada@example.com", "grace@example.com"} {
		userIDs = append(userIDs, t.Send(http.MethodPost, Users, PlainUser(name)).Has(http.StatusCreated).ID())
	}
	groupID = t.Send(http.MethodPost, Groups, PlainGroup("Engineers", userIDs...)).Has(http.StatusCreated).ID()
	return userIDs, groupID
}

var _ = Describe("Deleting a tenant", Ordered, ContinueOnFailure, func() {
	var (
		namespace                 string
		keeping, freezing         *Tenant
		erasing, held             *Tenant
		manifestOfKeeping         *scimv1alpha1.ScimTenant
		kept, lingering           []string
		keptGroup, lingeringGroup string
	)

	ofTenant := func(kinds string, t *Tenant) []map[string]any {
		GinkgoHelper()
		return KubectlList(namespace, kinds, "--field-selector=spec.tenantRef.name="+t.Name)
	}
	claims := func(t *Tenant) []map[string]any {
		GinkgoHelper()
		return KubectlList(namespace, "leases", "-l", "scim.kubescim.dev/lease=claim,scim.kubescim.dev/tenant="+t.Name)
	}
	gone := func(ctx SpecContext, t *Tenant) {
		GinkgoHelper()
		Eventually(func(g Gomega) {
			err := Cluster.Get(ctx, client.ObjectKey{Namespace: namespace, Name: t.Name + "-scim"}, &appsv1.Deployment{})
			g.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "the Deployment is still there")
			// A Service leads to pods that are still ending while no other is ready.
			g.Expect(KubectlList(namespace, "pods", "-l", "app.kubernetes.io/name=kubescim-server,app.kubernetes.io/instance="+t.Name)).To(BeEmpty())
		}).WithTimeout(time.Minute).Should(Succeed())
	}

	BeforeAll(func(ctx SpecContext) {
		namespace = NewNamespace(ctx, "deletion")
		policy := func(p scimv1alpha1.DeletionPolicy) func(*scimv1alpha1.ScimTenantSpec) {
			return func(spec *scimv1alpha1.ScimTenantSpec) { spec.DeletionPolicy = p }
		}
		manifestOfKeeping = NewTenant(namespace, "keeping", scimv1alpha1.IdentityProviderGeneric)
		tenants := ServeIn(ctx, namespace, manifestOfKeeping,
			NewTenant(namespace, "erasing", scimv1alpha1.IdentityProviderGeneric, OneReplica, policy(scimv1alpha1.DeletionPolicyDelete)),
			NewTenant(namespace, "freezing", scimv1alpha1.IdentityProviderGeneric, OneReplica, policy(scimv1alpha1.DeletionPolicyDeactivate)),
			NewTenant(namespace, "held", scimv1alpha1.IdentityProviderGeneric, OneReplica))
		keeping, erasing, freezing, held = tenants[0], tenants[1], tenants[2], tenants[3]
		kept, keptGroup = populate(keeping)
		lingering, lingeringGroup = populate(freezing)
		populate(erasing)
		removed := erasing.Send(http.MethodPost, Users, PlainUser("former@example.com")).Has(http.StatusCreated).ID()
		erasing.Deleted(Users, removed)
	})

	It("stops the server while a finalizer of somebody else keeps the tenant, and says so", func(ctx SpecContext) {
		Kubectl("patch", "scimtenant", "-n", namespace, "held", "--type=merge", "-p", `{"metadata":{"finalizers":["example.com/mine","scim.kubescim.dev/finalizer"]}}`)
		Kubectl("delete", "scimtenant", "-n", namespace, "held", "--wait=false")
		gone(ctx, held)
		Eventually(func() map[string]any {
			return conditionOf(KubectlGet(namespace, "scimtenant", "held"), scimv1alpha1.ConditionReady)
		}).Should(And(HaveKeyWithValue("status", "False"), HaveKeyWithValue("reason", scimv1alpha1.ReasonDeleting),
			HaveKeyWithValue("message", ContainSubstring("waiting for finalizers of others: example.com/mine"))))
		Kubectl("patch", "scimtenant", "-n", namespace, "held", "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
		Eventually(func() map[string]any { return KubectlGet(namespace, "scimtenant", "held") }).Should(BeNil())
	})

	It("is not needed for a marker of what is deleted for good, nor for none if the tenant wants that", func() {
		deleted := func() string {
			GinkgoHelper()
			id := erasing.Send(http.MethodPost, Groups, PlainGroup("Leavers")).Has(http.StatusCreated).ID()
			erasing.Send(http.MethodDelete, Groups+"/"+id, "").Has(http.StatusNoContent)
			return id
		}
		marked := deleted()
		deleted() // The name is free at once.
		erasing.IsMarker(marked)
		Expect(Kubectl("get", "scimgroups", "-n", namespace)).To(MatchRegexp(`DELETED(?s:.*)` + marked + ` +deleted-` + marked + ` +0 +\d+s `))
		Kubectl("patch", "scimtenant", "erasing", "-n", namespace, "--type=merge", "-p", `{"spec":{"tombstoneDays":0}}`)
		Eventually(func() string {
			return Kubectl("get", "scimgroup", deleted(), "-n", namespace, "--ignore-not-found", "-o", "name")
		}).WithTimeout(30 * time.Second).Should(BeEmpty())
	})

	It("leaves users and groups by default, and serves them again when the tenant comes back", func(ctx SpecContext) {
		Kubectl("delete", "scimtenant", "-n", namespace, "keeping", "--timeout=60s")
		gone(ctx, keeping)
		for _, id := range kept {
			Want{"spec/active": true, "metadata/deletionTimestamp": nil}.In(keeping.User(id), "the user "+id)
		}
		Want{"spec/memberCount": 2}.In(keeping.Group(keptGroup), "the group")
		WaitFor(namespace, "condition=TenantFound=false", "scimapikey/keeping")

		Apply(manifestOfKeeping)
		WaitFor(namespace, "condition=Ready", "scimtenant/keeping", "scimapikey/keeping")
		keeping.Expose(ctx)
		Expect(keeping.Replicas).To(HaveLen(2))
		token, keyID := TokenOf(namespace, "keeping")
		Expect(token).To(Equal(keeping.Token), "the token is the same")
		Expect(keyID).To(Equal(keeping.KeyID))
		keeping.EveryReplica(func(c *Client) {
			Expect(c.Get(Filter(Users, "userName eq %q", "Ada@example.com")).IsList(1)[0]).To(HaveKeyWithValue("id", kept[0]))
			c.Get(Users).IsList(2)
			Expect(Values(c.Get(Groups + "/" + keptGroup).Has(http.StatusOK).At("members"))).To(ConsistOf(kept))
			c.Do(http.MethodPost, Users, PlainUser("ADA@example.com")).IsError(http.StatusConflict, "uniqueness")
			c.Do(http.MethodPost, Groups, PlainGroup("engineers")).IsError(http.StatusConflict, "uniqueness")
		})
	})

	It("deletes users, groups and claims with deletionPolicy Delete, and only the tenant's own", func(ctx SpecContext) {
		Expect(ofTenant("scimusers", erasing)).To(HaveLen(3))
		Expect(claims(erasing)).NotTo(BeEmpty())
		others := len(claims(keeping))

		Kubectl("delete", "scimtenant", "-n", namespace, "erasing", "--timeout=120s")
		Expect(ofTenant("scimusers", erasing)).To(BeEmpty())
		Expect(ofTenant("scimgroups", erasing)).To(BeEmpty())
		Expect(claims(erasing)).To(BeEmpty())
		gone(ctx, erasing)

		Expect(ofTenant("scimusers", keeping)).To(HaveLen(2))
		Expect(ofTenant("scimgroups", keeping)).To(HaveLen(1))
		Expect(claims(keeping)).To(HaveLen(others))
		keeping.Get(Users).IsList(2)
	})

	It("leaves users inactive with deletionPolicy Deactivate", func(ctx SpecContext) {
		Kubectl("delete", "scimtenant", "-n", namespace, "freezing", "--timeout=120s")
		gone(ctx, freezing)
		for _, id := range lingering {
			Want{"spec/active": false, "spec/userName": Not(BeEmpty()), "metadata/deletionTimestamp": nil}.In(freezing.User(id), "the user "+id)
		}
		Want{"spec/memberCount": 2}.In(freezing.Group(lingeringGroup), "the group")
	})
})
