package scimapikey_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

var _ = Describe("While pods of the release before live", func() {
	It("a new token and its revocation are written for them too, and wait for them", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		old, oldToken := oldKey(ctx, tenant, "old")
		acceptAsBefore(ctx, tenant)
		settle(ctx, o, tenant, old)
		Expect(current(ctx, old)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		Expect(accepts(ctx, tenant, oldToken)).To(BeTrue())
		Expect(acceptsAsBefore(ctx, tenant, oldToken)).To(BeTrue())

		By("making a key, which an old and a new pod have to accept")
		key := newKey(ctx, tenant, "okta")
		settle(ctx, o, tenant, key)
		Expect(secret(ctx, tenant.Namespace, "okta")).To(BeNil())
		acceptAsBefore(ctx, tenant)
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		token := tokenOf(ctx, key)
		Expect(accepts(ctx, tenant, token)).To(BeTrue())
		Expect(acceptsAsBefore(ctx, tenant, token)).To(BeTrue())
		Expect(acceptsAsBefore(ctx, tenant, oldToken)).To(BeTrue())
		Expect(verifiersOf(ctx, tenant).OwnerReferences).To(ConsistOf(HaveField("UID", old.UID), HaveField("UID", key.UID)))

		By("deleting it")
		Expect(env.Client.Delete(ctx, key)).To(Succeed())
		settle(ctx, o, tenant, key)
		Expect(acceptsAsBefore(ctx, tenant, token)).To(BeFalse())
		Expect(gone(ctx, key)).To(BeFalse())
		acceptAsBefore(ctx, tenant)
		settle(ctx, o, tenant, key)
		Expect(gone(ctx, key)).To(BeTrue())
		Expect(acceptsAsBefore(ctx, tenant, oldToken)).To(BeTrue())
	})

	It("a key expires for them too", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, token := oldKey(ctx, tenant, "old", expiringAt(time.Now().Add(time.Hour)))
		settle(ctx, o, tenant, key)
		Expect(acceptsAsBefore(ctx, tenant, token)).To(BeTrue())
		o.now = time.Now().Add(2 * time.Hour)
		settle(ctx, o, tenant, key)
		Expect(acceptsAsBefore(ctx, tenant, token)).To(BeFalse())
		Expect(credentialsOf(ctx, key)).To(BeEmpty())
	})

	It("a token goes on working whose key gets another one before it is brought over", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, token := oldKey(ctx, tenant, "old")
		_, another := provide(ctx, key)
		settle(ctx, o, tenant, key)
		for _, good := range []string{token, another} {
			Expect(accepts(ctx, tenant, good)).To(BeTrue())
			Expect(acceptsAsBefore(ctx, tenant, good)).To(BeTrue())
		}
	})

	It("a ScimCredential that somebody deletes is gone for them too, and stays so", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, token := oldKey(ctx, tenant, "old")
		settle(ctx, o, tenant, key)
		credential, another := provide(ctx, key, func(c *scimv1alpha1.ScimCredential) {
			c.Spec.IssueTime = metav1.NewTime(time.Now().Add(time.Hour).Truncate(time.Second))
		})
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key).Status.KeyID).To(Equal(credential.Name))
		Expect(acceptsAsBefore(ctx, tenant, another)).To(BeTrue())

		Expect(env.Client.Delete(ctx, credential)).To(Succeed())
		_, err := o.reconcile(ctx, key)
		Expect(err).NotTo(HaveOccurred())
		Expect(acceptsAsBefore(ctx, tenant, another)).To(BeFalse())
		Expect(acceptsAsBefore(ctx, tenant, token)).To(BeTrue())

		for _, last := range credentialsOf(ctx, key) {
			Expect(env.Client.Delete(ctx, &last)).To(Succeed())
		}
		settle(ctx, startOperator(nil), tenant, key)
		Expect(credentialsOf(ctx, key)).To(BeEmpty())
		Expect(acceptsAsBefore(ctx, tenant, token)).To(BeFalse())
		Expect(current(ctx, key)).To(controllertest.BeStalled(scimv1alpha1.ReasonCredentialLost))
	})

	It("a token that was on its way is issued anew", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, token := oldKey(ctx, tenant, "old")
		key = current(ctx, key)
		key.Status.DeliveredTime = metav1.Time{}
		Expect(env.Client.Status().Update(ctx, key)).To(Succeed())
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		Expect(accepts(ctx, tenant, token)).To(BeFalse())
		Expect(acceptsAsBefore(ctx, tenant, token)).To(BeFalse())
		Expect(acceptsAsBefore(ctx, tenant, tokenOf(ctx, key))).To(BeTrue())
	})

	It("a key waits for those that know of no token, and no Secret is made for them", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key := newKey(ctx, tenant, "okta")
		acceptAsBefore(ctx, tenant)
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeReconciling(scimv1alpha1.ReasonWaitingForServer))
		Expect(verifiersOf(ctx, tenant)).To(BeNil())
		Expect(env.StopPod(ctx, tenant.Namespace, oldPod)).To(Succeed())
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})

	It("a key is neither made nor revoked while somebody has made the verifiers immutable, and says so", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		first, _ := oldKey(ctx, tenant, "first")
		settle(ctx, o, tenant, first)
		verifiers := verifiersOf(ctx, tenant)
		verifiers.Immutable = ptr.To(true)
		Expect(env.Client.Update(ctx, verifiers)).To(Succeed())
		second := newKey(ctx, tenant, "second")
		o.reconcileUntilStable(ctx, second)
		Expect(current(ctx, second)).To(And(controllertest.BeStalled(scimv1alpha1.ReasonObjectInvalid),
			HaveField("Status.Conditions", ContainElement(HaveField("Message", ContainSubstring("kubectl replace --force"))))))
		Expect(env.Client.Delete(ctx, first)).To(Succeed())
		o.reconcileUntilStable(ctx, first)
		Expect(current(ctx, first)).To(controllertest.Have(scimv1alpha1.ConditionStalled, metav1.ConditionTrue, scimv1alpha1.ReasonObjectInvalid))

		By("replacing the Secret")
		anew := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
			Namespace: verifiers.Namespace, Name: verifiers.Name, Labels: verifiers.Labels, OwnerReferences: verifiers.OwnerReferences,
		}, Data: verifiers.Data}
		Expect(env.Client.Delete(ctx, verifiers)).To(Succeed())
		Expect(env.Client.Create(ctx, anew)).To(Succeed())
		settle(ctx, o, tenant, first)
		Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(first), first)).To(Satisfy(apierrors.IsNotFound))
		settle(ctx, o, tenant, second)
		Expect(current(ctx, second)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})

	It("a Secret of somebody else that has the name of the verifiers is left alone", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: contract.VerifiersName(tenant.Name)}}
		Expect(env.Client.Create(ctx, foreign)).To(Succeed())
		deliver(ctx, o, tenant, "okta")
		Expect(verifiersOf(ctx, tenant).ResourceVersion).To(Equal(foreign.ResourceVersion))
	})
})

// oldPod is a pod of the release before.
const oldPod = "acme-scim-old"

func acceptAsBefore(ctx context.Context, tenant *scimv1alpha1.ScimTenant) {
	GinkgoHelper()
	Expect(env.AcceptAsBefore(ctx, tenant.Namespace, tenant.Name, oldPod)).To(Succeed())
}

// acceptsAsBefore reports whether a pod of the release before accepts a token.
func acceptsAsBefore(ctx context.Context, tenant *scimv1alpha1.ScimTenant, token string) bool {
	GinkgoHelper()
	id, _ := apikey.KeyID(token)
	verifier, ok := operand.VerifierIn(verifiersOf(ctx, tenant).Data, id)
	return ok && verifier.Matches(token)
}

// oldKey creates a key that the release before has delivered some time ago, whose hand-over
// Secret has been deleted.
func oldKey(ctx context.Context, tenant *scimv1alpha1.ScimTenant, name string, change ...func(*scimv1alpha1.ScimApiKey)) (key *scimv1alpha1.ScimApiKey, token string) {
	GinkgoHelper()
	token, verifier, err := apikey.Mint()
	Expect(err).NotTo(HaveOccurred())
	key = newKey(ctx, tenant, name, change...)
	key.Status.KeyID, key.Status.SecretName, key.Status.DeliveredTime = verifier.KeyID, name, metav1.NewTime(time.Now().Add(-time.Minute))
	Expect(env.Client.Status().Update(ctx, key)).To(Succeed())
	text, err := verifier.MarshalText()
	Expect(err).NotTo(HaveOccurred())
	Expect(env.Client.Create(ctx, operand.VerifiersSecret(key.Namespace, tenant.Name,
		[]scimv1alpha1.ScimApiKey{*key}, map[string][]byte{verifier.KeyID: text}))).To(Succeed())
	return key, token
}
