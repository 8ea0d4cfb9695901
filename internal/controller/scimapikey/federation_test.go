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
)

var _ = Describe("A federated key", func() {
	federated := func(k *scimv1alpha1.ScimApiKey) {
		k.Spec.Federated = scimv1alpha1.Federation{
			Issuer: "https://idp.example.com", Audiences: []scimv1alpha1.Audience{"scim"}, Claims: map[string]scimv1alpha1.ClaimValue{"sub": "s1"},
		}
	}

	It("is ready without any token, follows its tenant, and goes at once", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		o.reconciler.Issuers = contract.HostsOf([]string{"idp.example.com"}, nil)
		key := newKey(ctx, tenant, "idp", federated)
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key)).To(controllertest.BeReconciling(scimv1alpha1.ReasonWaitingForServer))
		settle(ctx, o, tenant, key)
		now := current(ctx, key)
		Expect(now).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		Expect(now.Status.Federated).To(Equal(scimv1alpha1.FederationStatus{
			ClientID: "idp", TokenURL: "https://acme.example.com/scim/v2/oauth2/token", Audiences: []scimv1alpha1.Audience{"scim"},
		}))
		Expect(now.Status.KeyID).To(HaveLen(26))
		Expect(credentialsOf(ctx, key)).To(BeEmpty())
		Expect(secret(ctx, tenant.Namespace, "idp")).To(BeNil())

		setURL(ctx, tenant, "https://new.example.com/scim/v2")
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key).Status.Federated.TokenURL).To(Equal("https://new.example.com/scim/v2/oauth2/token"))

		tenant.Spec.CredentialsNotBefore = metav1.NewTime(time.Now().Add(-time.Minute).Truncate(time.Second))
		Expect(env.Client.Update(ctx, tenant)).To(Succeed())
		o.reconcileUntilStable(ctx, key)
		Expect(current(ctx, key).Status.KeyID).NotTo(Equal(now.Status.KeyID), "access tokens of before are refused")

		Expect(env.Client.Delete(ctx, key)).To(Succeed())
		_, err := o.reconcile(ctx, key)
		Expect(err).NotTo(HaveOccurred())
		Expect(client.IgnoreNotFound(env.Client.Get(ctx, client.ObjectKeyFromObject(key), &scimv1alpha1.ScimApiKey{}))).To(Succeed())
	})

	It("says whom to ask when its issuer is not allowed", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key := newKey(ctx, tenant, "idp", federated)
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeStalled(scimv1alpha1.ReasonNotAllowed))
		Expect(current(ctx, key).Status.Conditions).To(ContainElement(And(
			HaveField("Type", scimv1alpha1.ConditionCredentialsAccepted), HaveField("Message", ContainSubstring("ask whoever runs the operator")))))
	})
})
