package scimrolebinding_test

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

// planted is a RoleBinding that looks like one of a ScimRoleBinding, to a Role without rules, which anybody may bind.
func (p place) planted(ctx SpecContext, name, of string, subjects []rbacv1.Subject) *rbacv1.RoleBinding {
	GinkgoHelper()
	err := env.Client.Create(ctx, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "without-rules"}})
	Expect(client.IgnoreAlreadyExists(err)).To(Succeed())
	return &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: name, Labels: map[string]string{
			scimv1alpha1.LabelRoleBinding: of, "app.kubernetes.io/managed-by": "kubescim", "app.kubernetes.io/part-of": "kubescim",
			"app.kubernetes.io/component": "role-binding",
		}},
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "without-rules"}, Subjects: subjects,
	}
}

func isGone(ctx SpecContext, object client.Object) func() bool {
	return func() bool {
		return apierrors.IsNotFound(env.Client.Get(ctx, client.ObjectKeyFromObject(object), object))
	}
}

var _ = Describe("Who may make RoleBindings, and give nobody the role", func() {
	write := rbacv1.PolicyRule{APIGroups: []string{rbacv1.GroupName}, Resources: []string{"rolebindings"}, Verbs: []string{"create", "patch", "get"}}

	It("keeps nobody from losing it", func(ctx SpecContext) {
		p := newPlace(ctx)
		a, b := p.user("a"), p.user("b")
		p.user("c")
		p.group("g", "a", "b", "c")
		binding := p.bind("admins", "g")
		Eventually(p.roleBinding("admins")).Should(haveSubjects("a", "b", "c"))
		mallory := as(ctx, p, "planter", write)
		deactivate := func(u *scimv1alpha1.ScimUser) { u.Spec.Active = ptr.To(false) }

		By("making others beside it, of numbers that are never used, and keeping them by finalizers")
		var all []*rbacv1.RoleBinding
		for _, number := range []string{"1", "16777216", "1152921504606846975"} {
			all = append(all, p.planted(ctx, "scim:admins:"+number, "admins", named("m")))
		}
		for i := range 45 {
			kept := p.planted(ctx, fmt.Sprintf("scim:admins:p%d", i), "admins", named("m"))
			kept.Finalizers = []string{"example.com/keep"}
			all = append(all, kept)
		}
		for _, planted := range all {
			Expect(mallory.Create(ctx, planted)).To(Succeed())
		}
		change(ctx, a, deactivate)
		Eventually(p.roleBinding("admins")).Should(haveSubjects("b", "c"))
		for _, planted := range all {
			Eventually(isGone(ctx, planted)).Should(BeTrue())
		}
		Eventually(current(ctx, binding)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))

		By("having it controlled by something else, and keeping it by a finalizer")
		other := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: "other"}}
		Expect(env.Client.Create(ctx, other)).To(Succeed())
		kept, err := p.roleBinding("admins")()
		Expect(err).NotTo(HaveOccurred())
		seized := kept.DeepCopy()
		seized.Finalizers = []string{"example.com/keep"}
		seized.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: other.Name, UID: other.UID, Controller: ptr.To(true)}}
		Expect(mallory.Patch(ctx, seized, client.MergeFrom(kept))).To(Succeed())
		change(ctx, b, deactivate)
		Eventually(p.roleBinding("admins")).Should(haveSubjects("c"))
		Eventually(current(ctx, binding)).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))

		By("keeping one of another role when all are to go")
		kept = p.planted(ctx, "scim:admins:kept", "admins", named("m"))
		kept.Finalizers = []string{"example.com/keep"}
		Expect(stopManager()).To(Succeed())
		Expect(mallory.Create(ctx, kept)).To(Succeed())
		Expect(env.Client.Delete(ctx, binding)).To(Succeed())
		startManager()
		Eventually(isGone(ctx, binding)).Should(BeTrue())
		Expect(isGone(ctx, kept)()).To(BeTrue())
	})
})
