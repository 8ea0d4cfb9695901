package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// plainUser and plainGroup are the least that SCIM wants of them.
func plainUser(userName string) string {
	return fmt.Sprintf(`{"schemas":[%q],"userName":%q}`, urnUser, userName)
}

func plainGroup(displayName string, members ...string) string {
	list := make([]string, len(members))
	for i, id := range members {
		list[i] = fmt.Sprintf(`{"value":%q}`, id)
	}
	return fmt.Sprintf(`{"schemas":[%q],"displayName":%q,"members":[%s]}`, urnGroup, displayName, strings.Join(list, ","))
}

// populate makes two users and a group of both in a tenant.
func populate(t *tenant) (userIDs []string, groupID string) {
	GinkgoHelper()
	for _, name := range []string{"ada@example.com", "grace@example.com"} {
		userIDs = append(userIDs, t.send(http.MethodPost, users, plainUser(name)).has(http.StatusCreated).id())
	}
	groupID = t.send(http.MethodPost, groups, plainGroup("Engineers", userIDs...)).has(http.StatusCreated).id()
	return userIDs, groupID
}

var _ = Describe("Deleting a tenant", Ordered, ContinueOnFailure, func() {
	var (
		namespace              string
		keeping, freezing      *tenant
		erasing                *tenant
		manifestOfKeeping      *scimv1alpha1.ScimTenant
		kept, frozen           []string
		keptGroup, frozenGroup string
	)

	ofTenant := func(kinds string, t *tenant) []map[string]any {
		GinkgoHelper()
		return kubectlList(namespace, kinds, "--field-selector=spec.tenantRef.name="+t.name)
	}
	claims := func(t *tenant) []map[string]any {
		GinkgoHelper()
		return kubectlList(namespace, "leases", "-l", "scim.kubescim.dev/lease=claim,scim.kubescim.dev/tenant="+t.name)
	}
	gone := func(ctx SpecContext, t *tenant) {
		GinkgoHelper()
		Eventually(func(g Gomega) {
			err := cluster.Get(ctx, client.ObjectKey{Namespace: namespace, Name: t.name + "-scim"}, &appsv1.Deployment{})
			g.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "the Deployment is still there")
			g.Expect(t.pods(ctx)).To(BeEmpty())
		}).WithTimeout(time.Minute).Should(Succeed())
	}

	BeforeAll(func(ctx SpecContext) {
		namespace = newNamespace(ctx, "deletion")
		policy := func(p scimv1alpha1.DeletionPolicy) func(*scimv1alpha1.ScimTenantSpec) {
			return func(spec *scimv1alpha1.ScimTenantSpec) { spec.DeletionPolicy = p }
		}
		manifestOfKeeping = newTenant(namespace, "keeping", scimv1alpha1.IdentityProviderGeneric)
		tenants := serveIn(ctx, namespace, manifestOfKeeping,
			newTenant(namespace, "erasing", scimv1alpha1.IdentityProviderGeneric, oneReplica, policy(scimv1alpha1.DeletionPolicyDelete)),
			newTenant(namespace, "freezing", scimv1alpha1.IdentityProviderGeneric, oneReplica, policy(scimv1alpha1.DeletionPolicyDeactivate)))
		keeping, erasing, freezing = tenants[0], tenants[1], tenants[2]
		kept, keptGroup = populate(keeping)
		frozen, frozenGroup = populate(freezing)
		populate(erasing)
		removed := erasing.send(http.MethodPost, users, plainUser("former@example.com")).has(http.StatusCreated).id()
		erasing.deleted(users, removed)
	})

	It("leaves users and groups by default, and serves them again when the tenant comes back", func(ctx SpecContext) {
		kubectl("delete", "scimtenant", "-n", namespace, "keeping", "--timeout=60s")
		gone(ctx, keeping)
		for _, id := range kept {
			want{"spec/active": true, "metadata/deletionTimestamp": nil}.in(keeping.user(id), "the user "+id)
		}
		want{"spec/memberCount": 2}.in(keeping.group(keptGroup), "the group")
		waitFor(namespace, "condition=TenantFound=false", "scimapikey/keeping")

		apply(manifestOfKeeping)
		waitFor(namespace, "condition=Ready", "scimtenant/keeping", "scimapikey/keeping")
		keeping.expose(ctx)
		Expect(keeping.replicas).To(HaveLen(2))
		token, keyID := tokenOf(namespace, "keeping")
		Expect(token).To(Equal(keeping.token), "the token is the same")
		Expect(keyID).To(Equal(keeping.keyID))
		keeping.everyReplica(func(c *scimClient) {
			Expect(c.get(filter(users, "userName eq %q", "Ada@example.com")).isList(1)[0]).To(HaveKeyWithValue("id", kept[0]))
			c.get(users).isList(2)
			Expect(values(c.get(groups + "/" + keptGroup).has(http.StatusOK).at("members"))).To(ConsistOf(kept))
			c.do(http.MethodPost, users, plainUser("ADA@example.com")).isError(http.StatusConflict, "uniqueness")
			c.do(http.MethodPost, groups, plainGroup("engineers")).isError(http.StatusConflict, "uniqueness")
		})
	})

	It("deletes users, groups and claims with deletionPolicy Delete, and only the tenant's own", func(ctx SpecContext) {
		Expect(ofTenant("scimusers", erasing)).To(HaveLen(3))
		Expect(claims(erasing)).NotTo(BeEmpty())
		others := len(claims(keeping))

		kubectl("delete", "scimtenant", "-n", namespace, "erasing", "--timeout=120s")
		Expect(ofTenant("scimusers", erasing)).To(BeEmpty())
		Expect(ofTenant("scimgroups", erasing)).To(BeEmpty())
		Expect(claims(erasing)).To(BeEmpty())
		gone(ctx, erasing)

		Expect(ofTenant("scimusers", keeping)).To(HaveLen(2))
		Expect(ofTenant("scimgroups", keeping)).To(HaveLen(1))
		Expect(claims(keeping)).To(HaveLen(others))
		keeping.get(users).isList(2)
	})

	It("leaves users inactive with deletionPolicy Deactivate", func(ctx SpecContext) {
		kubectl("delete", "scimtenant", "-n", namespace, "freezing", "--timeout=120s")
		gone(ctx, freezing)
		for _, id := range frozen {
			want{"spec/active": false, "spec/userName": Not(BeEmpty()), "metadata/deletionTimestamp": nil}.in(freezing.user(id), "the user "+id)
		}
		want{"spec/memberCount": 2}.in(freezing.group(frozenGroup), "the group")
	})
})
