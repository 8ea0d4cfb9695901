package scimapikey_test

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
)

var _ = Describe("A key that is restored from a backup", func() {
	It("has its token, without its status and without any Secret", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, token := deliver(ctx, o, tenant, "okta")
		credential := credentialsOf(ctx, key)[0]
		restored := newTenant(ctx)
		credential.ObjectMeta = metav1.ObjectMeta{Namespace: restored.Namespace, Name: credential.Name}
		Expect(env.Client.Create(ctx, &credential)).To(Succeed())
		again := newKey(ctx, restored, "okta")

		settle(ctx, startOperator(nil), restored, again)
		Expect(current(ctx, again)).To(And(
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			controllertest.Have(scimv1alpha1.ConditionDelivered, metav1.ConditionTrue, scimv1alpha1.ReasonProvided),
			HaveField("Status.KeyID", credential.Name), HaveField("Status.SecretName", BeEmpty())))
		Expect(credentialsOf(ctx, again)).To(ConsistOf(HaveField("Name", credential.Name)))
		Expect(secret(ctx, restored.Namespace, "okta")).To(BeNil())
		Expect(accepts(ctx, restored, token)).To(BeTrue())
	})

	It("gets another token for one that was on its way", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key := newKey(ctx, tenant, "okta")
		o.reconcileUntilStable(ctx, key)
		credential := credentialsOf(ctx, key)[0]
		restored := newTenant(ctx)
		credential.ObjectMeta = metav1.ObjectMeta{Namespace: restored.Namespace, Name: credential.Name, Annotations: credential.Annotations}
		Expect(env.Client.Create(ctx, &credential)).To(Succeed())
		again := newKey(ctx, restored, "okta")
		settle(ctx, startOperator(nil), restored, again)
		Expect(current(ctx, again)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		Expect(credentialsOf(ctx, again)).To(ConsistOf(HaveField("Name", Not(Equal(credential.Name)))))
	})
})

var _ = Describe("A key whose credential somebody has removed", func() {
	It("has it back, with its times, from its hand-over Secret, and is not Ready meanwhile", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, token := deliver(ctx, o, tenant, "okta")
		limited := credentialsOf(ctx, key)[0]
		limited.Spec.ExpirationTime = metav1.NewTime(time.Now().Add(time.Hour).Truncate(time.Second))
		Expect(env.Client.Update(ctx, &limited)).To(Succeed())
		settle(ctx, o, tenant, key)
		Expect(env.Client.Delete(ctx, &limited)).To(Succeed())

		_, err := startOperator(nil).reconcile(ctx, key)
		Expect(err).NotTo(HaveOccurred())
		Expect(current(ctx, key)).To(And(
			controllertest.BeReconciling(scimv1alpha1.ReasonWaitingForServer),
			controllertest.Have(scimv1alpha1.ConditionCredentialsAccepted, metav1.ConditionFalse, scimv1alpha1.ReasonWaitingForServer)))
		Expect(credentialsOf(ctx, key)).To(ConsistOf(And(
			HaveField("Name", limited.Name), HaveField("Annotations", BeEmpty()),
			HaveField("Spec.IssueTime.Time", BeTemporally("==", limited.Spec.IssueTime.Time)),
			HaveField("Spec.ExpirationTime.Time", BeTemporally("==", limited.Spec.ExpirationTime.Time)))))
		Expect(accepts(ctx, tenant, token)).To(BeTrue())

		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})

	It("is given up when the hand-over Secret is gone too", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, _ := deliver(ctx, o, tenant, "okta")
		Expect(env.Client.Delete(ctx, secret(ctx, tenant.Namespace, "okta"))).To(Succeed())
		Expect(env.Client.Delete(ctx, &credentialsOf(ctx, key)[0])).To(Succeed())
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(And(
			controllertest.BeStalled(scimv1alpha1.ReasonCredentialLost),
			controllertest.Have(scimv1alpha1.ConditionCredentialsAccepted, metav1.ConditionFalse, scimv1alpha1.ReasonNoCredential),
			HaveField("Status.Conditions", ContainElement(HaveField("Message", ContainSubstring("create another ScimApiKey"))))))
		Expect(credentialsOf(ctx, key)).To(BeEmpty())
	})

	It("does not take a token that somebody has put into the hand-over Secret", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, _ := deliver(ctx, o, tenant, "okta")
		other, token := deliver(ctx, o, tenant, "other")
		Expect(env.Client.Delete(ctx, other)).To(Succeed())
		settle(ctx, o, tenant, other)
		handover := secret(ctx, tenant.Namespace, "okta")
		handover.Data[operand.HandoverToken] = []byte(token)
		Expect(env.Client.Update(ctx, handover)).To(Succeed())
		Expect(env.Client.Delete(ctx, &credentialsOf(ctx, key)[0])).To(Succeed())
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeStalled(scimv1alpha1.ReasonCredentialLost))
		Expect(accepts(ctx, tenant, token)).To(BeFalse())
	})

	It("stays refused when it was made to expire before it was removed", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, token := deliver(ctx, o, tenant, "okta")
		ended := credentialsOf(ctx, key)[0]
		ended.Spec.ExpirationTime = metav1.NewTime(ended.Spec.IssueTime.Add(-time.Hour))
		Expect(env.Client.Update(ctx, &ended)).To(Succeed())
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeStalled(scimv1alpha1.ReasonExpired))
		Expect(env.Client.Delete(ctx, &ended)).To(Succeed())
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeStalled(scimv1alpha1.ReasonExpired))
		Expect(accepts(ctx, tenant, token)).To(BeFalse())
	})
})

var _ = Describe("A token that was made elsewhere", func() {
	offline := func(k *scimv1alpha1.ScimApiKey) { k.Spec.BearerToken.Issuer = scimv1alpha1.TokenIssuerOffline }

	It("is waited for when the issuer is Offline", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key := newKey(ctx, tenant, "okta", offline)
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(And(
			controllertest.BeStalled(scimv1alpha1.ReasonWaitingForCredential),
			controllertest.Have(scimv1alpha1.ConditionDelivered, metav1.ConditionFalse, scimv1alpha1.ReasonWaitingForCredential),
			HaveField("Status.Conditions", ContainElement(HaveField("Message", ContainSubstring("kubectl scim key generate"))))))
		Expect(credentialsOf(ctx, key)).To(BeEmpty())

		By("applying it")
		credential, token := provide(ctx, key)
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(controllertest.BeReconciling(scimv1alpha1.ReasonWaitingForServer))
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(And(
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			controllertest.Have(scimv1alpha1.ConditionDelivered, metav1.ConditionTrue, scimv1alpha1.ReasonProvided),
			HaveField("Status.KeyID", credential.Name)))
		Expect(accepts(ctx, tenant, token)).To(BeTrue())

		By("applying a newer one, and removing both")
		newer, _ := provide(ctx, key, func(c *scimv1alpha1.ScimCredential) { c.Spec.IssueTime = metav1.Now() })
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(And(controllertest.BeReady(scimv1alpha1.ReasonSucceeded), HaveField("Status.KeyID", newer.Name),
			HaveField("Status.Credentials", HaveExactElements(HaveField("KeyID", newer.Name), HaveField("KeyID", credential.Name)))))
		Expect(env.Client.Delete(ctx, credential)).To(Succeed())
		Expect(env.Client.Delete(ctx, newer)).To(Succeed())
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(And(controllertest.BeStalled(scimv1alpha1.ReasonWaitingForCredential),
			HaveField("Status.KeyID", BeEmpty())))
	})

	It("is the only one of a key that had none yet", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key := newKey(ctx, tenant, "okta")
		o.reconcileUntilStable(ctx, key)
		credential, _ := provide(ctx, key)
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(And(controllertest.BeReady(scimv1alpha1.ReasonSucceeded), HaveField("Status.KeyID", credential.Name)))
		Expect(credentialsOf(ctx, key)).To(ConsistOf(HaveField("Name", credential.Name)))
		Expect(secret(ctx, tenant.Namespace, "okta")).To(BeNil())
	})

	It("is not Ready before it works, nor when the tenant refuses it", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key := newKey(ctx, tenant, "okta", offline)
		credential, _ := provide(ctx, key, func(c *scimv1alpha1.ScimCredential) {
			c.Spec.NotBefore = metav1.NewTime(time.Now().Add(time.Hour))
		})
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeReconciling(scimv1alpha1.ReasonEarly))
		result, err := o.reconcile(ctx, key)
		Expect(err).NotTo(HaveOccurred())
		Expect(result.RequeueAfter).To(BeNumerically("~", time.Hour, time.Minute))

		o.now = time.Now().Add(2 * time.Hour)
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))

		Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(tenant), tenant)).To(Succeed())
		tenant.Spec.CredentialsNotBefore = metav1.NewTime(credential.Spec.IssueTime.Add(time.Second))
		Expect(env.Client.Update(ctx, tenant)).To(Succeed())
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeStalled(scimv1alpha1.ReasonCredentialsNotBefore))
	})

	It("is not looked for in a Secret of somebody else", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		_, token := deliver(ctx, o, tenant, "okta")
		foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "mine"}, Data: map[string][]byte{operand.HandoverToken: []byte(token)}}
		Expect(env.Client.Create(ctx, foreign)).To(Succeed())
		key := newKey(ctx, tenant, "mine", offline)
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeStalled(scimv1alpha1.ReasonWaitingForCredential))
	})
})
