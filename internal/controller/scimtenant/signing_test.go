package scimtenant_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/signingkey"
)

// signingSecret returns a function that reads the Secret with the signing keys of a tenant.
func signingSecret(ctx context.Context, tenant *scimv1alpha1.ScimTenant) func() (*corev1.Secret, error) {
	return func() (*corev1.Secret, error) {
		secret := &corev1.Secret{}
		return secret, env.Client.Get(ctx, client.ObjectKey{Namespace: tenant.Namespace, Name: tenant.Name + "-scim-signing"}, secret)
	}
}

func inNamespace(namespace string) func(*scimv1alpha1.ScimTenant) {
	return func(t *scimv1alpha1.ScimTenant) { t.Namespace = namespace }
}

var _ = Describe("The keys that access tokens are signed with", func() {
	signs := HaveField("Data", WithTransform(func(data map[string][]byte) (bool, error) {
		keys, err := signingkey.Parse(data["keys.json"])
		_, signs := keys.Signer(time.Now())
		return signs, err
	}, BeTrue()))

	It("are there before the server is, sign at once, and go with the tenant", func(ctx context.Context) {
		tenant := newTenant(ctx)
		Eventually(func() error { return env.RollOut(ctx, tenant.Namespace, tenant.Name) }).Should(Succeed())
		secret, err := signingSecret(ctx, tenant)()
		Expect(err).NotTo(HaveOccurred())
		Expect(secret).To(signs)
		Expect(metav1.IsControlledBy(secret, tenant)).To(BeTrue())
		Expect(secret.Labels).To(Equal(operand.Labels(tenant.Name)))
	})

	It("take the place of such as nobody can read, and of another tenant's of the name", func(ctx context.Context) {
		namespace, err := env.NewNamespace(ctx)
		Expect(err).NotTo(HaveOccurred())
		earlier := &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme", UID: "earlier"}}
		restored := operand.SigningSecret(operand.DedicatedServer(earlier), []byte("keys"))
		Expect(env.Client.Create(ctx, restored)).To(Succeed())
		tenant := newTenant(ctx, inNamespace(namespace))
		Eventually(signingSecret(ctx, tenant)).Should(And(signs,
			WithTransform(func(s *corev1.Secret) bool { return metav1.IsControlledBy(s, tenant) }, BeTrue())))
	})

	It("leave alone a Secret of somebody else: the tenant says what to do, and the server runs", func(ctx context.Context) {
		namespace, err := env.NewNamespace(ctx)
		Expect(err).NotTo(HaveOccurred())
		theirs := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme-scim-signing"}, Data: map[string][]byte{"password": []byte("theirs")},
		}
		Expect(env.Client.Create(ctx, theirs)).To(Succeed())
		tenant := newTenant(ctx, inNamespace(namespace))
		Eventually(func() error { return env.RollOut(ctx, tenant.Namespace, tenant.Name) }).Should(Succeed())
		Eventually(current(ctx, tenant)).Should(controllertest.BeStalled(scimv1alpha1.ReasonObjectConflict))
		Expect(signingSecret(ctx, tenant)()).To(HaveField("Data", Equal(theirs.Data)))
	})
})
