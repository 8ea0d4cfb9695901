package scimapikey_test

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/controller/controllertest"
	"github.com/kubescim/kubescim/internal/operand"
)

var _ = Describe("A key that is an OAuth client", func() {
	It("hands over all that its identity provider asks for, and both URLs follow the tenant", func(ctx context.Context) {
		tenant, o := newTenant(ctx), startOperator(nil)
		key := newKey(ctx, tenant, "entra", func(k *scimv1alpha1.ScimApiKey) { k.Spec.OAuthClient = &scimv1alpha1.OAuthClient{} })
		settle(ctx, o, tenant, key)
		Expect(current(ctx, key)).To(controllertest.BeReady(scimv1alpha1.ReasonSucceeded))
		handover := secret(ctx, tenant.Namespace, "entra")
		Expect(handover.Data).To(And(HaveLen(4),
			HaveKeyWithValue("url", []byte("https://acme.example.com/scim/v2")),
			HaveKeyWithValue("tokenURL", []byte("https://acme.example.com/scim/v2/oauth2/token")),
			HaveKeyWithValue("clientID", []byte("entra"))))
		clientSecret := string(handover.Data[operand.HandoverClientSecret])
		Expect(credentialsOf(ctx, key)).To(ConsistOf(HaveField("Name", current(ctx, key).Status.KeyID)))

		setURL(ctx, tenant, "https://new.example.com/scim/v2")
		o.reconcileUntilStable(ctx, key)
		Expect(secret(ctx, tenant.Namespace, "entra").Data).To(And(HaveLen(4),
			HaveKeyWithValue("tokenURL", []byte("https://new.example.com/scim/v2/oauth2/token")),
			HaveKeyWithValue("clientSecret", []byte(clientSecret))))
		setURL(ctx, tenant, "")
		o.reconcileUntilStable(ctx, key)
		Expect(secret(ctx, tenant.Namespace, "entra").Data).To(And(
			HaveKeyWithValue("url", BeEmpty()), HaveKeyWithValue("tokenURL", BeEmpty()), HaveKeyWithValue("clientID", []byte("entra"))))
	})
})
