package scimapikey_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

const day = 24 * time.Hour

var _ = Describe("The rotation of a key", func() {
	var (
		tenant *scimv1alpha1.ScimTenant
		o      *operator
	)
	BeforeEach(func(ctx context.Context) { tenant, o = newTenant(ctx), startOperator(nil) })

	It("makes another token by schedule, and lets the one before work for the overlap", func(ctx context.Context) {
		key, first := deliver(ctx, o, tenant, "okta", rotating(90, 48))
		Expect(current(ctx, key)).To(haveNo(scimv1alpha1.ConditionExpiringSoon))
		Expect(current(ctx, key)).To(controllertest.Have(scimv1alpha1.ConditionRotating, metav1.ConditionFalse, scimv1alpha1.ReasonScheduled))
		handover := secret(ctx, tenant.Namespace, "okta")
		handover.Data["note"] = []byte("copied to Okta")
		Expect(env.Client.Update(ctx, handover)).To(Succeed())
		o.recorded()

		By("being as old as it may get, while a replica does not accept the new token")
		o.now = time.Now().Add(90 * day)
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, key)
		Expect(tokenOf(ctx, key)).To(Equal(first))
		Expect(credentialsOf(ctx, key)).To(HaveLen(2))
		Expect(current(ctx, key)).To(controllertest.Have(scimv1alpha1.ConditionRotating, metav1.ConditionTrue, scimv1alpha1.ReasonWaitingForServer))

		By("having it accepted")
		settle(ctx, o, tenant, key)
		second := tokenOf(ctx, key)
		Expect(second).NotTo(Equal(first))
		Expect(secret(ctx, tenant.Namespace, "okta")).To(And(
			HaveField("UID", handover.UID), HaveField("Data", HaveKeyWithValue("note", []byte("copied to Okta")))))
		Expect(credentialsOf(ctx, key)).To(And(HaveLen(2), HaveEach(HaveField("Annotations", Not(HaveKey(scimv1alpha1.AnnotationUndelivered))))))
		Expect(acceptsAt(ctx, tenant, first, o.now)).To(BeTrue())
		Expect(acceptsAt(ctx, tenant, second, o.now)).To(BeTrue())
		Expect(current(ctx, key)).To(And(
			controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			controllertest.Have(scimv1alpha1.ConditionRotating, metav1.ConditionTrue, scimv1alpha1.ReasonOverlap),
			HaveField("Status.DeliveredTime.Time", BeTemporally("~", o.now, time.Second)),
			HaveField("Status.Credentials", HaveLen(2))))
		Expect(o.recorded()).To(ContainElement(HavePrefix("Normal Delivered ")))

		By("coming to the end of the overlap")
		o.now = o.now.Add(48*time.Hour - time.Minute)
		settle(ctx, o, tenant, key)
		Expect(acceptsAt(ctx, tenant, first, o.now)).To(BeTrue())
		o.now = o.now.Add(2 * time.Minute)
		Expect(acceptsAt(ctx, tenant, first, o.now)).To(BeFalse())
		settle(ctx, o, tenant, key)
		Expect(acceptsAt(ctx, tenant, second, o.now)).To(BeTrue())
		Expect(credentialsOf(ctx, key)).To(HaveLen(1))
		Expect(tokenOf(ctx, key)).To(Equal(second))
		Expect(current(ctx, key)).To(controllertest.Have(scimv1alpha1.ConditionRotating, metav1.ConditionFalse, scimv1alpha1.ReasonScheduled))
		Expect(o.recorded()).To(ContainElement(HavePrefix("Normal Revoked ")))
	})

	It("is done when somebody asks for it, once, and writes the Secret anew that was deleted", func(ctx context.Context) {
		key, first := deliver(ctx, o, tenant, "okta")
		Expect(env.Client.Delete(ctx, secret(ctx, tenant.Namespace, "okta"))).To(Succeed())
		o.now = time.Now().Add(time.Minute)
		annotate(ctx, key, scimv1alpha1.AnnotationRotateAt, o.now.Format(time.RFC3339))
		settle(ctx, o, tenant, key)
		second := tokenOf(ctx, key)
		Expect(acceptsAt(ctx, tenant, first, o.now.Add(scimv1alpha1.DefaultOverlap-time.Minute))).To(BeTrue())
		Expect(acceptsAt(ctx, tenant, first, o.now.Add(scimv1alpha1.DefaultOverlap))).To(BeFalse())
		Expect(acceptsAt(ctx, tenant, second, o.now)).To(BeTrue())

		o.now = o.now.Add(time.Hour)
		settle(ctx, startOperator(nil), tenant, key)
		settle(ctx, o, tenant, key)
		Expect(tokenOf(ctx, key)).To(Equal(second))
		Expect(credentialsOf(ctx, key)).To(HaveLen(2))
	})

	It("ends the token before at once when there is no overlap, and deletes it when every replica refuses it", func(ctx context.Context) {
		key, first := deliver(ctx, o, tenant, "okta", rotating(0, 0))
		o.now = time.Now().Add(time.Minute)
		annotate(ctx, key, scimv1alpha1.AnnotationRotateAt, o.now.Format(time.RFC3339))
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, key)
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, key)
		Expect(acceptsAt(ctx, tenant, first, o.now)).To(BeFalse())
		Expect(credentialsOf(ctx, key)).To(HaveLen(2), "a replica has not acknowledged it")
		Expect(current(ctx, key)).To(controllertest.Have(scimv1alpha1.ConditionCredentialsAccepted, metav1.ConditionFalse, scimv1alpha1.ReasonWaitingForServer))
		settle(ctx, o, tenant, key)
		Expect(credentialsOf(ctx, key)).To(HaveLen(1))
		Expect(acceptsAt(ctx, tenant, tokenOf(ctx, key), o.now)).To(BeTrue())
	})

	It("says how to write the time of an annotation that has none, and goes on", func(ctx context.Context) {
		key, first := deliver(ctx, o, tenant, "okta")
		annotate(ctx, key, scimv1alpha1.AnnotationRotateAt, "now")
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(And(controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
			controllertest.Have(scimv1alpha1.ConditionRotating, metav1.ConditionFalse, scimv1alpha1.ReasonInvalidTime)))
		Expect(tokenOf(ctx, key)).To(Equal(first))
	})

	It("does not overwrite a Secret of somebody else, and makes no token that nobody gets", func(ctx context.Context) {
		key, first := deliver(ctx, o, tenant, "okta")
		Expect(env.Client.Delete(ctx, secret(ctx, tenant.Namespace, "okta"))).To(Succeed())
		Expect(env.Client.Create(ctx, foreignSecret(tenant.Namespace, "okta"))).To(Succeed())
		o.now = time.Now().Add(time.Minute)
		annotate(ctx, key, scimv1alpha1.AnnotationRotateAt, o.now.Format(time.RFC3339))
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeStalled(scimv1alpha1.ReasonObjectConflict))
		Expect(credentialsOf(ctx, key)).To(HaveLen(1))
		Expect(acceptsAt(ctx, tenant, first, o.now)).To(BeTrue())
	})

	It("ends the token before of a key that is deleted in the middle", func(ctx context.Context) {
		key, first := deliver(ctx, o, tenant, "okta")
		o.now = time.Now().Add(time.Minute)
		annotate(ctx, key, scimv1alpha1.AnnotationRotateAt, o.now.Format(time.RFC3339))
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, key)
		Expect(credentialsOf(ctx, key)).To(HaveLen(2))
		Expect(env.Client.Delete(ctx, key)).To(Succeed())
		settle(ctx, o, tenant, key)
		Expect(gone(ctx, key)).To(BeTrue())
		Expect(credentialsOf(ctx, key)).To(BeEmpty())
		Expect(acceptsAt(ctx, tenant, first, o.now)).To(BeFalse())
	})

	It("goes on after a crash at any write, and no token that is in use or can be read is ever refused", func(ctx context.Context) {
		number := 0
		atEveryWrite(func(l *life) {
			number++
			key, first := deliver(ctx, startOperator(nil), tenant, fmt.Sprintf("key-%d", number), rotating(0, 1))
			l.now = time.Now().Add(time.Minute)
			annotate(ctx, key, scimv1alpha1.AnnotationRotateAt, l.now.Format(time.RFC3339))
			l.run(ctx, tenant, key)
			Expect(acceptsAt(ctx, tenant, first, l.now)).To(BeTrue())
			Expect(acceptsAt(ctx, tenant, tokenOf(ctx, key), l.now)).To(BeTrue(), "a token that can be read works")

			next := startOperator(nil)
			next.now = l.now
			settle(ctx, next, tenant, key)
			Expect(tokenOf(ctx, key)).NotTo(Equal(first))
			Expect(acceptsAt(ctx, tenant, tokenOf(ctx, key), l.now)).To(BeTrue())
			Expect(acceptsAt(ctx, tenant, first, l.now)).To(BeTrue())
			Expect(acceptsAt(ctx, tenant, first, l.now.Add(time.Hour))).To(BeFalse())
			Expect(credentialsOf(ctx, key)).To(And(HaveLen(2), HaveEach(HaveField("Annotations", Not(HaveKey(scimv1alpha1.AnnotationUndelivered))))))
		})
	})
})

var _ = Describe("The life of a credential", func() {
	It("is limited by the operator's configuration, whoever made it", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		earlier, _ := deliver(ctx, o, tenant, "earlier")
		o.reconciler.MaxLifetime = 90 * day
		key, _ := deliver(ctx, o, tenant, "okta")
		offline := newKey(ctx, tenant, "offline", func(k *scimv1alpha1.ScimApiKey) {
			k.Spec.BearerToken.Issuer = scimv1alpha1.TokenIssuerOffline
		})
		provide(ctx, offline)
		settle(ctx, o, tenant, offline)
		settle(ctx, o, tenant, earlier)
		for _, k := range []*scimv1alpha1.ScimApiKey{earlier, key, offline} {
			credential := credentialsOf(ctx, k)[0]
			Expect(credential.Spec.ExpirationTime.Time).To(BeTemporally("==", credential.Spec.IssueTime.Add(90*day)), k.Name)
			Expect(current(ctx, k)).To(And(controllertest.BeReady(scimv1alpha1.ReasonSucceeded),
				controllertest.Have(scimv1alpha1.ConditionExpiringSoon, metav1.ConditionFalse, scimv1alpha1.ReasonLater)))
		}

		o.now = time.Now().Add(85 * day)
		settle(ctx, o, tenant, offline)
		Expect(current(ctx, offline)).To(controllertest.Have(scimv1alpha1.ConditionExpiringSoon, metav1.ConditionTrue, scimv1alpha1.ReasonSoon))
		o.now = time.Now().Add(91 * day)
		settle(ctx, o, tenant, offline)
		Expect(current(ctx, offline)).To(controllertest.BeStalled(scimv1alpha1.ReasonExpired))
	})

	It("is told in the status, with the hour of its last use", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, _ := deliver(ctx, o, tenant, "okta")
		keyID := current(ctx, key).Status.KeyID
		used := time.Now().UTC().Truncate(time.Hour)
		Expect(env.ReportUsage(ctx, tenant.Namespace, "acme-scim-0", contract.Usage{LastUsedTimes: map[string]time.Time{keyID: used}})).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key).Status.Credentials).To(ConsistOf(HaveField("LastUsedTime.Time", BeTemporally("==", used))))

		Expect(env.StopPod(ctx, tenant.Namespace, "acme-scim-0")).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key).Status.Credentials).To(ConsistOf(HaveField("LastUsedTime.Time", BeTemporally("==", used))))
	})
})

// rotating lets a key be rotated every so many days, or on demand, with an overlap.
func rotating(days, overlapHours int32) func(*scimv1alpha1.ScimApiKey) {
	return func(k *scimv1alpha1.ScimApiKey) {
		k.Spec.Rotation = scimv1alpha1.Rotation{EveryDays: days, OverlapHours: ptr.To(overlapHours)}
	}
}

// annotate sets an annotation on a key.
func annotate(ctx context.Context, key *scimv1alpha1.ScimApiKey, name, value string) {
	GinkgoHelper()
	now := current(ctx, key)
	metav1.SetMetaDataAnnotation(&now.ObjectMeta, name, value)
	Expect(env.Client.Update(ctx, now)).To(Succeed())
}

// haveNo succeeds if a key has no condition of a type.
func haveNo(conditionType string) OmegaMatcher {
	return HaveField("Status.Conditions", Not(ContainElement(HaveField("Type", conditionType))))
}
