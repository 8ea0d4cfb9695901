package scimapikey_test

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

// fasterThanPolling is less than the time after which the operator looks again
// without having been told, and more than a busy machine needs.
const fasterThanPolling = 9 * time.Second

// Here the whole operator runs, and nothing but its watches tells it what to do:
// every step is faster than its polling.
var _ = Describe("The whole operator", Ordered, func() {
	BeforeAll(func() {
		stop, err := env.StartManager(controllertest.Operator)
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func() { Expect(stop()).To(Succeed()) })
	})

	read := func(ctx context.Context, key *scimv1alpha1.ScimApiKey) func() (*scimv1alpha1.ScimApiKey, error) {
		return func() (*scimv1alpha1.ScimApiKey, error) {
			now := &scimv1alpha1.ScimApiKey{}
			return now, env.Client.Get(ctx, client.ObjectKeyFromObject(key), now)
		}
	}

	It("brings a key from its creation before the tenant to its revocation", func(ctx context.Context) {
		namespace, err := env.NewNamespace(ctx)
		Expect(err).NotTo(HaveOccurred())
		tenant := &scimv1alpha1.ScimTenant{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "acme"},
			Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderEntra},
		}
		key := newKey(ctx, tenant, "entra")
		Eventually(read(ctx, key)).Should(controllertest.BeStalled(scimv1alpha1.ReasonTenantNotFound))

		Expect(env.Client.Create(ctx, tenant)).To(Succeed())
		Eventually(read(ctx, key)).Should(controllertest.BeReconciling(scimv1alpha1.ReasonWaitingForServer))
		Eventually(func() error { return env.RollOut(ctx, namespace, "acme") }).Should(Succeed())
		accept(ctx, tenant, "acme-scim-0", "acme-scim-1")
		Eventually(following(ctx, tenant, read(ctx, key))).WithTimeout(fasterThanPolling).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		handover := secret(ctx, namespace, "entra")
		Expect(string(handover.Data[operand.HandoverURL])).To(Equal("http://acme-scim." + namespace + ".svc/scim/v2"))

		By("changing the path")
		Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(tenant), tenant)).To(Succeed())
		tenant.Spec.Endpoint.Path = "/api"
		Expect(env.Client.Update(ctx, tenant)).To(Succeed())
		Eventually(func() string { return string(secret(ctx, namespace, "entra").Data[operand.HandoverURL]) }).
			WithTimeout(fasterThanPolling).Should(HaveSuffix(".svc/api"))

		By("deleting the credential")
		Expect(env.Client.Delete(ctx, &credentialsOf(ctx, key)[0])).To(Succeed())
		Eventually(func() any { return credentialsOf(ctx, key) }).WithTimeout(fasterThanPolling).Should(HaveLen(1))
		Eventually(read(ctx, key)).WithTimeout(fasterThanPolling).Should(controllertest.BeReconciling(scimv1alpha1.ReasonWaitingForServer))
		Eventually(following(ctx, tenant, read(ctx, key))).WithTimeout(fasterThanPolling).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))

		By("deleting the key")
		Expect(env.Client.Delete(ctx, key)).To(Succeed())
		Eventually(func() any { return credentialsOf(ctx, key) }).Should(HaveEach(beRevoked()))
		accept(ctx, tenant, "acme-scim-0", "acme-scim-1")
		Eventually(func() bool { return gone(ctx, key) }).WithTimeout(fasterThanPolling).Should(BeTrue())
	})

	It("sets the finalizer again that somebody took away", func(ctx context.Context) {
		tenant := createTenant(ctx)
		key := newKey(ctx, tenant, "okta")
		Eventually(read(ctx, key)).Should(HaveField("Status.KeyID", Not(BeEmpty())))
		Eventually(func() error {
			now, err := read(ctx, key)()
			if err != nil {
				return err
			}
			now.Finalizers = nil
			return env.Client.Update(ctx, now)
		}).Should(Succeed())
		Eventually(read(ctx, key)).Should(HaveField("Finalizers", ConsistOf(scimv1alpha1.Finalizer)))
	})

	It("hears of a credential that is applied", func(ctx context.Context) {
		tenant := createTenant(ctx)
		key := newKey(ctx, tenant, "okta", func(k *scimv1alpha1.ScimApiKey) { k.Spec.BearerToken.Issuer = scimv1alpha1.TokenIssuerOffline })
		Eventually(read(ctx, key)).Should(controllertest.BeStalled(scimv1alpha1.ReasonWaitingForCredential))
		provide(ctx, key)
		Eventually(read(ctx, key)).WithTimeout(fasterThanPolling).Should(controllertest.BeReconciling(scimv1alpha1.ReasonWaitingForServer))
		Eventually(following(ctx, tenant, read(ctx, key))).WithTimeout(fasterThanPolling).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
	})

	It("delivers many keys of one tenant at the same time", func(ctx context.Context) {
		tenant := createTenant(ctx)
		var keys []*scimv1alpha1.ScimApiKey
		for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
			keys = append(keys, newKey(ctx, tenant, name))
		}
		Eventually(func() error { return env.RollOut(ctx, tenant.Namespace, tenant.Name) }).Should(Succeed())
		for _, key := range keys {
			Eventually(following(ctx, tenant, read(ctx, key))).Should(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		}
		for _, key := range keys {
			Expect(accepts(ctx, tenant, tokenOf(ctx, key))).To(BeTrue())
			Expect(credentialsOf(ctx, key)).To(HaveLen(1))
		}
	})
})

// following reads a key while server pods follow the credentials.
func following(
	ctx context.Context, tenant *scimv1alpha1.ScimTenant, read func() (*scimv1alpha1.ScimApiKey, error),
) func() (*scimv1alpha1.ScimApiKey, error) {
	return func() (*scimv1alpha1.ScimApiKey, error) {
		for _, pod := range []string{"acme-scim-0", "acme-scim-1"} {
			if err := env.Accept(ctx, tenant.Namespace, tenant.Name, pod); err != nil {
				return nil, err
			}
		}
		return read()
	}
}
