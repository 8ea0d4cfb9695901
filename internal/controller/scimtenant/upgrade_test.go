package scimtenant_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

const (
	oldPod = "acme-scim-old-0"
	newPod = "acme-scim-new-0"
)

// earlier is a tenant as the release before has left it.
type earlier struct {
	tenant      *scimv1alpha1.ScimTenant
	key         *scimv1alpha1.ScimApiKey
	verifier    apikey.Verifier
	secret      *corev1.Secret
	role        *rbacv1.Role
	roleBinding *rbacv1.RoleBinding
}

// leaveBehind does as if the release before had run a tenant, and ended. The operator must
// not run meanwhile.
func leaveBehind(ctx context.Context) *earlier {
	GinkgoHelper()
	e := &earlier{tenant: newTenant(ctx)}
	namespace := e.tenant.Namespace
	ours := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: operand.Labels("acme"), OwnerReferences: []metav1.OwnerReference{
			*metav1.NewControllerRef(e.tenant, scimv1alpha1.GroupVersion.WithKind("ScimTenant")),
		}}
	}
	_, e.verifier, _ = apikey.Mint()
	e.key = &scimv1alpha1.ScimApiKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "okta", Finalizers: []string{scimv1alpha1.Finalizer}},
		Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: "acme"}},
	}
	Expect(env.Client.Create(ctx, e.key)).To(Succeed())
	e.key.Status.KeyID, e.key.Status.DeliveredTime, e.key.Status.SecretName = e.verifier.KeyID, metav1.NewTime(time.Now().Add(-time.Hour).Truncate(time.Second)), "okta"
	Expect(env.Client.Status().Update(ctx, e.key)).To(Succeed())
	text, err := e.verifier.MarshalText()
	Expect(err).NotTo(HaveOccurred())
	e.secret = operand.VerifiersSecret(namespace, "acme", []scimv1alpha1.ScimApiKey{*e.key}, map[string][]byte{e.verifier.KeyID: text})
	e.role = &rbacv1.Role{ObjectMeta: ours("acme-scim"), Rules: []rbacv1.PolicyRule{{
		APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{e.secret.Name}, Verbs: []string{"get", "watch"},
	}}}
	account := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Name: "acme-scim", Namespace: namespace}
	e.roleBinding = &rbacv1.RoleBinding{
		ObjectMeta: ours("acme-scim"), Subjects: []rbacv1.Subject{account},
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "acme-scim"},
	}
	deployment := &appsv1.Deployment{ObjectMeta: ours("acme-scim"), Spec: appsv1.DeploymentSpec{
		Replicas: ptr.To[int32](2), Selector: &metav1.LabelSelector{MatchLabels: operand.SelectorLabels("acme")},
		Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: operand.Labels("acme")},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "scim-server", Image: "registry.example.com/kubescim:before"}}},
		},
	}}
	for _, obj := range []client.Object{e.secret, e.role, e.roleBinding, deployment} {
		Expect(env.Client.Create(ctx, obj)).To(Succeed())
	}
	Expect(env.RollOut(ctx, namespace, "acme")).To(Succeed())
	e.renew(ctx)
	return e
}

// renew does as if the old pod had renewed its Lease.
func (e *earlier) renew(ctx context.Context) {
	GinkgoHelper()
	Expect(env.AcceptAsBefore(ctx, e.tenant.Namespace, "acme", oldPod)).To(Succeed())
}

// begin does as if a pod of this release had begun.
func (e *earlier) begin(ctx context.Context) {
	GinkgoHelper()
	Expect(env.Accept(ctx, e.tenant.Namespace, "acme", newPod)).To(Succeed())
}

func (e *earlier) credential(ctx context.Context) func() (*scimv1alpha1.ScimCredential, error) {
	return func() (*scimv1alpha1.ScimCredential, error) {
		credential := &scimv1alpha1.ScimCredential{}
		return credential, env.Client.Get(ctx, client.ObjectKey{Namespace: e.tenant.Namespace, Name: e.verifier.KeyID}, credential)
	}
}

// deployment waits until the Deployment is that of this release.
func (e *earlier) deployment(ctx context.Context) *appsv1.Deployment {
	GinkgoHelper()
	d := &appsv1.Deployment{}
	Eventually(func() (string, error) {
		err := env.Client.Get(ctx, key(e.tenant), d)
		return d.Spec.Template.Spec.Containers[0].Image, err
	}).Should(Equal(controllertest.ServerImage))
	return d
}

// second reads the second Role and its RoleBinding.
func (e *earlier) second(ctx context.Context) (role *rbacv1.Role, binding *rbacv1.RoleBinding, errs []error) {
	name := client.ObjectKey{Namespace: e.tenant.Namespace, Name: "acme-scim-credentials"}
	role, binding = &rbacv1.Role{}, &rbacv1.RoleBinding{}
	return role, binding, []error{env.Client.Get(ctx, name, role), env.Client.Get(ctx, name, binding)}
}

// untouched succeeds while the old pods have what they need.
func (e *earlier) untouched(ctx context.Context) func() error {
	return func() error {
		for _, obj := range []client.Object{e.secret, e.role, e.roleBinding} {
			now, ok := obj.DeepCopyObject().(client.Object)
			Expect(ok).To(BeTrue())
			if err := env.Client.Get(ctx, client.ObjectKeyFromObject(obj), now); err != nil {
				return err
			}
			if obj != client.Object(e.secret) { // which the controller of the keys writes
				Expect(now.GetResourceVersion()).To(Equal(obj.GetResourceVersion()), "%T was written", obj)
			}
		}
		return nil
	}
}

func before(a, b client.Object) bool {
	order, err := resourceversion.CompareResourceVersion(a.GetResourceVersion(), b.GetResourceVersion())
	return err == nil && order < 0
}

var _ = Describe("A tenant of the release before", func() {
	It("is brought over to ScimCredentials step by step, each when the one before has taken effect", func(ctx context.Context) {
		Expect(stopManager()).To(Succeed())
		e := leaveBehind(ctx)
		var err error
		stopManager, err = env.StartManager(controllertest.Operator)
		Expect(err).NotTo(HaveOccurred())

		By("making credentials and rights before the Deployment")
		deployment := e.deployment(ctx)
		credential, err := e.credential(ctx)()
		Expect(err).NotTo(HaveOccurred())
		Expect(credential.Annotations).NotTo(HaveKey(scimv1alpha1.AnnotationUndelivered))
		Expect(credential.OwnerReferences).To(BeEmpty())
		Expect(credential.Spec.APIKeyRef.Name).To(Equal("okta"))
		Expect(credential.Spec.IssueTime.Time).To(BeTemporally("==", e.key.Status.DeliveredTime.Time))
		Expect(contract.VerifierOf(credential)).To(Equal(e.verifier))
		role, binding, errs := e.second(ctx)
		Expect(errs).To(HaveEach(Succeed()))
		Expect(binding.RoleRef.Name).To(Equal(role.Name))
		Expect(binding.Subjects).To(ConsistOf(And(HaveField("Kind", rbacv1.ServiceAccountKind), HaveField("Name", "acme-scim"))))
		for _, obj := range []client.Object{credential, role, binding} {
			Expect(before(obj, deployment)).To(BeTrue(), "%T comes after the Deployment", obj)
		}
		Expect(e.untouched(ctx)()).To(Succeed())

		By("waiting for the roll-out, although no old pod is alive")
		Expect(env.StopPod(ctx, e.tenant.Namespace, oldPod)).To(Succeed())
		e.begin(ctx)
		Consistently(e.untouched(ctx)).WithTimeout(3 * time.Second).Should(Succeed())

		By("waiting for an old pod, although the roll-out has ended")
		e.renew(ctx)
		Expect(env.RollOut(ctx, e.tenant.Namespace, "acme")).To(Succeed())
		Consistently(e.untouched(ctx)).WithTimeout(5 * time.Second).Should(Succeed())

		By("starting again, which writes nothing")
		Expect(stopManager()).To(Succeed())
		e.renew(ctx)
		stopManager, err = env.StartManager(controllertest.Operator)
		Expect(err).NotTo(HaveOccurred())
		Consistently(e.untouched(ctx)).WithTimeout(3 * time.Second).Should(Succeed())
		roleAgain, bindingAgain, errs := e.second(ctx)
		Expect(errs).To(HaveEach(Succeed()))
		Expect([]string{roleAgain.ResourceVersion, bindingAgain.ResourceVersion}).To(Equal([]string{role.ResourceVersion, binding.ResourceVersion}))
		Expect(e.credential(ctx)()).To(HaveField("ResourceVersion", credential.ResourceVersion))

		By("losing the last old pod")
		Expect(env.StopPod(ctx, e.tenant.Namespace, oldPod)).To(Succeed())
		Eventually(func() error { return env.Client.Get(ctx, client.ObjectKeyFromObject(e.secret), &corev1.Secret{}) }).Should(BeNotFound())
		Eventually(func() ([]rbacv1.PolicyRule, error) {
			now := &rbacv1.Role{}
			err := env.Client.Get(ctx, key(e.tenant), now)
			return now.Rules, err
		}).Should(And(
			ContainElement(HaveField("Resources", ContainElement("scimcredentials"))),
			Not(ContainElement(HaveField("Resources", ContainElement("secrets"))))))
		Expect(second(e.second(ctx))).To(HaveEach(Succeed()), "the second Role goes before the API servers know the first one")
		Eventually(func() []error { return second(e.second(ctx)) }).Should(HaveEach(BeNotFound()))
		Expect(e.credential(ctx)()).To(HaveField("ResourceVersion", credential.ResourceVersion))
	})

	It("does not wait for an old pod whose Lease has run out", func(ctx context.Context) {
		Expect(stopManager()).To(Succeed())
		e := leaveBehind(ctx)
		var err error
		stopManager, err = env.StartManager(controllertest.Operator)
		Expect(err).NotTo(HaveOccurred())
		e.deployment(ctx)
		e.begin(ctx)
		Expect(env.RollOut(ctx, e.tenant.Namespace, "acme")).To(Succeed())
		Eventually(func() error { return env.Client.Get(ctx, client.ObjectKeyFromObject(e.secret), &corev1.Secret{}) }).
			Should(BeNotFound())
	})
})

func second(_ *rbacv1.Role, _ *rbacv1.RoleBinding, errs []error) []error { return errs }
