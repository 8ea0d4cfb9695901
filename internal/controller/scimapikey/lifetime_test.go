package scimapikey_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
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

	It("expires", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		expiration := time.Now().Add(time.Hour)
		_, other := deliver(ctx, o, tenant, "forever")
		key, _ := deliver(ctx, o, tenant, "okta", expiringAt(expiration))
		result, err := o.reconcile(ctx, key)
		Expect(err).NotTo(HaveOccurred())
		Expect(result.RequeueAfter).To(BeNumerically("~", 54*time.Minute, time.Minute), "it says that it expires soon in the last tenth of its life")

		o.now = expiration.Add(time.Second)
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(controllertest.BeStalled(scimv1alpha1.ReasonExpired))
		Expect(credentialsOf(ctx, key)).To(ConsistOf(beRevoked()), "a replica has not acknowledged it")
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(And(controllertest.BeStalled(scimv1alpha1.ReasonExpired),
			HaveField("Status.Credentials", BeEmpty())))
		Expect(credentialsOf(ctx, key)).To(BeEmpty())
		Expect(accepts(ctx, tenant, other)).To(BeTrue())
		Expect(o.recorded()).To(ContainElements(HavePrefix("Warning Expired "), HavePrefix("Normal Revoked ")))
	})

	It("does not come back when it has expired and is given more time", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, token := deliver(ctx, o, tenant, "okta", expiringAt(time.Now().Add(time.Hour)))
		o.now = time.Now().Add(2 * time.Hour)
		settle(ctx, o, tenant, key)
		later := current(ctx, key)
		later.Spec.ExpirationTime = metav1.NewTime(o.now.Add(time.Hour))
		Expect(env.Client.Update(ctx, later)).To(Succeed())
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeStalled(scimv1alpha1.ReasonCredentialLost))
		Expect(accepts(ctx, tenant, token)).To(BeFalse())
	})

	It("is never made when it has expired already", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key := newKey(ctx, tenant, "okta", expiringAt(time.Now().Add(-time.Hour)))
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(controllertest.BeStalled(scimv1alpha1.ReasonExpired))
		Expect(credentialsOf(ctx, key)).To(BeEmpty())
	})
})

var _ = Describe("The deletion of a key", func() {
	It("ends when no replica that is alive accepts the token any more", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		other, otherToken := deliver(ctx, o, tenant, "other")
		key, token := deliver(ctx, o, tenant, "okta")
		accept(ctx, tenant, "acme-scim-1")
		o.recorded()

		Expect(env.Client.Delete(ctx, key)).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		Expect(accepts(ctx, tenant, token)).To(BeFalse())
		Expect(credentialsOf(ctx, key)).To(ConsistOf(beRevoked()))
		Expect(current(ctx, key)).To(And(
			controllertest.Have(scimv1alpha1.ConditionReconciling, metav1.ConditionTrue, scimv1alpha1.ReasonDeleting),
			controllertest.BeWellFormed(),
			HaveField("Status.Conditions", ContainElement(HaveField("Message", ContainSubstring("0 of 2 server replicas refuse"))))))

		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, key)
		Expect(gone(ctx, key)).To(BeFalse())

		accept(ctx, tenant, "acme-scim-1")
		o.reconcileUntilStable(ctx, key)
		Expect(gone(ctx, key)).To(BeTrue())
		Expect(credentialsOf(ctx, key)).To(BeEmpty())
		Expect(o.recorded()).To(ContainElement(HavePrefix("Normal Revoked ")))
		Expect(accepts(ctx, tenant, otherToken)).To(BeTrue())
		Expect(current(ctx, other)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})

	It("waits for all replicas that could serve a tenant that is moved, also those that were told to end", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, _ := deliver(ctx, o, tenant, "okta")
		Expect(env.HostTenants(ctx, tenant.Namespace, "shared", "shared-0", nil)).To(Succeed())
		Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(tenant), tenant)).To(Succeed())
		tenant.Status.Servers = []scimv1alpha1.TenantServer{{Name: "shared-scim-server", Mode: scimv1alpha1.HostingModeLive}}
		Expect(env.Client.Status().Update(ctx, tenant)).To(Succeed())

		Expect(env.Client.Delete(ctx, key)).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		Expect(env.HostTenants(ctx, tenant.Namespace, "shared", "shared-0", nil)).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		Expect(gone(ctx, key)).To(BeFalse(), "the tenant's own server may serve it still")
		accept(ctx, tenant, "acme-scim-0")
		o.reconcileUntilStable(ctx, key)
		Expect(gone(ctx, key)).To(BeTrue())
	})

	It("is quick when somebody has removed the credential", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key, _ := deliver(ctx, o, tenant, "okta")
		Expect(env.Client.Delete(ctx, &credentialsOf(ctx, key)[0])).To(Succeed())
		Expect(env.Client.Delete(ctx, key)).To(Succeed())
		o.recorded()
		_, err := o.reconcile(ctx, key)
		Expect(err).NotTo(HaveOccurred())
		Expect(gone(ctx, key)).To(BeTrue())
		Expect(o.recorded()).NotTo(ContainElement(HavePrefix("Normal Revoked ")), "nobody has seen that the pods refuse it")
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
