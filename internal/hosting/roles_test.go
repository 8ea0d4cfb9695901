package hosting_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// roleOf is a ScimRole of a tenant.
func roleOf(namespace, tenant, value string) *scimv1alpha1.ScimRole {
	return &scimv1alpha1.ScimRole{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: tenant + "-"},
		Spec:       scimv1alpha1.ScimRoleSpec{TenantRef: scimv1alpha1.TenantReference{Name: tenant}, Value: value},
	}
}

var _ = Describe("The roles of tenants of one process", func() {
	// rolesOf are the ids of a tenant's roles.
	rolesOf := func(s *shared, tenant, token string) func() []string {
		return func() (ids []string) {
			found, _ := s.send(http.MethodGet, tenant, "/Roles", token, "").Doc["Resources"].([]any)
			for _, role := range found {
				ids = append(ids, role.(map[string]any)["id"].(string))
			}
			return ids
		}
	}

	It("are there from the first request on, follow what is applied, and are each tenant's own", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		acme := apply(ctx, namespace, "acme", func(t *scimv1alpha1.ScimTenant) { t.Spec.Users.UnknownRoles = scimv1alpha1.UnknownRolesReject })
		globex := apply(ctx, namespace, "globex", func(t *scimv1alpha1.ScimTenant) { t.Spec.IdentityProvider = scimv1alpha1.IdentityProviderOkta })
		admins := roleOf(namespace, "acme", "admin")
		Expect(admin.Create(ctx, admins)).To(Succeed())
		s := start(namespace, slog.New(slog.DiscardHandler))
		Eventually(s.Router().Ready).Should(BeTrue())
		Expect(rolesOf(s, "acme", acme)()).To(Equal([]string{"admin"}))
		Expect(s.send(http.MethodGet, "globex", "/Roles", globex, "").Status).To(Equal(http.StatusNotFound), "the other tenant has none")

		owner := roleOf(namespace, "globex", "owner")
		Expect(admin.Create(ctx, owner)).To(Succeed())
		Eventually(rolesOf(s, "globex", globex)).Should(Equal([]string{"owner"}))
		Expect(s.send(http.MethodGet, "globex", "/Roles/owner", globex, "").Doc).To(HaveKeyWithValue("schemas", ConsistOf("urn:okta:scim:schemas:core:1.0:Role")))
		Expect(rolesOf(s, "acme", acme)()).To(Equal([]string{"admin"}))
		Expect(s.send(http.MethodGet, "acme", "/Roles/owner", acme, "").Status).To(Equal(http.StatusNotFound))

		By("giving users roles of their own application, and of the other one")
		given := func(value string) string {
			return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"` + value + `@example.com","roles":[{"value":"` + value + `"}]}`
		}
		Expect(s.send(http.MethodPost, "acme", "/Users", acme, given("admin")).Status).To(Equal(http.StatusCreated))
		Expect(s.send(http.MethodPost, "acme", "/Users", acme, given("owner")).Status).To(Equal(http.StatusBadRequest))
		Expect(s.send(http.MethodPost, "globex", "/Users", globex, given("admin")).Status).To(Equal(http.StatusCreated), "it takes any")

		By("changing and deleting them")
		admins.Spec.Display = "Administrator"
		Expect(admin.Update(ctx, admins)).To(Succeed())
		Eventually(func() any { return s.send(http.MethodGet, "acme", "/Roles/admin", acme, "").Doc["display"] }).Should(Equal("Administrator"))
		Expect(admin.Delete(ctx, admins)).To(Succeed())
		Eventually(func() int { return s.send(http.MethodGet, "acme", "/Roles", acme, "").Status }).Should(Equal(http.StatusNotFound))
		Expect(rolesOf(s, "globex", globex)()).To(Equal([]string{"owner"}))
	})

	It("are missed by nobody while the cluster does not know the kind, and are there once it does", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		anything := apply(ctx, namespace, "anything")
		strict := apply(ctx, namespace, "strict", func(t *scimv1alpha1.ScimTenant) { t.Spec.Users.UnknownRoles = scimv1alpha1.UnknownRolesReject })
		Expect(admin.Create(ctx, roleOf(namespace, "strict", "admin"))).To(Succeed())
		var known atomic.Bool
		cluster := admin
		admin = interceptor.NewClient(cluster, interceptor.Funcs{
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				if list.GetObjectKind().GroupVersionKind().Kind == "ScimRoleList" && !known.Load() {
					return errors.New("no matches for kind ScimRole")
				}
				return c.List(ctx, list, opts...)
			},
		})
		DeferCleanup(func() { admin = cluster })
		s := start(namespace, slog.New(slog.DiscardHandler))
		Eventually(s.Router().Ready).Should(BeTrue())
		Expect(s.send(http.MethodPost, "anything", "/Users", anything, user("ada@example.com")).Status).To(Equal(http.StatusCreated))
		Expect(s.send(http.MethodGet, "anything", "/Roles", anything, "").Status).To(Equal(http.StatusNotFound))
		Expect(s.send(http.MethodPost, "strict", "/Users", strict, user("ada@example.com")).Status).To(Equal(http.StatusServiceUnavailable))
		known.Store(true)
		Eventually(rolesOf(s, "strict", strict)).Should(Equal([]string{"admin"}))
		Expect(s.send(http.MethodPost, "strict", "/Users", strict, user("ada@example.com")).Status).To(Equal(http.StatusCreated))
	})
})
