package scimapikey_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

var _ = Describe("A new key", func() {
	It("is handed over once every replica that is alive accepts it", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key := newKey(ctx, tenant, "okta")

		By("having no replica at all")
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(And(
			controllertest.BeReconciling(scimv1alpha1.ReasonWaitingForServer),
			controllertest.Have(scimv1alpha1.ConditionTenantFound, metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded),
			controllertest.Have(scimv1alpha1.ConditionCredentialsAccepted, metav1.ConditionFalse, scimv1alpha1.ReasonWaitingForServer)))
		Expect(credentialsOf(ctx, key)).To(ConsistOf(HaveField("Annotations", HaveKeyWithValue(scimv1alpha1.AnnotationUndelivered, "true"))))
		Expect(secret(ctx, tenant.Namespace, "okta")).To(BeNil())

		By("having one of two replicas accept it, and a dead one that does not count, whatever the clock of its node")
		Expect(env.KeepLease(ctx, tenant.Namespace, tenant.Name, "acme-scim-9", "1", time.Now().Add(time.Hour))).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		o.now = time.Now().Add(contract.ReplicaLeaseDuration)
		Expect(env.KeepLease(ctx, tenant.Namespace, tenant.Name, "acme-scim-0", "1", time.Now().Add(-time.Hour))).To(Succeed())
		accept(ctx, tenant, "acme-scim-1")
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(controllertest.BeReconciling(scimv1alpha1.ReasonWaitingForServer))
		Expect(secret(ctx, tenant.Namespace, "okta")).To(BeNil())

		By("having both accept it")
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, key)
		accept(ctx, tenant, "acme-scim-0", "acme-scim-1")
		o.reconcileUntilStable(ctx, key)
		now := current(ctx, key)
		Expect(now).To(And(
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			controllertest.Have(scimv1alpha1.ConditionDelivered, metav1.ConditionTrue, scimv1alpha1.ReasonDelivered),
			controllertest.Have(scimv1alpha1.ConditionCredentialsAccepted, metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded)))
		Expect(now.Status.DeliveredTime.IsZero()).To(BeFalse())
		Expect(now.Status.SecretName).To(Equal("okta"))

		handover := secret(ctx, tenant.Namespace, "okta")
		token := string(handover.Data[operand.HandoverToken])
		Expect(string(handover.Data[operand.HandoverURL])).To(Equal("https://acme.example.com/scim/v2"))
		Expect(handover.OwnerReferences).To(ConsistOf(HaveField("UID", key.UID)))
		id, ok := apikey.KeyID(token)
		Expect(ok).To(BeTrue())
		Expect(now.Status.KeyID).To(Equal(id))
		Expect(now.Status.Credentials).To(ConsistOf(HaveField("KeyID", id)))
		Expect(credentialsOf(ctx, key)).To(ConsistOf(And(
			HaveField("Name", id), HaveField("Annotations", BeEmpty()), HaveField("OwnerReferences", BeEmpty()), HaveField("Finalizers", BeEmpty()))))
		Expect(accepts(ctx, tenant, token)).To(BeTrue())
		Expect(verifiersOf(ctx, tenant)).To(BeNil())

		recorded := o.recorded()
		Expect(recorded).To(ContainElement(HavePrefix("Normal Delivered ")))
		Expect(recorded).NotTo(ContainElement(ContainSubstring(token)))
	})

	It("is written nowhere again once it has been handed over", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, _ := deliver(ctx, o, tenant, "okta")
		before := []string{
			current(ctx, key).ResourceVersion,
			credentialsOf(ctx, key)[0].ResourceVersion,
			secret(ctx, tenant.Namespace, "okta").ResourceVersion,
		}
		o.reconcileUntilStable(ctx, key)
		startOperator(nil).reconcileUntilStable(ctx, key)
		Expect([]string{
			current(ctx, key).ResourceVersion,
			credentialsOf(ctx, key)[0].ResourceVersion,
			secret(ctx, tenant.Namespace, "okta").ResourceVersion,
		}).To(Equal(before))
	})

	It("goes into the Secret that it names", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		_, token := deliver(ctx, o, tenant, "okta", func(k *scimv1alpha1.ScimApiKey) { k.Spec.SecretName = "acme-okta" })
		Expect(token).To(HavePrefix(apikey.Prefix))
		Expect(secret(ctx, tenant.Namespace, "okta")).To(BeNil())
	})

	It("waits while its tenant has no URL of its own", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		setURL(ctx, tenant, "")
		key := newKey(ctx, tenant, "okta")
		o.reconcileUntilStable(ctx, key)
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(controllertest.BeReconciling(scimv1alpha1.ReasonWaitingForServer))
		setURL(ctx, tenant, "https://acme.example.com/scim/v2")
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})

	It("does not touch a Secret of somebody else", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		foreign := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "okta"},
			StringData: map[string]string{"password": "hunter2"},
		}
		Expect(env.Client.Create(ctx, foreign)).To(Succeed())
		key := newKey(ctx, tenant, "okta")
		o.reconcileUntilStable(ctx, key)
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(controllertest.BeStalled(scimv1alpha1.ReasonObjectConflict))
		Expect(secret(ctx, tenant.Namespace, "okta").ResourceVersion).To(Equal(foreign.ResourceVersion))

		By("moving it out of the way")
		Expect(env.Client.Delete(ctx, foreign)).To(Succeed())
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})

	It("waits until the Secret of an earlier key of its name has been collected", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, token := deliver(ctx, o, tenant, "okta")
		Expect(env.Client.Delete(ctx, key)).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, key)
		Expect(gone(ctx, key)).To(BeTrue())

		again := newKey(ctx, tenant, "okta")
		o.reconcileUntilStable(ctx, again)
		Expect(current(ctx, again)).To(controllertest.BeReconciling(scimv1alpha1.ReasonProgressing))
		Expect(env.Client.Delete(ctx, secret(ctx, tenant.Namespace, "okta"))).To(Succeed()) // the garbage collector's part
		settle(ctx, o, tenant, again)
		Expect(current(ctx, again)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		Expect(string(secret(ctx, tenant.Namespace, "okta").Data[operand.HandoverToken])).NotTo(Equal(token))
	})

	It("does not disturb the other keys of the tenant", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		_, token := deliver(ctx, o, tenant, "first")
		_, other := deliver(ctx, o, tenant, "second")
		Expect(other).NotTo(Equal(token))
		Expect(accepts(ctx, tenant, token)).To(BeTrue())
		Expect(accepts(ctx, tenant, other)).To(BeTrue())
	})

	It("that is a copy under another name gets a token of its own, and does not accept the other's", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, token := deliver(ctx, o, tenant, "okta")
		copied := current(ctx, key)
		copied.ObjectMeta = metav1.ObjectMeta{Namespace: key.Namespace, Name: "copy", Finalizers: copied.Finalizers, Annotations: copied.Annotations}
		Expect(env.Client.Create(ctx, copied)).To(Succeed())
		settle(ctx, o, tenant, copied)
		Expect(current(ctx, copied)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		Expect(tokenOf(ctx, copied)).NotTo(Equal(token))

		By("deleting the first one")
		Expect(env.Client.Delete(ctx, key)).To(Succeed())
		settle(ctx, o, tenant, key)
		Expect(gone(ctx, key)).To(BeTrue())
		Expect(accepts(ctx, tenant, token)).To(BeFalse())
		Expect(accepts(ctx, tenant, tokenOf(ctx, copied))).To(BeTrue())
	})

	It("gets another one when the tenant refuses what was made before it was handed over", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key := newKey(ctx, tenant, "okta")
		o.now = time.Now().Add(-time.Hour)
		o.reconcileUntilStable(ctx, key)
		first := credentialsOf(ctx, key)[0]
		tenant.Spec.CredentialsNotBefore = metav1.NewTime(time.Now().Add(-time.Minute))
		Expect(env.Client.Update(ctx, tenant)).To(Succeed())
		setURL(ctx, tenant, tenant.Status.URL)
		o.now = time.Now()
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		Expect(credentialsOf(ctx, key)).To(ConsistOf(HaveField("Name", Not(Equal(first.Name)))))
	})
})

var _ = Describe("A key without its tenant", func() {
	It("stalls, and is delivered when the tenant has been created", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key := newKey(ctx, &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "later"}}, "okta")
		o.reconcileUntilStable(ctx, key)
		now := current(ctx, key)
		Expect(now).To(And(
			controllertest.BeStalled(scimv1alpha1.ReasonTenantNotFound),
			controllertest.Have(scimv1alpha1.ConditionTenantFound, metav1.ConditionFalse, scimv1alpha1.ReasonTenantNotFound)))
		Expect(now.Status.Conditions).To(ContainElement(HaveField("Message", And(
			ContainSubstring(`"later"`), ContainSubstring(tenant.Namespace)))))
		Expect(now.Status.KeyID).To(BeEmpty())

		later := &scimv1alpha1.ScimTenant{
			ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "later"},
			Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderOkta},
		}
		Expect(env.Client.Create(ctx, later)).To(Succeed())
		setURL(ctx, later, "https://later.example.com/scim/v2")
		settle(ctx, o, later, key)
		Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})

	It("keeps its token for when the tenant comes back", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, token := deliver(ctx, o, tenant, "okta")
		Expect(env.Client.Delete(ctx, tenant)).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(controllertest.BeStalled(scimv1alpha1.ReasonTenantNotFound))
		Expect(accepts(ctx, tenant, token)).To(BeTrue())
	})
})
