package scimrolebinding_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller"
)

// as returns a client of somebody with these rights in a namespace, and what makes any of the kinds of Kubescim there.
func as(ctx SpecContext, p place, name string, more ...rbacv1.PolicyRule) client.Client {
	GinkgoHelper()
	name += "-of-" + p.namespace
	more = append(more, rbacv1.PolicyRule{APIGroups: []string{scimv1alpha1.GroupVersion.Group}, Resources: []string{"*"}, Verbs: []string{"*"}})
	Expect(env.Client.Create(ctx, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: name}, Rules: more})).To(Succeed())
	Expect(env.Client.Create(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}},
	})).To(Succeed())
	config := rest.CopyConfig(env.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: name, Groups: []string{"system:authenticated"}}
	found, err := client.New(config, client.Options{Scheme: controller.NewScheme()})
	Expect(err).NotTo(HaveOccurred())
	return found
}

// waitUntilDenied waits until the API server goes by a policy that denies, which takes it a moment.
func waitUntilDenied(ctx SpecContext, p place) {
	GinkgoHelper()
	nobody := as(ctx, p, "nobody")
	Eventually(func() error { return nobody.Create(ctx, p.binding("never", "g"), client.DryRunAll) }).Should(MatchError(ContainSubstring("may not give others")))
}

var _ = Describe("Who writes a ScimRoleBinding", func() {
	bind := rbacv1.PolicyRule{APIGroups: []string{rbacv1.GroupName}, Resources: []string{"clusterroles"}, ResourceNames: []string{"view"}, Verbs: []string{"bind"}}
	create := rbacv1.PolicyRule{APIGroups: []string{rbacv1.GroupName}, Resources: []string{"rolebindings"}, Verbs: []string{"create"}}

	It("must be allowed to do by hand what it does", func(ctx SpecContext) {
		p := newPlace(ctx)
		waitUntilDenied(ctx, p)
		author := as(ctx, p, "author", bind, create)
		for name, tc := range map[string]struct {
			who    client.Client
			change func(*scimv1alpha1.ScimRoleBindingSpec)
			says   string
		}{
			"neither":               {as(ctx, p, "neither"), nil, "may not give others ClusterRole view in namespace " + p.namespace},
			"no bind":               {as(ctx, p, "no-bind", create), nil, "the verb bind on clusterroles"},
			"no create":             {as(ctx, p, "no-create", bind), nil, "may not create rolebindings"},
			"another role":          {author, func(s *scimv1alpha1.ScimRoleBindingSpec) { s.RoleRef.Name = "cluster-admin" }, "may not give others ClusterRole cluster-admin"},
			"a role of that name":   {author, func(s *scimv1alpha1.ScimRoleBindingSpec) { s.RoleRef.Kind = scimv1alpha1.BoundRole }, "may not give others Role view"},
			"the whole cluster":     {author, func(s *scimv1alpha1.ScimRoleBindingSpec) { s.Scope = scimv1alpha1.ScopeCluster }, "in the whole cluster"},
			"what would come later": {as(ctx, p, "trial"), func(s *scimv1alpha1.ScimRoleBindingSpec) { s.Mode = scimv1alpha1.ModeDryRun }, "may not give others"},
		} {
			binding := p.binding("admins", "g")
			if tc.change != nil {
				tc.change(&binding.Spec)
			}
			Expect(tc.who.Create(ctx, binding)).To(MatchError(ContainSubstring(tc.says)), name)
		}
		Expect(author.Create(ctx, p.binding("admins", "g"))).To(Succeed())
	})

	// mallory may write all that is Kubescim's, and may bind no role.
	It("gains no role without the right to bind it", func(ctx SpecContext) {
		p := newPlace(ctx)
		p.user("a")
		victim := p.group("g", "a")
		p.bind("admins", "g")
		Eventually(p.roleBinding("admins")).Should(haveSubjects("a"))
		mallory := as(ctx, p, "mallory")
		me := p.user("m")

		now, err := current(ctx, p.binding("admins", "g"))()
		Expect(err).NotTo(HaveOccurred())
		other := now.DeepCopy()
		other.Spec.Group = scimv1alpha1.GroupSelector{DisplayName: "Team of mallory"}
		restored := now.DeepCopy()
		restored.ObjectMeta = metav1.ObjectMeta{Namespace: p.namespace, Name: "restored", Annotations: map[string]string{"velero.io/backup": "b"}}
		joined := victim.DeepCopy()
		Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(victim), joined)).To(Succeed())
		joined.Spec.Members = append(joined.Spec.Members, "m")
		mine := &scimv1alpha1.ScimGroup{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "mine"}, Spec: joined.Spec}
		mine.Spec.DisplayName = "Team of mallory"
		renamed := me.DeepCopy()
		renamed.Spec.UserName = "a@example.com"
		members := &scimv1alpha1.ScimGroupMembers{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "g-mine"}, Spec: scimv1alpha1.ScimGroupMembersSpec{
			TenantRef: victim.Spec.TenantRef, GroupRef: scimv1alpha1.GroupReference{Name: "g"}, Members: []scimv1alpha1.MemberID{"m"}, MemberCount: victim.Spec.MemberCount,
			Meta: victim.Spec.Meta,
		}}
		made := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "scim:admins:1", Labels: map[string]string{
				scimv1alpha1.LabelRoleBinding: "admins", "app.kubernetes.io/managed-by": "kubescim",
			}},
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"}, Subjects: named("m"),
		}
		for name, attempt := range map[string]func() error{
			"a binding of their own":        func() error { return mallory.Create(ctx, p.binding("mine", "g")) },
			"another group in a binding":    func() error { return mallory.Update(ctx, other) },
			"a binding from a backup":       func() error { return mallory.Create(ctx, restored) },
			"joining the group":             func() error { return mallory.Update(ctx, joined) },
			"a group of their own":          func() error { return mallory.Create(ctx, mine) },
			"more members of the group":     func() error { return mallory.Create(ctx, members) },
			"another's name":                func() error { return mallory.Update(ctx, renamed) },
			"what the operator makes of it": func() error { return mallory.Create(ctx, made) },
			"removing the group":            func() error { return mallory.Delete(ctx, victim) },
		} {
			Expect(attempt()).To(MatchError(ContainSubstring("forbidden")), name)
		}
		By("making the tenant anew, which leads nowhere without a credential")
		Expect(mallory.Delete(ctx, p.tenant)).To(Succeed())
		Eventually(p.roleBinding("admins")).Should(haveSubjects())
		Eventually(func() error {
			return mallory.Create(ctx, &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "acme"}, Spec: p.tenant.Spec})
		}).Should(Succeed())
		Eventually(p.roleBinding("admins")).Should(haveSubjects("a"))

		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: p.namespace, Verb: "get", Resource: "pods"},
		}}
		Expect(mallory.Create(ctx, review)).To(Succeed())
		Expect(review.Status.Allowed).To(BeFalse())
	})
})
