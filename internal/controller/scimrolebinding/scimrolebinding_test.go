package scimrolebinding_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

var _ = Describe("A ScimRoleBinding", func() {
	deactivate := func(u *scimv1alpha1.ScimUser) { u.Spec.Active = ptr.To(false) }

	It("gives the active members of a group the role, and takes it from who is none any more", func(ctx SpecContext) {
		p := newPlace(ctx)
		binding := p.bind("admins", "g")
		Eventually(current(ctx, binding)).Should(controllertest.BeReconciling(scimv1alpha1.ReasonGroupNotFound))

		a, b := p.user("a"), p.user("b")
		p.user("c")
		inner := p.group("h", "c")
		outer := p.group("g", "b", "a", "nobody")
		Eventually(p.roleBinding("admins")).Should(haveSubjects("a", "b"))
		change(ctx, outer, func(g *scimv1alpha1.ScimGroup) { g.Spec.MemberGroups = []scimv1alpha1.MemberID{"h"} })
		Eventually(p.roleBinding("admins")).Should(haveSubjects("a", "b", "c"))
		made, err := p.roleBinding("admins")()
		Expect(err).NotTo(HaveOccurred())
		Expect(made.RoleRef).To(Equal(rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"}))
		Eventually(current(ctx, binding)).Should(SatisfyAll(controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			HaveField("Status.Subjects", HaveValue(BeEquivalentTo(3))), HaveField("Status.GeneratedBindings", HaveValue(BeEquivalentTo(1))),
			HaveField("Status.Group", "g")))

		By("what somebody else makes of it is put right")
		change(ctx, made, func(r *rbacv1.RoleBinding) { r.Subjects = append(r.Subjects, named("mallory")...) })
		Eventually(p.roleBinding("admins")).Should(haveSubjects("a", "b", "c"))

		By("who is deactivated, deleted, removed, or in a group that goes, has the role no more")
		change(ctx, a, deactivate)
		Eventually(p.roleBinding("admins")).Should(haveSubjects("b", "c"))
		Expect(env.Client.Delete(ctx, b)).To(Succeed())
		Eventually(p.roleBinding("admins")).Should(haveSubjects("c"))
		change(ctx, inner, func(g *scimv1alpha1.ScimGroup) { g.Spec.Members = nil })
		Eventually(p.roleBinding("admins")).Should(haveSubjects())
		change(ctx, a, func(u *scimv1alpha1.ScimUser) { u.Spec.Active = ptr.To(true) })
		Eventually(p.roleBinding("admins")).Should(haveSubjects("a"))
		Expect(env.Client.Delete(ctx, outer)).To(Succeed())
		Eventually(p.roleBinding("admins")).Should(haveSubjects())
		Eventually(current(ctx, binding)).Should(controllertest.BeStalled(scimv1alpha1.ReasonGroupGone))

		By("of two such groups, it is none")
		p.group("i", "a")
		change(ctx, binding, func(b *scimv1alpha1.ScimRoleBinding) {
			b.Spec.Group = scimv1alpha1.GroupSelector{DisplayName: "TEAM I"}
		})
		Eventually(p.roleBinding("admins")).Should(haveSubjects("a"))
		second := p.group("j", "a")
		change(ctx, second, func(g *scimv1alpha1.ScimGroup) { g.Spec.DisplayName = "Team i" })
		Eventually(current(ctx, binding)).Should(controllertest.BeStalled(scimv1alpha1.ReasonGroupAmbiguous))
		Eventually(p.roleBinding("admins")).Should(haveSubjects())
	})

	It("changes nothing while the tenant is paused, nor when the operator starts, and revokes when the tenant goes", func(ctx SpecContext) {
		p := newPlace(ctx)
		a := p.user("a")
		p.user("b")
		p.group("g", "a", "b")
		binding := p.bind("admins", "g")
		Eventually(p.roleBinding("admins")).Should(haveSubjects("a", "b"))
		Eventually(current(ctx, binding)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		change(ctx, p.tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.State = scimv1alpha1.TenantStatePaused })
		Eventually(current(ctx, binding)).Should(controllertest.BeReady(scimv1alpha1.ReasonPaused))
		change(ctx, a, deactivate)
		Consistently(p.roleBinding("admins")).Should(haveSubjects("a", "b"))
		change(ctx, p.tenant, func(t *scimv1alpha1.ScimTenant) { t.Spec.State = scimv1alpha1.TenantStateActive })
		Eventually(p.roleBinding("admins")).Should(haveSubjects("b"))
		Eventually(current(ctx, binding)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))

		By("starting the operator again")
		before, err := p.roleBinding("admins")()
		Expect(err).NotTo(HaveOccurred())
		stated, err := current(ctx, binding)()
		Expect(err).NotTo(HaveOccurred())
		Expect(stopManager()).To(Succeed())
		startManager()
		Consistently(p.roleBinding("admins")).Should(HaveField("ResourceVersion", before.ResourceVersion))
		Expect(current(ctx, binding)()).To(HaveField("ResourceVersion", stated.ResourceVersion))
		change(ctx, a, func(u *scimv1alpha1.ScimUser) { u.Spec.Active = ptr.To(true) })
		Eventually(p.roleBinding("admins")).Should(haveSubjects("a", "b"))

		Expect(env.Client.Delete(ctx, p.tenant)).To(Succeed())
		Eventually(p.roleBinding("admins")).Should(haveSubjects())
		Eventually(current(ctx, binding)).Should(controllertest.BeStalled(scimv1alpha1.ReasonTenantNotFound))
	})

	It("gives the role in the whole cluster, and leaves nothing behind", func(ctx SpecContext) {
		p := newPlace(ctx)
		p.user("a")
		p.group("g", "a")
		wholeCluster := func(s *scimv1alpha1.ScimRoleBindingSpec) { s.Scope = scimv1alpha1.ScopeCluster }
		generated := func(name string) func() ([]rbacv1.ClusterRoleBinding, error) {
			return func() ([]rbacv1.ClusterRoleBinding, error) {
				all := &rbacv1.ClusterRoleBindingList{}
				err := env.Client.List(ctx, all, client.MatchingLabels{
					scimv1alpha1.LabelRoleBinding: name, scimv1alpha1.LabelRoleBindingNamespace: p.namespace,
				})
				return all.Items, err
			}
		}
		for _, name := range []string{"deleted", "forced", "narrowed"} {
			p.bind(name, "g", wholeCluster)
			Eventually(generated(name)).Should(ConsistOf(SatisfyAll(haveSubjects("a"), HaveField("Name", "scim:"+p.namespace+":"+name+":0"))))
		}
		Expect(env.Client.Delete(ctx, p.binding("deleted", "g"))).To(Succeed())
		Eventually(generated("deleted")).Should(BeEmpty())
		Eventually(isGone(ctx, p.binding("deleted", "g"))).Should(BeTrue())

		By("taking off the finalizer while the operator is away, and making one of the namespace instead of another")
		Expect(stopManager()).To(Succeed())
		for _, name := range []string{"forced", "narrowed"} {
			change(ctx, p.binding(name, "g"), func(b *scimv1alpha1.ScimRoleBinding) { b.Finalizers = nil })
			Expect(env.Client.Delete(ctx, p.binding(name, "g"))).To(Succeed())
		}
		Expect(env.Client.Create(ctx, p.binding("narrowed", "g"))).To(Succeed())
		startManager()
		Eventually(generated("forced")).Should(BeEmpty())
		Eventually(generated("narrowed")).Should(BeEmpty())
		Eventually(p.roleBinding("narrowed")).Should(haveSubjects("a"))
	})

	It("says what it would do, and what keeps it from doing anything", func(ctx SpecContext) {
		p := newPlace(ctx)
		p.user("a")
		p.group("g", "a")
		trial := p.bind("trial", "g", func(s *scimv1alpha1.ScimRoleBindingSpec) { s.Mode = scimv1alpha1.ModeDryRun })
		Eventually(current(ctx, trial)).Should(SatisfyAll(controllertest.BeReady(scimv1alpha1.ReasonDryRun),
			HaveField("Status.DryRun.Subjects", HaveExactElements("oidc:a@example.com")), HaveField("Status.Subjects", HaveValue(BeEquivalentTo(1))),
			HaveField("Status.GeneratedBindings", HaveValue(BeEquivalentTo(0)))))
		Expect(p.roleBinding("trial")()).To(haveSubjects())
		change(ctx, trial, func(b *scimv1alpha1.ScimRoleBinding) { b.Spec.Mode = scimv1alpha1.ModeApply })
		Eventually(p.roleBinding("trial")).Should(haveSubjects("a"))
		Eventually(current(ctx, trial)).Should(SatisfyAll(controllertest.BeReady(scimv1alpha1.ReasonSucceeded), HaveField("Status.DryRun", BeZero())))

		refused := p.bind("refused", "g", func(s *scimv1alpha1.ScimRoleBindingSpec) { s.RoleRef.Name = "edit" })
		Eventually(current(ctx, refused)).Should(SatisfyAll(controllertest.BeStalled(scimv1alpha1.ReasonNotAllowed),
			HaveField("Status.Conditions", ContainElement(HaveField("Message", ContainSubstring("config.allow.clusterRoles"))))))
		nameless := p.bind("nameless", "g", func(s *scimv1alpha1.ScimRoleBindingSpec) { s.Subject.Attribute = scimv1alpha1.SubjectExternalID })
		Eventually(current(ctx, nameless)).Should(SatisfyAll(controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			HaveField("Status.Subjects", HaveValue(BeEquivalentTo(0))), HaveField("Status.WithoutSubject", HaveValue(BeEquivalentTo(1)))))
	})

	It("gives nobody a role while nothing checks who writes it", func(ctx SpecContext) {
		p := newPlace(ctx)
		a := p.user("a")
		p.user("b")
		group := p.group("g", "a", "b")
		binding := p.bind("admins", "g")
		Eventually(p.roleBinding("admins")).Should(haveSubjects("a", "b"))

		bound := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "kubescim-role-bindings"}}
		act := func(ctx SpecContext, action admissionregistrationv1.ValidationAction) {
			change(ctx, bound, func(b *admissionregistrationv1.ValidatingAdmissionPolicyBinding) {
				b.Spec.ValidationActions = []admissionregistrationv1.ValidationAction{action}
			})
		}
		act(ctx, admissionregistrationv1.Warn)
		DeferCleanup(func(ctx SpecContext) {
			act(ctx, admissionregistrationv1.Deny)
			waitUntilDenied(ctx, p)
		})
		other, trial := p.binding("other", "g"), p.binding("trial", "g", func(s *scimv1alpha1.ScimRoleBindingSpec) { s.Mode = scimv1alpha1.ModeDryRun })
		for _, binding := range []*scimv1alpha1.ScimRoleBinding{other, trial} {
			Expect(env.Client.Create(ctx, binding)).To(Succeed())
			Eventually(current(ctx, binding)).Should(controllertest.BeStalled(scimv1alpha1.ReasonPolicyMissing))
		}
		planted := p.planted(ctx, "scim:other:1", "other", named("a", "b"))
		Expect(env.Client.Create(ctx, planted)).To(Succeed())
		Eventually(isGone(ctx, planted)).Should(BeTrue())
		Expect(p.roleBinding("other")()).To(haveSubjects())
		Expect(current(ctx, trial)()).To(HaveField("Status.DryRun.Subjects", BeEmpty()))
		p.user("c")
		change(ctx, group, func(g *scimv1alpha1.ScimGroup) { g.Spec.Members = []scimv1alpha1.MemberID{"a", "b", "c"} })
		Eventually(current(ctx, binding)).Should(controllertest.BeStalled(scimv1alpha1.ReasonPolicyMissing))
		change(ctx, a, deactivate)
		Eventually(p.roleBinding("admins")).Should(haveSubjects("b"))

		By("trusting no spec that could be written meanwhile")
		act(ctx, admissionregistrationv1.Deny)
		change(ctx, other, func(b *scimv1alpha1.ScimRoleBinding) { b.Annotations = map[string]string{"look": "again"} })
		Eventually(current(ctx, other)).Should(controllertest.BeStalled(scimv1alpha1.ReasonNotVouchedFor))
		Expect(p.roleBinding("other")()).To(haveSubjects())
		change(ctx, other, func(b *scimv1alpha1.ScimRoleBinding) { b.Spec.Group = scimv1alpha1.GroupSelector{ID: "g"} })
		Eventually(p.roleBinding("other")).Should(haveSubjects("b", "c"))
	})

	It("lets a namespace that is deleted go", func(ctx SpecContext) {
		p := newPlace(ctx)
		p.user("a")
		p.group("g", "a")
		binding := p.bind("admins", "g")
		Eventually(p.roleBinding("admins")).Should(haveSubjects("a"))
		Expect(env.Client.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: p.namespace}})).To(Succeed())
		Expect(env.Client.Delete(ctx, binding)).To(Succeed())
		Eventually(isGone(ctx, binding)).Should(BeTrue())
		// It goes with the namespace, and the operator may not have the right to delete it any more.
		Expect(p.roleBinding("admins")()).To(haveSubjects("a"))
	})
})
