package scimtenant_test

import (
	"context"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/signingkey"
)

var _ = Describe("A tenant that is moved with its access tokens", func() {
	It("has each server check the access tokens of the other one first, if it has keys that get any", func(ctx context.Context) {
		tenant := newTenant(ctx)
		becomeReady(ctx, tenant)
		own := newOwnPod(tenant)
		shared := newSharedServer(ctx, tenant.Namespace, "shared")
		Expect(env.Client.Create(ctx, &scimv1alpha1.ScimApiKey{
			ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: "okta"},
			Spec: scimv1alpha1.ScimApiKeySpec{
				TenantRef: scimv1alpha1.TenantReference{Name: "acme"}, OAuthClient: ptr.To(scimv1alpha1.OAuthClient{}),
			},
		})).To(Succeed())
		change(ctx, tenant, withServerRef("shared"))
		Eventually(current(ctx, tenant)).Should(WithTransform(movedMessage, ContainSubstring("access tokens")))
		ofOwn, ofShared := signingKeys(ctx, tenant.Namespace, "acme-scim"), signingKeys(ctx, tenant.Namespace, "shared-scim-server")
		Expect(verifyingKeys(ctx, tenant.Namespace, "shared-scim-server")()).To(ConsistOf(ofOwn))
		Expect(verifyingKeys(ctx, tenant.Namespace, "acme-scim")()).To(ConsistOf(ofShared))
		all := slices.Concat(ofOwn, ofShared)
		shared.Set(false, false, all...)
		Consistently(current(ctx, tenant), "6s").Should(haveList(""))
		own.Set(false, false, all...)
		Eventually(current(ctx, tenant), moves).Should(haveList("shared Memory"))
		Expect(verifyingKeys(ctx, tenant.Namespace, "shared-scim-server")()).To(ConsistOf(ofOwn))
	})
})

// signingKeys returns the ids of the keys of a server.
func signingKeys(ctx context.Context, namespace, server string) (ids []string) {
	GinkgoHelper()
	secret := &corev1.Secret{}
	Expect(env.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: server + "-signing"}, secret)).To(Succeed())
	keys, err := signingkey.Parse(secret.Data["keys.json"])
	Expect(err).NotTo(HaveOccurred())
	for _, key := range keys {
		ids = append(ids, key.ID)
	}
	return ids
}

// verifyingKeys returns a function that reads the ids of the keys of other servers.
func verifyingKeys(ctx context.Context, namespace, server string) func() ([]string, error) {
	return func() (ids []string, err error) {
		secret := &corev1.Secret{}
		if err := env.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: server + "-signing"}, secret); err != nil {
			return nil, err
		}
		keys, err := signingkey.ParseVerifying(secret.Data["verifying.json"])
		for _, key := range keys {
			ids = append(ids, key.ID)
		}
		return ids, err
	}
}
