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

var _ = Describe("A key that was handed over", func() {
	It("goes on without its hand-over Secret, and is not made again", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, _ := deliver(ctx, o, tenant, "okta")
		Expect(env.Client.Delete(ctx, secret(ctx, tenant.Namespace, "okta"))).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		startOperator(nil).reconcileUntilStable(ctx, key)
		Expect(secret(ctx, tenant.Namespace, "okta")).To(BeNil())
		Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})

	It("has the URL in its Secret follow the tenant, and what users add left alone", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, token := deliver(ctx, o, tenant, "okta")
		handover := secret(ctx, tenant.Namespace, "okta")
		handover.Data["note"] = []byte("copied to Okta")
		Expect(env.Client.Update(ctx, handover)).To(Succeed())
		setURL(ctx, tenant, "https://new.example.com/scim/v2")
		o.reconcileUntilStable(ctx, key)
		Expect(secret(ctx, tenant.Namespace, "okta").Data).To(Equal(map[string][]byte{
			operand.HandoverToken: []byte(token),
			operand.HandoverURL:   []byte("https://new.example.com/scim/v2"),
			"note":                []byte("copied to Okta"),
		}))

		By("losing its host to another tenant")
		setURL(ctx, tenant, "")
		o.reconcileUntilStable(ctx, key)
		Expect(secret(ctx, tenant.Namespace, "okta").Data).To(HaveKeyWithValue(operand.HandoverURL, BeEmpty()))

		By("having it back")
		setURL(ctx, tenant, "https://new.example.com/scim/v2")
		o.reconcileUntilStable(ctx, key)
		Expect(secret(ctx, tenant.Namespace, "okta").Data).To(HaveKeyWithValue(operand.HandoverURL, []byte("https://new.example.com/scim/v2")))

		By("being edited: what the status says is not about that yet")
		tenant.Spec.DisplayName = "Acme"
		Expect(env.Client.Update(ctx, tenant)).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		Expect(secret(ctx, tenant.Namespace, "okta").Data).To(HaveKeyWithValue(operand.HandoverURL, []byte("https://new.example.com/scim/v2")))

		By("being deleted, after which the host may become somebody else's")
		Expect(env.Client.Delete(ctx, tenant)).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		Expect(secret(ctx, tenant.Namespace, "okta").Data).To(HaveKeyWithValue(operand.HandoverURL, BeEmpty()))
	})

	It("is neither made nor revoked while somebody has made the verifiers immutable, and says so", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		first, _ := deliver(ctx, o, tenant, "first")
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
		o.reconcileUntilStable(ctx, first)
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, first)
		Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(first), first)).To(Satisfy(apierrors.IsNotFound))
		o.reconcileUntilStable(ctx, second)
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, second)
		Expect(current(ctx, second)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})

	It("is restored from its hand-over Secret when the verifiers are deleted", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, token := deliver(ctx, o, tenant, "okta", expiringAt(time.Now().Add(time.Hour)))
		Expect(env.Client.Delete(ctx, verifiersOf(ctx, tenant))).To(Succeed())
		startOperator(nil).reconcileUntilStable(ctx, key)
		v, ok := operand.VerifierIn(verifiersOf(ctx, tenant).Data, current(ctx, key).Status.KeyID)
		Expect(ok).To(BeTrue())
		Expect(v.Matches(token)).To(BeTrue())
		Expect(v.ExpirationTime).To(BeTemporally("==", key.Spec.ExpirationTime.Time))
		Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})

	It("is given up when both are deleted", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, _ := deliver(ctx, o, tenant, "okta")
		Expect(env.Client.Delete(ctx, verifiersOf(ctx, tenant))).To(Succeed())
		Expect(env.Client.Delete(ctx, secret(ctx, tenant.Namespace, "okta"))).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(And(
			controllertest.BeStalled(scimv1alpha1.ReasonVerifierLost),
			HaveField("Status.Conditions", ContainElement(HaveField("Message", ContainSubstring("create another ScimApiKey"))))))
		Expect(verifiersOf(ctx, tenant)).To(BeNil())
	})

	It("expires", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		expiration := time.Now().Add(time.Hour)
		other, _ := deliver(ctx, o, tenant, "forever")
		key, _ := deliver(ctx, o, tenant, "okta", expiringAt(expiration))
		result, err := o.reconcile(ctx, key)
		Expect(err).NotTo(HaveOccurred())
		Expect(result.RequeueAfter).To(BeNumerically("~", time.Hour, time.Minute))

		o.now = expiration.Add(time.Second)
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(controllertest.BeStalled(scimv1alpha1.ReasonExpired))
		Expect(verifiersOf(ctx, tenant).Data).To(And(HaveLen(1), HaveKey(current(ctx, other).Status.KeyID)))
		Expect(o.recorded()).To(ContainElement(HavePrefix("Warning Expired ")))
	})

	It("may be given more time", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, token := deliver(ctx, o, tenant, "okta", expiringAt(time.Now().Add(time.Hour)))
		o.now = time.Now().Add(2 * time.Hour)
		o.reconcileUntilStable(ctx, key)
		later := current(ctx, key)
		later.Spec.ExpirationTime = metav1.NewTime(o.now.Add(time.Hour))
		Expect(env.Client.Update(ctx, later)).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		v, _ := operand.VerifierIn(verifiersOf(ctx, tenant).Data, later.Status.KeyID)
		Expect(v.Matches(token)).To(BeTrue())
	})

	It("is never made when it has expired already", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key := newKey(ctx, tenant, "okta", expiringAt(time.Now().Add(-time.Hour)))
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(controllertest.BeStalled(scimv1alpha1.ReasonExpired))
		Expect(verifiersOf(ctx, tenant)).To(BeNil())
	})
})

var _ = Describe("The deletion of a key", func() {
	It("ends when no replica that is alive accepts the token any more", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		other, _ := deliver(ctx, o, tenant, "other")
		key, token := deliver(ctx, o, tenant, "okta")
		id, _ := apikey.KeyID(token)
		accept(ctx, tenant, "acme-scim-1")
		o.recorded()

		Expect(env.Client.Delete(ctx, key)).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		Expect(verifiersOf(ctx, tenant).Data).NotTo(HaveKey(id))
		Expect(verifiersOf(ctx, tenant).OwnerReferences).To(ConsistOf(HaveField("UID", other.UID)))
		Expect(current(ctx, key)).To(And(
			controllertest.Have(scimv1alpha1.ConditionReconciling, metav1.ConditionTrue, scimv1alpha1.ReasonDeleting),
			controllertest.BeWellFormed()))

		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, key)
		Expect(gone(ctx, key)).To(BeFalse())

		accept(ctx, tenant, "acme-scim-1")
		o.reconcileUntilStable(ctx, key)
		Expect(gone(ctx, key)).To(BeTrue())
		Expect(o.recorded()).To(ContainElement(HavePrefix("Normal Revoked ")))
		Expect(current(ctx, other)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})

	It("does not wait for a replica whose Lease has run out", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, _ := deliver(ctx, o, tenant, "okta")
		Expect(env.Client.Delete(ctx, key)).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		Expect(gone(ctx, key)).To(BeFalse())
		o.now = time.Now().Add(contract.ReplicaLeaseDuration)
		o.reconcileUntilStable(ctx, key)
		Expect(gone(ctx, key)).To(BeTrue())
	})

	It("is immediate when nothing was ever handed out", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key := newKey(ctx, &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "none"}}, "okta")
		o.reconcileUntilStable(ctx, key)
		Expect(env.Client.Delete(ctx, key)).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		Expect(gone(ctx, key)).To(BeTrue())
	})

	It("lets the verifiers go with the last key", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, _ := deliver(ctx, o, tenant, "okta")
		Expect(env.StopPod(ctx, tenant.Namespace, "acme-scim-0")).To(Succeed())
		Expect(env.Client.Delete(ctx, key)).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		Expect(gone(ctx, key)).To(BeTrue())
		verifiers := verifiersOf(ctx, tenant)
		Expect(verifiers.Data).To(BeEmpty())
		Expect(verifiers.OwnerReferences).To(ConsistOf(HaveField("UID", key.UID)))
	})
})

func expiringAt(t time.Time) func(*scimv1alpha1.ScimApiKey) {
	return func(k *scimv1alpha1.ScimApiKey) { k.Spec.ExpirationTime = metav1.NewTime(t) }
}

func gone(ctx context.Context, key *scimv1alpha1.ScimApiKey) bool {
	GinkgoHelper()
	err := env.Client.Get(ctx, client.ObjectKeyFromObject(key), &scimv1alpha1.ScimApiKey{})
	Expect(client.IgnoreNotFound(err)).NotTo(HaveOccurred())
	return err != nil
}
