package scimapikey_test

import (
	"context"
	"errors"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

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
			controllertest.Have(scimv1alpha1.ConditionTenantFound, metav1.ConditionTrue, scimv1alpha1.ReasonSucceeded)))
		Expect(verifiersOf(ctx, tenant).Data).To(HaveLen(1))
		Expect(secret(ctx, tenant.Namespace, "okta")).To(BeNil())

		By("having one of two replicas accept it, and a dead one that does not count, whatever the clock of its node")
		Expect(env.KeepLease(ctx, tenant.Namespace, tenant.Name, "acme-scim-9", "1", time.Now().Add(time.Hour))).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		o.now = time.Now().Add(contract.ReplicaLeaseDuration)
		Expect(env.KeepLease(ctx, tenant.Namespace, tenant.Name, "acme-scim-0", contract.NoVerifiers, time.Now().Add(-time.Hour))).To(Succeed())
		accept(ctx, tenant, "acme-scim-1")
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(controllertest.BeReconciling(scimv1alpha1.ReasonWaitingForServer))
		Expect(secret(ctx, tenant.Namespace, "okta")).To(BeNil())

		By("having both accept it")
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, key)
		now := current(ctx, key)
		Expect(now).To(And(
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			controllertest.Have(scimv1alpha1.ConditionDelivered, metav1.ConditionTrue, scimv1alpha1.ReasonDelivered)))
		Expect(now.Status.DeliveredTime.IsZero()).To(BeFalse())
		Expect(now.Status.SecretName).To(Equal("okta"))

		handover := secret(ctx, tenant.Namespace, "okta")
		token := string(handover.Data[operand.HandoverToken])
		Expect(string(handover.Data[operand.HandoverURL])).To(Equal("https://acme.example.com/scim/v2"))
		Expect(handover.OwnerReferences).To(ConsistOf(HaveField("UID", key.UID)))
		id, ok := apikey.KeyID(token)
		Expect(ok).To(BeTrue())
		Expect(now.Status.KeyID).To(Equal(id))

		verifiers := verifiersOf(ctx, tenant)
		Expect(verifiers.OwnerReferences).To(ConsistOf(HaveField("UID", key.UID)))
		v, ok := operand.VerifierIn(verifiers.Data, id)
		Expect(ok).To(BeTrue())
		Expect(v.Matches(token)).To(BeTrue())

		recorded := o.recorded()
		Expect(recorded).To(ContainElement(HavePrefix("Normal Delivered ")))
		Expect(recorded).NotTo(ContainElement(ContainSubstring(token)))
	})

	It("is written nowhere again once it has been handed over", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, _ := deliver(ctx, o, tenant, "okta")
		before := []string{
			current(ctx, key).ResourceVersion,
			verifiersOf(ctx, tenant).ResourceVersion,
			secret(ctx, tenant.Namespace, "okta").ResourceVersion,
		}
		o.reconcileUntilStable(ctx, key)
		startOperator(nil).reconcileUntilStable(ctx, key)
		Expect([]string{
			current(ctx, key).ResourceVersion,
			verifiersOf(ctx, tenant).ResourceVersion,
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
		o.reconcileUntilStable(ctx, key)
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
		o.reconcileUntilStable(ctx, key)
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})

	It("does not take over a Secret that has the name of the verifiers", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: contract.VerifiersName(tenant.Name)}}
		Expect(env.Client.Create(ctx, foreign)).To(Succeed())
		key := newKey(ctx, tenant, "okta")
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(controllertest.BeStalled(scimv1alpha1.ReasonObjectConflict))
		Expect(verifiersOf(ctx, tenant).ResourceVersion).To(Equal(foreign.ResourceVersion))
	})

	It("waits until the Secret of an earlier key of its name has been collected", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, token := deliver(ctx, o, tenant, "okta")
		Expect(env.Client.Delete(ctx, key)).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, key)

		again := newKey(ctx, tenant, "okta")
		o.reconcileUntilStable(ctx, again)
		Expect(current(ctx, again)).To(controllertest.BeReconciling(scimv1alpha1.ReasonProgressing))
		Expect(env.Client.Delete(ctx, secret(ctx, tenant.Namespace, "okta"))).To(Succeed()) // the garbage collector's part
		o.reconcileUntilStable(ctx, again)
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, again)
		Expect(current(ctx, again)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		Expect(string(secret(ctx, tenant.Namespace, "okta").Data[operand.HandoverToken])).NotTo(Equal(token))
	})

	It("does not disturb the other keys of the tenant", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		first, token := deliver(ctx, o, tenant, "first")
		second, other := deliver(ctx, o, tenant, "second")
		data := verifiersOf(ctx, tenant).Data
		Expect(data).To(HaveLen(2))
		for _, t := range []string{token, other} {
			id, _ := apikey.KeyID(t)
			v, ok := operand.VerifierIn(data, id)
			Expect(ok).To(BeTrue())
			Expect(v.Matches(t)).To(BeTrue())
		}
		Expect(verifiersOf(ctx, tenant).OwnerReferences).To(ConsistOf(
			HaveField("UID", first.UID), HaveField("UID", second.UID)))
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
		o.reconcileUntilStable(ctx, key)
		accept(ctx, later, "later-scim-0")
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})

	It("keeps its token for when the tenant comes back", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, token := deliver(ctx, o, tenant, "okta")
		Expect(env.Client.Delete(ctx, tenant)).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(controllertest.BeStalled(scimv1alpha1.ReasonTenantNotFound))
		id, _ := apikey.KeyID(token)
		Expect(verifiersOf(ctx, tenant).Data).To(HaveKey(id))
		Expect(verifiersOf(ctx, tenant).OwnerReferences).To(HaveEach(HaveField("Kind", "ScimApiKey")))
	})
})

var _ = Describe("A crash of the operator", func() {
	failure := errors.New("the operator is gone")
	handover := func(obj client.Object) bool { return obj.GetLabels()[scimv1alpha1.LabelAPIKey] != "" }

	It("before the hash is written leaves nothing", func(ctx context.Context) {
		tenant := newTenant(ctx)
		key := newKey(ctx, tenant, "okta")
		_, err := startOperator(func(verb string, _ client.Object) error {
			if verb == "create" {
				return failure
			}
			return nil
		}).reconcile(ctx, key)
		Expect(err).To(MatchError(failure))
		Expect(verifiersOf(ctx, tenant)).To(BeNil())
		Expect(current(ctx, key)).To(controllertest.BeReconciling(scimv1alpha1.ReasonReconcileFailed))
		finish(ctx, tenant, key)
	})

	It("before the key id is recorded leaves a hash that is replaced", func(ctx context.Context) {
		tenant := newTenant(ctx)
		key := newKey(ctx, tenant, "okta")
		_, err := startOperator(func(verb string, _ client.Object) error {
			if verb == "status" {
				return failure
			}
			return nil
		}).reconcile(ctx, key)
		Expect(err).To(MatchError(failure))
		Expect(verifiersOf(ctx, tenant).Data).To(HaveLen(1))
		Expect(current(ctx, key).Status.KeyID).To(BeEmpty())
		finish(ctx, tenant, key)
	})

	It("never lets a token out whose key id is not recorded", func(ctx context.Context) {
		tenant := newTenant(ctx)
		key := newKey(ctx, tenant, "okta")
		o := startOperator(func(verb string, _ client.Object) error {
			if verb == "status" {
				return failure
			}
			return nil
		})
		for range 3 {
			_, err := o.reconcile(ctx, key)
			Expect(err).To(MatchError(failure))
			accept(ctx, tenant, "acme-scim-0")
		}
		Expect(secret(ctx, tenant.Namespace, "okta")).To(BeNil())
		finish(ctx, tenant, key)
	})

	It("while replicas are waited for leads to another token", func(ctx context.Context) {
		tenant := newTenant(ctx)
		key := newKey(ctx, tenant, "okta")
		startOperator(nil).reconcileUntilStable(ctx, key)
		first := current(ctx, key).Status.KeyID
		Expect(first).NotTo(BeEmpty())
		finish(ctx, tenant, key)
		Expect(current(ctx, key).Status.KeyID).NotTo(Equal(first))
	})

	It("when the token is handed over leads to another token", func(ctx context.Context) {
		tenant := newTenant(ctx)
		key := newKey(ctx, tenant, "okta")
		o := startOperator(func(verb string, obj client.Object) error {
			if verb == "create" && handover(obj) {
				return failure
			}
			return nil
		})
		o.reconcileUntilStable(ctx, key)
		accept(ctx, tenant, "acme-scim-0")
		_, err := o.reconcile(ctx, key)
		Expect(err).To(MatchError(failure))
		finish(ctx, tenant, key)
	})

	It("after the token is handed over is made up for", func(ctx context.Context) {
		tenant := newTenant(ctx)
		key := newKey(ctx, tenant, "okta")
		broken := false
		o := startOperator(func(verb string, _ client.Object) error {
			if verb == "status" && broken {
				return failure
			}
			return nil
		})
		o.reconcileUntilStable(ctx, key)
		accept(ctx, tenant, "acme-scim-0")
		broken = true
		_, err := o.reconcile(ctx, key)
		Expect(err).To(MatchError(failure))
		token := secret(ctx, tenant.Namespace, "okta").Data[operand.HandoverToken]
		Expect(current(ctx, key).Status.DeliveredTime.IsZero()).To(BeTrue())

		By("having another key reconciled first")
		next := startOperator(nil)
		next.reconcileUntilStable(ctx, newKey(ctx, tenant, "other"))
		id, _ := apikey.KeyID(string(token))
		Expect(verifiersOf(ctx, tenant).Data).To(HaveKey(id))

		next.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		Expect(secret(ctx, tenant.Namespace, "okta").Data[operand.HandoverToken]).To(Equal(token))
	})
})

// finish starts the operator again and has the key delivered, with a token that
// is the only one to work.
func finish(ctx context.Context, tenant *scimv1alpha1.ScimTenant, key *scimv1alpha1.ScimApiKey) {
	GinkgoHelper()
	o := startOperator(nil)
	o.reconcileUntilStable(ctx, key)
	accept(ctx, tenant, "acme-scim-0")
	o.reconcileUntilStable(ctx, key)
	Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	token := string(secret(ctx, key.Namespace, key.HandoverSecretName()).Data[operand.HandoverToken])
	data := verifiersOf(ctx, tenant).Data
	Expect(data).To(HaveLen(1))
	v, ok := operand.VerifierIn(data, current(ctx, key).Status.KeyID)
	Expect(ok).To(BeTrue())
	Expect(v.Matches(token)).To(BeTrue())
}
