package scimapikey_test

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
)

var _ = Describe("A key that is delivered once", func() {
	var (
		tenant *scimv1alpha1.ScimTenant
		o      *operator
	)
	BeforeEach(func(ctx context.Context) { tenant, o = newTenant(ctx), startOperator(nil) })

	It("has no Secret any more when somebody has acknowledged it, for good, and goes on working", func(ctx context.Context) {
		key, token := deliver(ctx, o, tenant, "okta", once(0))
		Expect(current(ctx, key)).To(beDelivered(scimv1alpha1.DeliveryAvailable))
		o.recorded()
		annotate(ctx, key, scimv1alpha1.AnnotationDeliveryAcknowledged, "")
		o.reconcileUntilStable(ctx, key)
		Expect(secret(ctx, tenant.Namespace, "okta")).To(BeNil())
		Expect(current(ctx, key)).To(And(controllertest.BeReady(scimv1alpha1.ReasonSucceeded), beDelivered(scimv1alpha1.DeliveryAcknowledged),
			HaveField("Annotations", Not(HaveKey(scimv1alpha1.AnnotationDeliveryAcknowledged))),
			HaveField("Status.SecretName", BeEmpty())))
		Expect(accepts(ctx, tenant, token)).To(BeTrue())
		Expect(o.recorded()).To(ContainElement(HavePrefix("Normal Withdrawn ")))

		By("time going by, and another life of the operator")
		next := startOperator(nil)
		next.now = time.Now().Add(48 * time.Hour)
		accept(ctx, tenant, "acme-scim-0")
		next.reconcileUntilStable(ctx, key)
		Expect(secret(ctx, tenant.Namespace, "okta")).To(BeNil())
		Expect(current(ctx, key)).To(beDelivered(scimv1alpha1.DeliveryAcknowledged))
	})

	It("has no Secret any more when its time is over", func(ctx context.Context) {
		key, token := deliver(ctx, o, tenant, "okta", once(time.Hour))
		result, err := o.reconcile(ctx, key)
		Expect(err).NotTo(HaveOccurred())
		Expect(result.RequeueAfter).To(BeNumerically("~", time.Hour, time.Minute))
		o.now = time.Now().Add(time.Hour + time.Second)
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, key)
		Expect(secret(ctx, tenant.Namespace, "okta")).To(BeNil())
		Expect(current(ctx, key)).To(beDelivered(scimv1alpha1.DeliveryExpired))
		Expect(accepts(ctx, tenant, token)).To(BeTrue())
	})

	It("is not acknowledged by an annotation that was there before its token", func(ctx context.Context) {
		key, _ := deliver(ctx, o, tenant, "okta", once(0), func(k *scimv1alpha1.ScimApiKey) {
			k.Annotations = map[string]string{scimv1alpha1.AnnotationDeliveryAcknowledged: "true"}
		})
		Expect(secret(ctx, tenant.Namespace, "okta")).NotTo(BeNil())
		Expect(current(ctx, key)).To(And(beDelivered(scimv1alpha1.DeliveryAvailable),
			HaveField("Annotations", Not(HaveKey(scimv1alpha1.AnnotationDeliveryAcknowledged)))))
	})

	It("is waited for until its token is there", func(ctx context.Context) {
		key := newKey(ctx, tenant, "okta", once(0))
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(beDelivered(scimv1alpha1.DeliveryPending))
	})

	It("has a Secret again when it is rotated, until that is acknowledged", func(ctx context.Context) {
		key, first := deliver(ctx, o, tenant, "okta", once(0))
		annotate(ctx, key, scimv1alpha1.AnnotationDeliveryAcknowledged, "yes")
		o.reconcileUntilStable(ctx, key)
		o.now = time.Now().Add(time.Minute)
		annotate(ctx, key, scimv1alpha1.AnnotationRotateAt, o.now.Format(time.RFC3339))
		settle(ctx, o, tenant, key)
		Expect(tokenOf(ctx, key)).NotTo(Equal(first))
		Expect(current(ctx, key)).To(And(beDelivered(scimv1alpha1.DeliveryAvailable), HaveField("Status.SecretName", "okta")))
		annotate(ctx, key, scimv1alpha1.AnnotationDeliveryAcknowledged, "yes")
		o.reconcileUntilStable(ctx, key)
		Expect(secret(ctx, tenant.Namespace, "okta")).To(BeNil())
		Expect(current(ctx, key)).To(beDelivered(scimv1alpha1.DeliveryAcknowledged))
	})

	It("keeps the Secret of somebody else", func(ctx context.Context) {
		key, _ := deliver(ctx, o, tenant, "okta", once(0))
		annotate(ctx, key, scimv1alpha1.AnnotationDeliveryAcknowledged, "yes")
		o.reconcileUntilStable(ctx, key)
		Expect(env.Client.Create(ctx, foreignSecret(tenant.Namespace, "okta"))).To(Succeed())
		annotate(ctx, key, scimv1alpha1.AnnotationDeliveryAcknowledged, "yes")
		o.reconcileUntilStable(ctx, key)
		Expect(secret(ctx, tenant.Namespace, "okta")).NotTo(BeNil())
	})

	It("goes on after a crash at any write", func(ctx context.Context) {
		number := 0
		atEveryWrite(func(l *life) {
			number++
			key, token := deliver(ctx, startOperator(nil), tenant, fmt.Sprintf("key-%d", number), once(0))
			annotate(ctx, key, scimv1alpha1.AnnotationDeliveryAcknowledged, "yes")
			l.run(ctx, tenant, key)
			settle(ctx, startOperator(nil), tenant, key)
			Expect(secret(ctx, tenant.Namespace, key.Name)).To(BeNil())
			Expect(current(ctx, key)).To(And(beDelivered(scimv1alpha1.DeliveryAcknowledged),
				HaveField("Annotations", Not(HaveKey(scimv1alpha1.AnnotationDeliveryAcknowledged)))))
			Expect(accepts(ctx, tenant, token)).To(BeTrue())
		})
	})
})

// once lets a key be delivered once; for a day when no time is given.
func once(ttl time.Duration) func(*scimv1alpha1.ScimApiKey) {
	return func(k *scimv1alpha1.ScimApiKey) {
		k.Spec.Delivery = scimv1alpha1.Delivery{Mode: scimv1alpha1.DeliveryOnce, TTLSeconds: int32(ttl / time.Second)}
	}
}

// beDelivered succeeds if the status says that this has become of the Secret of the newest
// token.
func beDelivered(state scimv1alpha1.DeliveryState) OmegaMatcher {
	return HaveField("Status.Delivery", And(HaveField("State", state), HaveField("TransitionTime.Time", Not(BeZero()))))
}

// foreignSecret is a Secret that the operator has not made.
func foreignSecret(namespace, name string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string][]byte{"password": []byte("theirs")}}
}
